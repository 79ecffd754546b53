"""Tables from files: accepted variants, and errors for invalid files."""

import re
from pathlib import Path

import numpy as np
import pytest

from network import Column
from trainer.data.reading.options import ReadingOptions
from trainer.data.reading.table_file import table_from_file
from trainer.errors import DataError

ROWS = [(k, 0.5 * k, 1e-3 * k**2) for k in range(12)]


def csv(header: str = "a,b,y", delimiter: str = ",", end: str = "\n") -> str:
    lines = [header, *(delimiter.join(map(repr, row)) for row in ROWS)]
    return "".join(line + end for line in lines)


PLAIN = csv()

GOOD = {
    "comma": PLAIN,
    "semicolon": csv("a;b;y", ";"),
    "tab": csv("a\tb\ty", "\t"),
    "byte order mark": "\ufeff" + PLAIN,
    "Windows line ends": csv(end="\r\n"),
    "old Macintosh line ends": csv(end="\r"),
    "no line end at the end of the file": PLAIN.removesuffix("\n"),
    "quoted cells": csv('"a","b","y"').replace("0.5", '"0.5"'),
    "spaces around names and numbers": csv(" a , b , y").replace(",", ", "),
    "blank lines": PLAIN.replace("\n", "\n\n"),
    "other notations of a number": PLAIN.replace("\n2,1.0,", "\n+2e0,100E-2,"),
    "quoted delimiters in the header": csv("a;b;y", ";").replace("a;b;y", '"a";"b";"y"'),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD)
def test_a_valid_file_is_read(content: str, path: Path) -> None:
    path.write_text(content, encoding="utf-8", newline="")
    table = table_from_file(path, ["y"])
    assert (table.features, table.targets, table.source) == (("a", "b"), ("y",), "table.csv")
    np.testing.assert_array_equal(np.hstack([table.X, table.Y]), ROWS)


@pytest.mark.parametrize(
    ("target", "question"),
    [
        ("Y", "did you mean 'y'? "),
        ("bridge", "did you mean 'Bridge (mV)'? "),
        ("Bridge mV", "did you mean 'Bridge (mV)'? "),
        ("z", ""),
    ],
)
def test_a_similar_column_is_named(path: Path, target: str, question: str) -> None:
    path.write_text("a,Bridge (mV),y\n1,2,3\n2,4,6\n")
    with pytest.raises(DataError) as caught:
        table_from_file(path, (target,))
    assert f"has no column {target!r}; {question}its columns are: a" in str(caught.value)


def test_cells_of_other_columns_are_not_checked(path: Path) -> None:
    lines = ["day,a,note,y,b"]
    lines += [
        f'2024-01-{k + 1:02},{a},"say ""no, nan""",{y},{b}' for k, (a, b, y) in enumerate(ROWS)
    ]
    path.write_text("\n".join(lines))
    table = table_from_file(path, ["y"], ["b", "a"])
    assert table.features == ("b", "a")
    np.testing.assert_array_equal(table.X, np.array(ROWS)[:, [1, 0]])
    np.testing.assert_array_equal(table.Y, np.array(ROWS)[:, [2]])


def test_several_targets_keep_the_requested_order(path: Path) -> None:
    path.write_text(PLAIN)
    table = table_from_file(path, ["y", "a"])
    assert (table.features, table.targets) == (("b",), ("y", "a"))
    np.testing.assert_array_equal(table.Y, np.array(ROWS)[:, [2, 0]])


def test_columns_that_are_not_named_as_features_are_left_out(path: Path) -> None:
    path.write_text("id,a,b,w,y\n" + "".join(f"{i},{i % 7},{i % 5},1,{i}\n" for i in range(30)))
    table = table_from_file(path, ["y"], ["a"], "w")
    assert table.summary["left_out"] == [
        {"column": each, "why": "it is not among the named features"} for each in ("id", "b")
    ]


def test_a_constant_feature_is_left_out_unless_it_is_named(path: Path) -> None:
    path.write_text("a,b,y\n" + "".join(f"7,{b},{y}\n" for _, b, y in ROWS))
    table = table_from_file(path, ["y"])
    assert table.features == ("b",)
    assert table.summary["left_out"] == [{"column": "a", "why": "it is '7' in every row"}]
    assert table_from_file(path, ["y"], ["a", "b"]).constant_features == ("a",)


