"""Cells: one by one, and column by column with the same numbers."""

import math
import re
import sys
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from network import Column
from service.model.rows.cells.date import DateCell
from service.model.rows.cells.listed import SPACES
from service.model.rows.cells.of_model import cells_of
from service.model.rows.reader import RowReader
from service.web.errors import InvalidInput
from tests.service.small_models import TABLE_COLUMNS, table_model

COLUMNS = (
    *TABLE_COLUMNS,
    Column("price", unit="$", has_gaps=True),
    Column("rooms", "category", ("2", "3", "4.5"), has_gaps=True),
    Column("seen", "datetime", has_gaps=True),
    Column("heated", "boolean", has_gaps=True),
)
MODEL = table_model(COLUMNS)
NAMED, REFUSING = RowReader(MODEL), RowReader(MODEL, refuse_unseen=True)
READERS = st.sampled_from([NAMED, REFUSING])
JSON_CELLS: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, False, 0, 1, 2, 3.0, 4.5, -0.5, 2**63, "red", "sea: green", "mauve", "no"),
        *("yes", "No", "3", "", "NA", "2024-05-31", "31/05/2024", "2024-05-31T12:00", "x", [], {}),
    ]
)
TEXTS = st.sampled_from(
    [
        *(
            "",
            "NA",
            "nan",
            "?",
            "-",
            "0",
            "1",
            "3",
            "3.0",
            " 4.5 ",
            "inf",
            "1_000",
            "$3,504",
            "red",
        ),
        *(" blue", "mauve", "yes", "FALSE", "true", "2024-05-31", "31/05/2024", "2024-02-30", "x"),
    ]
)


def same(found: Any, expected: Any) -> bool:
    return bool(np.array_equal(found, expected, equal_nan=True))


@given(READERS, st.sampled_from(range(len(COLUMNS))), st.lists(JSON_CELLS, min_size=1, max_size=6))
@settings(max_examples=300)
def test_json_values_have_the_same_numbers_alone_and_together(
    reader: RowReader, column: int, values: list[Any]
) -> None:
    cell = reader.cells[column]
    alone = [cell.convert(value) for value in values]
    together = cell.convert_all(values)
    if None in alone:
        assert together is None
    else:
        assert together is not None
        assert same(together, alone)


@given(READERS, st.sampled_from(range(len(COLUMNS))), st.lists(TEXTS, min_size=1, max_size=6))
@settings(max_examples=300)
def test_texts_have_the_same_numbers_alone_and_together(
    reader: RowReader, column: int, texts: list[str]
) -> None:
    cell = reader.cells[column]
    alone = [cell.convert(cell.from_text(text)) for text in texts]
    together = cell.convert_texts(texts)
    if None in alone:
        assert together is None
    else:
        assert together is not None
        assert same(together, alone)


VALID: dict[str, list[Any]] = {
    "size": [0.5, 1, None],
    "colour": ["red", "sea: green"],
    "new": [True, "no"],
    "sold": ["31/05/2024", "2024-05-31T12:00:00Z"],
    "price": [3504, None],
    "rooms": ["3", 4.5, None],
    "seen": ["2024-05-31", None],
    "heated": [False, None],
}


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """A valid row with up to one deviation; cells that may be missing may be absent."""
    row = {name: draw(st.sampled_from(values)) for name, values in VALID.items()}
    if draw(st.booleans()):
        row = {name: cell for name, cell in row.items() if cell is not None}
    if draw(st.booleans()):
        row[draw(st.sampled_from([*VALID, "other"]))] = draw(JSON_CELLS)
    return row


def accepted(reader: RowReader, row: dict[str, Any]) -> list[float] | None:
    """Return a row's values by the schema; None if it refuses them."""
    try:
        return reader.row(row, orjson.dumps(row))
    except InvalidInput:
        return None


@given(READERS, rows(), rows())
@settings(max_examples=300)
def test_every_path_accepts_the_same_rows(
    reader: RowReader, row: dict[str, Any], other: dict[str, Any]
) -> None:
    body = orjson.dumps(row)
    many = orjson.dumps({"instances": [row, list(row.values()), other]})
    listed = list(row) == list(VALID)
    slow = accepted(reader, row)
    fast = reader.plain_row(body)
    assert fast is None if slow is None else same(fast, slow)
    expected = [slow, slow if listed else None, accepted(reader, other)]
    try:
        X = reader.rows(orjson.loads(many), many)
    except InvalidInput:
        assert None in expected
    else:
        assert same(X, expected)


def test_repeated_name_is_found_although_fields_may_be_absent() -> None:
    body = b'{"colour":"red","new":true,"sold":"2024-05-31T00:00","new":false}'
    assert NAMED.plain_row(body) is None
    with pytest.raises(InvalidInput) as refused:
        NAMED.row(orjson.loads(body), body)
    assert refused.value.errors == [{"pointer": "", "detail": '"new" appears twice in one object'}]


def test_long_lists_of_categories_are_shortened() -> None:
    values = tuple(f"category number {number}" for number in range(500))
    model = table_model((Column("kind", "category", values),))
    [cell] = cells_of(model, refuse_unseen=True)
    assert cell.wrong("x") == (
        "must be text: one of category number 0, category number 1, category number 2, … "
        '(500 values), got "x"'
    )
    [cell] = cells_of(table_model((Column("kind", "category", ("x" * 99,)),)), refuse_unseen=True)
    assert cell.wrong("y") == f'must be text: one of {"x" * 39}… (1 value), got "y"'


