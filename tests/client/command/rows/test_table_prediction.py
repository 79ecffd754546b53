"""Tables of every kind keep their bytes, and each row gets the answer to its own cells."""

import csv
import io
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numnet.command.rows.answers import Answers
from numnet.command.rows.errors import TableError
from numnet.command.rows.head import find_head
from numnet.command.rows.prediction import TablePrediction
from numnet.command.rows.slices import Slices
from numnet.errors import ContentTooLarge, InvalidInput

FEATURES = ["a", "b c"]
HEADERS = {"X-Extrapolating-Rows": "1", "X-Unfamiliar-Rows": "0"}


def answer_to(*cells: str) -> str:
    """Return the prediction for a row: its cells, in one line."""
    return " ".join("|".join(cells).splitlines())


def answer(body: bytes) -> tuple[Mapping[str, str], bytes]:
    """Return the response of a service, in which a test can tell whose each prediction is."""
    names, *rows = csv.reader(io.StringIO(body.decode(), newline=""))
    assert set(names) == set(FEATURES)
    places = [names.index(name) for name in FEATURES]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["y", "extrapolating"])
    for row in rows:
        assert len(row) == len(names)
        writer.writerow([answer_to(*(row[place] for place in places)), ""])
    return HEADERS, file.getvalue().encode()


def predicted(
    content: bytes,
    *,
    slice_bytes: int = 64,
    ask: Callable[[bytes], tuple[Mapping[str, str], bytes]] = answer,
    encoding: str = "utf-8",
    has_categories: bool = False,
) -> bytes:
    """Return a table with its predictions."""
    source, output = io.BytesIO(content), io.BytesIO()
    start = source.read(max(slice_bytes, 200))
    head = find_head(start, FEATURES, encoding, "rows.csv")
    answers = Answers(["y"], has_categories, head.delimiter, head.encoding)
    slices = Slices(source, start, head, slice_bytes)
    TablePrediction(head, slices, answers, ask).write(output, lambda rows: None)
    return output.getvalue()


def test_plain_lines_keep_their_bytes() -> None:
    assert predicted(b"a,b c\n1,2\n3.0,4e1\n") == (
        b"a,b c,y_predicted,extrapolating\n1,2,1|2,\n3.0,4e1,3.0|4e1,\n"
    )


CELLS = st.one_of(
    st.sampled_from(
        ["", "1", "-2.5", "0,5", "x;y", ' "q" ', '5" pipe', "two\nlines", "é", "a\r\nb"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8),
)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=12)