def with_line(line: str, number: int = 5) -> str:
    lines = PLAIN.splitlines()
    return "\n".join([*lines[: number - 1], line, *lines[number:]])


REFUSED = {
    "empty file": ("", "{path} is empty: expected a header with column names"),
    "blank lines alone": ("\n\n\n", "{path} is empty: expected a header with column names"),
    "header alone": ("a,b,y\n", "table.csv has 0 rows; a training needs at least 10"),
    "two rows": ("a,b,y\n1,2,3\n4,5,6\n", "table.csv has 2 rows; a training needs at least 10"),
    "missing target": (
        csv("a,b,c"),
        "{path} has no column 'y'; its columns are: a, b, c",
    ),
    "no header": (
        "\n".join(PLAIN.splitlines()[2:]),
        (
            "{path} has no column 'y'; its first line is not a header, but numbers; "
            "without a header, the columns are called column1, column2, column3"
        ),
    ),
    "duplicated header": (
        csv("a,a,y"),
        """{path} has two columns called 'a': rename one, or name other features; \
its columns are: a, a, y""",
    ),
    "a missing target and duplicated names": (
        "a,a,b\n" + "1,1,2\n" * 12,
        "{path} has no column 'y'; its columns are: a, a, b",
    ),
    "target alone": (
        "y\n" + "1\n2\n" * 6,
        "there are no features: expected at least one column besides the target",
    ),
    "constant target": (
        "a,y\n" + "".join(f"{k},2.5\n" for k in range(12)),
        "table.csv: target 'y' is 2.5 in every row; expected at least two different values",
    ),
    "number out of bounds": (
        with_line("1e200,1,2"),
        "table.csv: column 'a' holds 1e+200; expected numbers within ±1e+100",
    ),
    "unclosed quote": (with_line('1,"2,3', 13), "{path}, line 13: unexpected end of data"),
    "text after a quote": (with_line('1,"2"3,4'), "{path}, line 5: ',' expected after '\"'"),
    "ragged row, short": (
        with_line("1,2"),
        "{path} cannot be used:\n  line 5: 2 cells, but the header has 3",
    ),
    "ragged row, long": (
        with_line("1,2,3,4"),
        "{path} cannot be used:\n  line 5: 4 cells, but the header has 3",
    ),
    "several bad cells": (
        with_line("x,2,0").replace("11,5.5,0.121", "11,5.5"),
        """{path} cannot be used:
  line 5, column 'a': expected a finite number, got 'x'
  line 13: 2 cells, but the header has 3""",
    ),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_an_invalid_file_is_refused_with_the_reason(content: str, message: str, path: Path) -> None:
    path.write_text(content)
    with pytest.raises(DataError) as refusal:
        table_from_file(path, ["y"])
    assert str(refusal.value) == message.format(path=path)


@pytest.mark.parametrize(
    "cell",
    ["text", "", " ", "nan", "inf", "-Infinity", "1e400", "1_000", "1\x00", "\u0661"],
)
def test_a_cell_that_is_not_a_finite_number_is_reported(cell: str, path: Path) -> None:
    path.write_text(with_line(f"1,{cell},2", number=7))
    with pytest.raises(DataError) as refusal:
        table_from_file(path, ["y"], options=ReadingOptions(missing="refuse"))
    assert str(refusal.value) == (
        f"{path} cannot be used:\n  line 7, column 'b': expected a finite number, got {cell!r}"
    )


def test_a_long_cell_is_reported_truncated(path: Path) -> None:
    path.write_text(with_line(f"1,{'z' * 1000},2"))
    with pytest.raises(DataError, match=r"got 'z{40}'$"):
        table_from_file(path, ["y"])


def test_the_reported_line_counts_blank_lines_and_quoted_line_ends(
    path: Path,
) -> None:
    path.write_text('note,a,y\n\n"two\nlines",1,2\n\nx,1,bad\n')
    with pytest.raises(DataError, match="line 6, column 'y'"):
        table_from_file(path, ["y"], ["a"])


@pytest.mark.parametrize("bad_cells_a_line", [1, 2, 3])
def test_at_most_twenty_bad_cells_are_reported(bad_cells_a_line: int, path: Path) -> None:
    lines = [",".join([f"x{k}"] * bad_cells_a_line + ["1"] * 3)[:-2] for k in range(30)]
    lines = [",".join(f"{line},1,1".split(",")[:3]) for line in lines]
    path.write_text("a,b,y\n" + "".join(f"{k},{k},{k}\n{line}\n" for k, line in enumerate(lines)))
    with pytest.raises(DataError) as refusal:
        table_from_file(path, ["y"])
    reported = [line for line in str(refusal.value).splitlines() if line.startswith("  line ")]
    assert len(reported) == 20
    assert reported[-1].startswith(f"  line {1 + 2 * -(-20 // bad_cells_a_line)}, ")


@pytest.mark.parametrize("good_rows", [1, 5000], ids=["near", "beyond the first block"])
def test_a_file_that_is_not_utf8_is_refused_with_the_line(good_rows: int, path: Path) -> None:
    path.write_bytes(b"a,y\n" + b"1,2\n" * good_rows + "3,Größe\n".encode("latin-1"))
    with pytest.raises(
        DataError, match=rf"^{re.escape(str(path))}, line {good_rows + 2}: not UTF-8 text: invalid"
    ):
        table_from_file(path, ["y"])


def test_a_binary_file_is_refused(path: Path) -> None:
    path.write_bytes(bytes(128) * 10)
    with pytest.raises(DataError, match="is a binary file, not a table of text"):
        table_from_file(path, ["y"])


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, reason in (
        (tmp_path, "Is a directory"),
        (tmp_path / "missing.csv", "No such file or directory"),
        (tmp_path / "file" / "below.csv", "Not a directory"),
    ):
        with pytest.raises(DataError, match=f"^cannot read {re.escape(str(path))}: {reason}$"):
            table_from_file(path, ["y"])


def test_a_weights_column_is_not_a_feature_and_rows_of_weight_zero_are_left_out(
    path: Path,
) -> None:
    path.write_text("a,w,y\n" + "".join(f"{k},{k % 3},{k * k}\n" for k in range(20)))
    table = table_from_file(path, ["y"], weights="w")
    kept = [k for k in range(20) if k % 3]
    assert table.features == ("a",)
    assert table.weights is not None
    np.testing.assert_array_equal(table.X[:, 0], kept)
    np.testing.assert_array_equal(table.Y[:, 0], np.square(kept))
    np.testing.assert_array_equal(table.weights, np.mod(kept, 3))


@pytest.mark.parametrize(
    ("weights", "features", "message"),
    [
        ("v", ("a",), "has no column 'v'; its columns are: a, w, y"),
        ("y", ("a",), "column 'y' cannot be both the weights and a feature or target"),
        ("w", ("a", "w"), "column 'w' cannot be both the weights and a feature or target"),
        ("a", ("w",), "table.csv: a row has weight -1.0; expected weights above 0"),
    ],
)
def test_invalid_weights_are_refused(
    weights: str, features: tuple[str, ...], message: str, path: Path
) -> None:
    path.write_text("a,w,y\n" + "".join(f"-1,{k % 3},{k * k}\n" for k in range(20)))
    with pytest.raises(DataError, match=re.escape(message)):
        table_from_file(path, ["y"], features, weights)


# Options


@pytest.mark.parametrize("encoding", ["no-such-encoding", "hex", "", "utf\0"])
def test_an_unknown_encoding_is_refused(encoding: str, path: Path) -> None:
    path.write_text(PLAIN)
    with pytest.raises(DataError, match=r"' is not the name of a text encoding$"):
        table_from_file(path, ["y"], options=ReadingOptions(encoding=encoding))


def test_an_unknown_way_to_treat_missing_cells_is_refused() -> None:
    with pytest.raises(DataError, match=r"^missing must be one of impute, refuse, got 'drop'$"):
        ReadingOptions(missing="drop")  # type: ignore[arg-type]


def test_a_category_that_is_no_column_is_refused(path: Path) -> None:
    path.write_text(PLAIN)
    with pytest.raises(DataError, match="has no column 'c'; its columns are: a, b, y"):
        table_from_file(path, ["y"], options=ReadingOptions(categories=("c",)))


def test_missing_cells_are_refused_if_asked(path: Path) -> None:
    path.write_text(with_line("1,NA,2").replace("11,5.5,0.121", "11,5.5,"))
    options = ReadingOptions(missing="refuse")
    with pytest.raises(DataError) as refusal:
        table_from_file(path, ["y"], options=options)
    assert str(refusal.value) == (
        f"{path} cannot be used:\n"
        f"  line 5, column 'b': expected a finite number, got 'NA'\n"
        f"  line 13, column 'y': expected a finite number, got ''"
    )
    path.write_text(PLAIN)
    assert len(table_from_file(path, ["y"], options=options).X) == len(ROWS)


def test_a_missing_weight_is_refused(path: Path) -> None:
    path.write_text("a,w,y\n" + "".join(f"{k},{k or ''},{k * k}\n" for k in range(20)))
    with pytest.raises(DataError, match="line 2, column 'w': expected a finite number, got ''"):
        table_from_file(path, ["y"], weights="w")


def test_a_named_feature_without_any_cell_is_refused(path: Path) -> None:
    path.write_text("a,b,y\n" + "".join(f"{k},,{k * k}\n" for k in range(20)))
    with pytest.raises(DataError, match="feature 'b' cannot be used: every cell is missing"):
        table_from_file(path, ["y"], ["a", "b"])


def test_the_summary_says_how_to_read_the_file_again(path: Path) -> None:
    path.write_text(PLAIN)
    options = ReadingOptions("cp1252", ("a",), "refuse")
    document = table_from_file(path, ["y"], ["a", "b"], options=options).summary["options"]
    assert document == {"encoding": "cp1252", "categories": ["a"], "missing": "refuse"}
    assert ReadingOptions().as_document() == {}


def test_a_table_is_read_like_another_one(path: Path) -> None:
    columns = (
        Column("c", "category", ("x", "y")),
        Column("b", "boolean", ("no", "yes")),
        Column("d", "datetime", date_format="%d/%m/%Y"),
        Column("n"),
    )
    lines = [f"{k % 3},YES,0{k % 3 + 1}/02/2024,{k},{k * k}" for k in range(12)]
    path.write_text("c,b,d,n,y\n" + "\n".join(lines))
    table = table_from_file(path, ["y"], ["c", "b", "d", "n"], like=columns)
    assert [column.kind for column in table.columns] == [column.kind for column in columns]
    assert table.columns[0].values == ("0", "1", "2")
    assert table.columns[1].values == ("no", "yes")
    np.testing.assert_array_equal(table.X[:2], [[0, 1, 19754, 0], [1, 1, 19755, 1]])
    path.write_text(path.read_text().replace("YES", "perhaps"))
    assert table_from_file(path, ["y"], ["b"], like=columns).columns[0].kind == "category"


SECRET = "7777.25"
WITH_SECRET = {
    "a text for a number": csv().replace("11,5.5,", f"11,hunter{SECRET},").replace("a,b", "b,a"),
    "a text for the target": with_line(f"1,2,hunter{SECRET}"),
    "a constant target": "a,y\n" + "".join(f"{k},{SECRET}\n" for k in range(12)),
    "nothing but a constant feature": "a,y\n" + "".join(f"x{SECRET},{k}\n" for k in range(12)),
    "a number beyond the limit": with_line(f"{SECRET}e99,2,3"),
    "no header": "".join(f"{SECRET},{k}\n" for k in range(12)),
    "a cell too many": with_line(f"1,2,3,{SECRET}"),
    "an open quotation mark": with_line(f'1,"{SECRET},3'),
}


@pytest.mark.parametrize("content", WITH_SECRET.values(), ids=WITH_SECRET)
def test_no_cell_is_in_the_message_for_clients_without_a_token(content: str, path: Path) -> None:
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        table_from_file(path, ["y"], options=ReadingOptions(missing="refuse"))
    assert SECRET not in caught.value.without_cells
    assert "table.csv" in caught.value.without_cells
