"""Tables written in a random dialect are read with the same numbers."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.number_format import PLAIN, NumberFormat
from config.numbers import parse_number
from config.words import MISSING
from trainer.data.reading.cells.number_cells import NumberCells, parse_json_numbers
from trainer.data.reading.formats import text_lines
from trainer.data.reading.options import ReadingOptions
from trainer.data.reading.table_file import table_from_file

DIALECTS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|"),
        "lineterminator": st.sampled_from(["\n", "\r\n", "\r"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    }
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"])
CELLS = st.floats(-1e90, 1e90) | st.integers(-1000, 1000).map(float)
TEXTS = st.text(
    st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="'#\\"), min_size=1
).filter(lambda text: text.strip() == text and parse_number(text) is None)
FILES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def written(rows: Sequence[Sequence[object]], dialect: dict[str, object], encoding: str) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, **dialect).writerows(rows)  # type: ignore[arg-type]
    return file.getvalue().encode(encoding)


@settings(FILES, max_examples=60)
@given(data=st.data(), dialect=DIALECTS, encoding=ENCODINGS, comma=st.booleans())
def test_numbers_and_gaps_round_trip(
    data: st.DataObject, dialect: dict[str, object], encoding: str, comma: bool, tmp_path: Path
) -> None:
    width = data.draw(st.integers(1, 5))
    cells = st.lists(CELLS | st.none(), min_size=width, max_size=width)
    X = data.draw(st.lists(cells, min_size=10, max_size=30))
    comma = comma and dialect["delimiter"] != ","

    def text(cell: float | None) -> str:
        return "" if cell is None else repr(cell).replace(".", "," if comma else ".")

    rows = [[*map(text, row), k] for k, row in enumerate(X)]
    # the first row says whether commas are decimal marks, and no column is constant or empty
    rows[:0] = [[text(0.25)] * width + [-1], [text(1.5)] * width + [-2]]
    header = [f"x{k}" for k in range(width)] + ["y"]
    path = tmp_path / "table.csv"
    path.write_bytes(written([header, *rows], dialect, encoding))
    table = table_from_file(path, ["y"], header[:-1])
    np.testing.assert_array_equal(table.X[2:], np.array(X, np.float64))
    np.testing.assert_array_equal(table.Y[:, 0], [-1, -2, *range(len(X))])
    assert [column.has_gaps for column in table.columns] == [
        any(row[k] is None for row in X) for k in range(width)
    ]


@settings(FILES, max_examples=60)
@given(
    texts=st.lists(TEXTS, min_size=2, max_size=8, unique=True), dialect=DIALECTS, encoding=ENCODINGS
)
def test_texts_round_trip(
    texts: list[str], dialect: dict[str, object], encoding: str, tmp_path: Path
) -> None:
    rows = [[k, text, k * k] for k, text in enumerate(texts * 12)]
    path = tmp_path / "table.csv"
    path.write_bytes(written([["k", "t", "y"], *rows], dialect, encoding))
    table = table_from_file(path, ["y"], ["k", "t"], options=ReadingOptions(categories=("t",)))
    column = table.columns[1]
    words = [column.values[int(code)] for code in table.X[:, 1] if not np.isnan(code)]
    if column.kind == "category":
        assert words == [row[1] for row in rows if str(row[1]).casefold() not in MISSING]
    else:
        assert [word.casefold() for word in words] == [str(row[1]).casefold() for row in rows]


@pytest.mark.parametrize("block", [1, 7, 64])
@settings(FILES, max_examples=20)
@given(data=st.data())
def test_the_size_of_the_blocks_does_not_matter(
    block: int, data: st.DataObject, tmp_path: Path
) -> None:
    cell = st.sampled_from(["1.5", "2", "", "NA", '"3"', "1e5", " 4 "])
    t = st.sampled_from(["x", "y z", '"two\nlines"', '"a,b"', ""])
    rows = data.draw(st.lists(st.tuples(cell, t), min_size=12, max_size=40))
    lines = [f"{a},{t},{k}" for k, (a, t) in enumerate([("1", "x"), ("2", '"a,b"'), *rows])]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,t,y", *lines]))
    whole = table_from_file(path, ["y"], ["a", "t"])
    with pytest.MonkeyPatch.context() as patch:
        for name in ("READ_BYTES", "BLOCK_CHARACTERS", "BLOCK_LINES"):
            patch.setattr(text_lines, name, block)
        parts = table_from_file(path, ["y"], ["a", "t"])
    assert parts.columns == whole.columns
    np.testing.assert_array_equal(parts.X, whole.X)
    np.testing.assert_array_equal(parts.Y, whole.Y)


# The grammars


@given(st.lists(st.text(alphabet='0123456789+-.eE_ nNaAiIfFtrulsTLx,[]{}"\u0661', max_size=9)))
def test_json_reads_no_cell_otherwise_than_the_grammar_of_numbers(cells: list[str]) -> None:
    numbers = parse_json_numbers(cells)
    if numbers is not None:
        assert len(numbers) == len(cells)
        for number, cell in zip(numbers, cells, strict=True):
            expected = parse_number(cell)
            if expected is None:
                assert np.isnan(number)
                assert cell.strip() in ("", "NA", "NaN", "nan", "?", "null")
            else:
                assert number == expected


@given(st.lists(CELLS, min_size=1))
def test_json_reads_python_repr_of_floats(numbers: list[float]) -> None:
    read = parse_json_numbers(list(map(repr, numbers)))
    np.testing.assert_array_equal(read, numbers)


@given(
    number=st.integers(-(10**9), 10**9),
    decimal=st.sampled_from(".,"),
    mark=st.sampled_from(["", ".", ",", "'", " "]),
    prefix=st.sampled_from(["", "$", "€"]),
    suffix=st.sampled_from(["", "kg", "%", "km/h"]),
)
def test_a_number_in_a_format_round_trips(
    number: int, decimal: str, mark: str, prefix: str, suffix: str
) -> None:
    if decimal == mark:
        mark = ""
    text = f"{prefix}{abs(number) / 100:,.2f}{suffix}".translate({44: mark, 46: decimal})
    read = NumberFormat(decimal, mark, prefix, suffix).parse("-" * (number < 0) + text)
    assert read == number / 100


@given(st.text(alphabet="0123456789+-.,eE $%kg()'", max_size=12))
def test_the_plain_format_is_the_grammar_of_numbers(text: str) -> None:
    assert PLAIN.parse(text) == parse_number(text)
    numbers, wrong = NumberCells().read([text])
    assert (parse_number(text) is None) == bool(wrong or np.isnan(numbers[0]))