@given(
    rows=ROWS,
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    is_quoted=st.booleans(),
    slice_bytes=st.sampled_from([1, 16, 100, 4096]),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_each_row_of_any_table_gets_its_own_answer(
    *,
    rows: list[tuple[str, ...]],
    delimiter: str,
    line_end: str,
    is_quoted: bool,
    slice_bytes: int,
    mark: str,
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(
        file,
        delimiter=delimiter,
        lineterminator=line_end,
        quoting=csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL,
    )
    writer.writerow(["id", "a", "note", "b c"])
    writer.writerows(rows)
    content = (mark + file.getvalue()).encode()
    found = predicted(content, slice_bytes=slice_bytes)
    assert found.startswith(mark.encode())
    text = found.decode("utf-8-sig")
    names, *lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    assert names == ["id", "a", "note", "b c", "y_predicted", "extrapolating"]
    expected = list(csv.reader(io.StringIO(file.getvalue(), newline=""), delimiter=delimiter))[1:]
    assert [line[:4] for line in lines] == expected
    assert [line[4] for line in lines] == [answer_to(row[1], row[3]) for row in expected]


def test_a_table_of_many_slices_has_the_bytes_of_one() -> None:
    lines = [f'{i},"{i}, {i}",x{i}' if i % 97 == 0 else f"{i},{i / 7},x{i}" for i in range(2000)]
    content = ("a,b c,id\n" + "\n".join(lines) + "\n").encode()
    whole = predicted(content, slice_bytes=1_000_000)
    assert whole.count(b"\n") == 2001
    assert predicted(content, slice_bytes=500) == whole


def test_lines_above_the_names_and_blank_lines_stay_where_they_are() -> None:
    content = b"Report of May\n\na;b c\n\n1;2\n\n  \n3;4\n\n"
    assert predicted(content, slice_bytes=1) == (
        b"Report of May\n\na;b c;y_predicted;extrapolating\n\n1;2;1|2;\n\n  \n3;4;3|4;\n\n"
    )


def test_a_line_of_blanks_that_the_service_skips_is_kept() -> None:
    def skips(body: bytes) -> tuple[Mapping[str, str], bytes]:
        kept = b"".join(each for each in body.splitlines(keepends=True) if each.strip())
        return answer(kept)

    assert predicted(b"a,b c\n1,2\n   \n3,4\n", ask=skips) == (
        b"a,b c,y_predicted,extrapolating\n1,2,1|2,\n   \n3,4,3|4,\n"
    )


def test_the_last_line_needs_no_line_end() -> None:
    assert predicted(b"a,b c\r\n1,2").endswith(b"\r\n1,2,1|2,\r\n")


def test_decimal_commas_are_sent_in_quotes() -> None:
    assert predicted(b"a;b c;n\n0,5;1,5;x\n").endswith(b"\n0,5;1,5;x;0,5|1,5;\n")


def test_names_of_added_columns_are_not_those_of_the_table() -> None:
    content = b"a,b c,y,y_predicted,extrapolating\n1,2,3,4,\n"
    assert predicted(content).startswith(
        b"a,b c,y,y_predicted,extrapolating,y_predicted_2,extrapolating_2\n1,2,3,4,,1|2,\n"
    )


def test_other_encodings_keep_their_bytes() -> None:
    content = "a,b c,größe\n1,ü,ß\n".encode("cp1252")

    def ask(body: bytes) -> tuple[Mapping[str, str], bytes]:
        return answer(body.decode("cp1252").encode())

    expected = "a,b c,größe,y_predicted,extrapolating\n1,ü,ß,1|ü,\n".encode("cp1252")
    assert predicted(content, ask=ask, encoding="cp1252") == expected


def test_the_column_of_unseen_categories_is_always_there() -> None:
    def ask(body: bytes) -> tuple[Mapping[str, str], bytes]:
        rows = body.count(b"\n") - 1
        if b"new" in body:
            return {}, b"y,extrapolating,unseen,unfamiliar\n" + b"1.0,,a,false\n" * rows
        return {}, b"y,extrapolating,unfamiliar\n" + b"1.0,,true\n" * rows

    found = predicted(b"a,b c\n" + b"old,1\n" * 60 + b"new,2\n", ask=ask, has_categories=True)
    names, old, *_, new = found.decode().splitlines()
    assert names == "a,b c,y_predicted,extrapolating,unseen,unfamiliar"
    assert (old, new) == ("old,1,1.0,,,true", "new,2,1.0,,a,false")


def test_parts_of_a_slice_may_have_different_columns() -> None:
    def ask(body: bytes) -> tuple[Mapping[str, str], bytes]:
        rows = body.count(b"\n") - 1
        if rows > 2:
            raise ContentTooLarge(413, {"title": "Too large"})
        if b"new" in body:
            return {}, b"y,extrapolating,unseen,unfamiliar\n" + b"1.0,,a,false\n" * rows
        return {}, b"y,extrapolating,unfamiliar\n" + b"1.0,,true\n" * rows

    found = predicted(b"a,b c\n" + b"old,1\n" * 2 + b"new,2\n" * 2, ask=ask, has_categories=True)
    names, *rows = found.decode().splitlines()
    assert names == "a,b c,y_predicted,extrapolating,unseen,unfamiliar"
    assert rows == ["old,1,1.0,,,true"] * 2 + ["new,2,1.0,,a,false"] * 2


def test_rows_with_warnings_are_counted_once() -> None:
    def skips(body: bytes) -> tuple[Mapping[str, str], bytes]:
        return answer(b"".join(each for each in body.splitlines(True) if each.strip()))

    source = io.BytesIO(b"a,b c\n1,2\n   \n3,4\n")
    head = find_head(start := source.read(), FEATURES, "utf-8", "rows.csv")
    table = TablePrediction(
        head, Slices(source, start, head), Answers(["y"], False, ",", "utf-8"), skips
    )
    table.write(io.BytesIO(), lambda rows: None)
    assert (table.counts.rows, table.counts.extrapolating_rows) == (2, 1)


def test_names_of_features_in_a_warning_are_quoted_for_the_delimiter() -> None:
    def ask(body: bytes) -> tuple[Mapping[str, str], bytes]:
        return {}, b"y,extrapolating\n1.5,a;b c\n"

    assert predicted(b"a;b c\n1;2\n", ask=ask).endswith(b'\n1;2;1.5;"a;b c"\n')


def test_a_slice_that_is_too_large_for_the_service_is_sent_in_parts() -> None:
    sizes = list[int]()

    def ask(body: bytes) -> tuple[Mapping[str, str], bytes]:
        sizes.append(len(body))
        if len(body) > 60:
            raise ContentTooLarge(413, {"title": "Too large"})
        return answer(body)

    content = b"a,b c\n" + b"".join(b"%d,%d\n" % (i, i + 1) for i in range(50))
    found = predicted(content, slice_bytes=4096, ask=ask)
    assert max(sizes) > 60
    assert found == predicted(content)


def wrong(row: int, name: str) -> Callable[[bytes], tuple[Mapping[str, str], bytes]]:
    """Return a service that refuses a cell in the slice that has the text `bad`."""

    def ask(body: bytes) -> tuple[Mapping[str, str], bytes]:
        if b"bad" not in body:
            return answer(body)
        cell = {"pointer": f"/instances/{row}/{name}", "detail": "must be a number"}
        raise InvalidInput(422, {"title": "Invalid input", "errors": [cell]})

    return ask


@pytest.mark.parametrize(
    ("content", "row", "line"),
    [
        (b"a,b c\n1,2\n3,bad\n", 1, 3),
        (b'title\na,b c\n"1",2\n\n3,bad\n', 1, 5),
        (b'a,b c,n\n1,2,"x\ny\nz"\n3,bad,""\n', 1, 5),
    ],
    ids=["plain", "with a title and a blank line", "below a cell of three lines"],
)
def test_a_wrong_cell_is_named_with_its_line(content: bytes, row: int, line: int) -> None:
    with pytest.raises(TableError) as caught:
        predicted(content, slice_bytes=4096, ask=wrong(row, "b c"))
    assert str(caught.value) == f"line {line}: b c must be a number"
    [cell] = caught.value.cells
    assert (cell.line, cell.column) == (line, "b c")


def test_the_line_of_a_wrong_cell_counts_earlier_parts_of_its_slice() -> None:
    def ask(body: bytes) -> tuple[Mapping[str, str], bytes]:
        if body.count(b"\n") > 2:
            raise ContentTooLarge(413, {"title": "Too large"})
        return wrong(0, "b c")(body)

    with pytest.raises(TableError, match=r"^line 5: "):
        predicted(b"a,b c\n1,2\n3,4\n5,6\n7,bad\n", slice_bytes=4096, ask=ask)


def test_an_error_about_no_cell_is_that_of_the_service() -> None:
    def ask(body: bytes) -> tuple[Mapping[str, str], bytes]:
        raise InvalidInput(422, {"title": "Invalid input", "detail": "no interval"})

    with pytest.raises(InvalidInput, match="no interval"):
        predicted(b"a,b c\n1,2\n", ask=ask)


def test_the_line_of_a_wrong_cell_counts_earlier_slices() -> None:
    rows = b"".join(b"%d,%d\n" % (i, i) for i in range(100)) + b"1,bad\n"
    with pytest.raises(TableError, match=r"^line 102: "):
        predicted(b"a,b c\n" + rows, slice_bytes=1, ask=wrong(0, "b c"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "rows.csv is empty"),
        (b"x,y\n1,2\n", "no line of rows.csv has names of features; the version has: a, b c"),
        (b"a,b c\n", "there are no rows below the names"),
        (b"a,b c", "rows.csv has no rows below its names"),
        (b"a,b c\r1,2\r", "line ends of old Macs"),
        ("a,b c\n1,2\n".encode("utf-16"), "no text in UTF-8"),
        (b"a,b c,id\n1,2,3\n1,2\n", "line 3: has 2 cells; expected 3"),
        (b'a,b c\n1,2\n"3,4\n5,6\n', "line 4: unexpected end of data"),
        (b'a,b c\n1,2\n"\xff",4\n', "line 3: is not utf-8; --encoding says what it is"),
    ],
    ids=range(9),
)
def test_what_is_no_table_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(TableError, match=message):
        predicted(content)