def test_example_is_valid() -> None:
    values = NAMED.row(NAMED.example, orjson.dumps(NAMED.example))
    assert not any(map(math.isnan, values))
    assert NAMED.out_of_range(values) == []
    assert NAMED.unseen(values) == []


def text_number(column: Column, text: str) -> float | None:
    """Return the number of a text in a model's only column, which has to be the same together."""
    [cell] = cells_of(table_model((column,)), refuse_unseen=False)
    number, together = cell.convert(cell.from_text(text)), cell.convert_texts([text])
    assert (number is None) == (together is None)
    assert together is None or together.tolist() == [number]
    return number


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [
        ("3504", "", 3504.0),
        ("3504", "kg", 3504.0),
        ("3504 kg", "kg", 3504.0),
        ("$3,504", "$", 3504.0),
        ("-$1,234,567.5", "$", -1234567.5),
        ("$ -2", "$", -2.0),
        ("12 %", "%", 12.0),
        ("3,504", "", None),
        ("3504 lb", "kg", None),
        ("$3,50", "$", None),
        ("$$3", "$", None),
        ("$", "$", None),
        ("1_000 kg", "kg", None),
    ],
)
def test_numbers_may_have_their_unit(text: str, unit: str, number: float | None) -> None:
    assert text_number(Column("x", unit=unit), text) == number


KILOGRAMS = Column("x", unit="kg", decimal=",")
POINTS = Column("x", decimal=",", thousands=".")
ACCOUNTS = Column("x", thousands=",", parentheses=True)


@pytest.mark.parametrize(
    ("column", "text", "number"),
    [
        (KILOGRAMS, "1,234 kg", 1.234),
        (KILOGRAMS, "1,234", 1.234),
        (KILOGRAMS, "1.234", 1.234),
        (POINTS, "1.234,5", 1234.5),
        (POINTS, "1.234", 1234.0),
        (POINTS, "1.25", None),
        (ACCOUNTS, "(1,234)", -1234.0),
        (Column("x"), "(5)", None),
        (Column("x"), "1,234", None),
    ],
)
def test_texts_of_numbers_are_read_as_in_the_training_file(
    column: Column, text: str, number: float | None
) -> None:
    assert text_number(column, text) == number


@pytest.mark.parametrize(
    ("date_format", "least", "example"),
    [
        ("%a, %d %b %Y %H:%M:%S %z", 0.0, "Thu, 01 Jan 1970 00:00:00 +0000"),
        ("%d.%m.%y", 0.0, "01.01.70"),
        ("%d.%m.%y", -36525.0, "1869-12-31"),
        ("%", 0.0, "1970-01-01"),
        ("", -1e10, "0001-01-01"),
        ("", 1e10, "9999-12-31"),
    ],
)
def test_examples_of_dates_are_valid(date_format: str, least: float, example: str) -> None:
    cell = DateCell(Column("x", "datetime", date_format=date_format), least, least, "")
    assert cell.example == example
    assert cell.convert(example) == min(max(least, -719_162.0), 2_932_896.0)
    if date_format.startswith("%a"):
        assert re.fullmatch(cell.json_schema["anyOf"][-1]["pattern"], example)


@pytest.mark.parametrize("text", ["09:00", "09:00:00", "09:00:00.0"])
@pytest.mark.parametrize("date_format", ["%H:%M", "%H:%M:%S", "%I:%M %p"])
def test_times_may_be_in_iso_8601(text: str, date_format: str) -> None:
    cell = DateCell(Column("x", "datetime", date_format=date_format), 0.25, 0.5, "")
    assert cell.convert(text) == 0.375


@pytest.mark.parametrize(
    ("column", "value"),
    [(Column("x", "boolean", ("no", "Yes")), " YES"), (Column("x", "category", ("b", "a")), " a ")],
)
def test_json_texts_are_read_as_in_training(column: Column, value: str) -> None:
    [cell] = cells_of(table_model((column,)), refuse_unseen=True)
    together = cell.convert_all([value])
    assert together is not None
    assert [cell.convert(value), *together] == [1.0, 1.0]


def test_spaces_are_those_that_strip_removes() -> None:
    spaces = re.compile(SPACES)
    for code in range(sys.maxunicode + 1):
        assert (spaces.fullmatch(chr(code)) is not None) == chr(code).isspace(), hex(code)


ODD_WORDS = ("a.b", "50 %", "(x|y)", "sea\\green", "-", "[z]/^$")


@pytest.mark.parametrize(
    "column",
    [
        Column("x", "boolean", ("no", "Yes")),
        Column("x", "category", ODD_WORDS),
        Column("x", "category", ("1", "2.5")),
        Column("x", "category", ODD_WORDS, has_gaps=True),
    ],
)
@given(st.data())
def test_schema_allows_what_the_cell_accepts(column: Column, data: st.DataObject) -> None:
    [cell] = cells_of(table_model((column,)), refuse_unseen=True)
    near = st.sampled_from(["", " ", "\t", "\xa0", "\u2003", "\ufeff", "\n", "x"])
    word = data.draw(st.sampled_from(column.values)).swapcase()
    text = data.draw(near) + data.draw(st.sampled_from([word, word.swapcase()])) + data.draw(near)
    for value in (text, text[:-1], f"{text}x", None, 2.5, 3, True):
        allowed = Draft202012Validator(cell.json_schema).is_valid(value)
        assert allowed == (cell.convert(value) is not None), value
