"""Columns: their JSON form, ranges, and categories that training had not."""

from typing import Any

import numpy as np
import pytest

from network import UNSEEN, Column, InputError, ranges
from network.column import renumbered, unseen

COLUMNS = (
    Column("price", unit="$"),
    Column("colour", "category", ("red", "blue"), has_gaps=True),
    Column("sold", "boolean", ("no", "yes")),
    Column("day", "datetime", date_format="%d.%m.%Y"),
)


@pytest.mark.parametrize("column", [*COLUMNS, Column("x", decimal=",", thousands=".")])
def test_json_form_round_trips(column: Column) -> None:
    assert Column.from_json(column.as_json()) == column


def test_json_form_of_a_plain_number_is_short() -> None:
    assert Column("x").as_json() == {"name": "x", "kind": "number"}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"name": 3},
        {"name": "x", "kind": "text"},
        {"name": "x", "gaps": True},
        {"name": "x", "has_gaps": 1},
        {"name": "x", "kind": "category", "values": [1]},
        {"name": "x", "kind": "category", "values": "ab"},
    ],
)
def test_other_documents_are_refused(document: Any) -> None:
    with pytest.raises(InputError):
        Column.from_json(document)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x", "text"), "'x' has the unknown kind 'text'"),
        (("x", "category", ("a", "a")), "the values of column 'x' must be different"),
        (("x", "category"), "'x' is a category with 0 values"),
        (("x", "boolean", ("a",)), "'x' is a boolean with 1 values"),
        (("x", "number", ("a",)), "'x' is a number with 1 values"),
        (("x", "number", (), False, "", "", ";"), "'x' has the unknown marks ';' and ''"),
        (("x", "number", (), False, "", "", ".", "."), "unknown marks '.' and '.'"),
        (("x", "number", (), False, "\0"), r"'x' has '\\x00' as its unit or date format"),
        (("x", "number", (), False, "k" * 101), "at most 100 characters"),
        (
            ("x", "datetime", (), False, "", "%d\n%m"),
            r"'x' has '%d\\n%m' as its unit or date format",
        ),
    ],
)
def test_wrong_columns_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Column(*arguments)


def test_ranges_ignore_missing_cells_and_include_unseen_categories() -> None:
    X = np.array([[3.0, 1.0, 0.0, np.nan], [-2.0, 0.0, 1.0, np.nan], [np.nan, np.nan, 0.0, np.nan]])
    assert ranges(COLUMNS, X).tolist() == [[-2.0, UNSEEN, 0.0, 0.0], [3.0, 1.0, 1.0, 0.0]]


def test_only_categories_can_be_unseen() -> None:
    X = np.array([[-1.0, -1.0, -1.0, -1.0], [0.0, 1.0, 0.0, 0.0], [0.0, np.nan, 0.0, 0.0]])
    assert np.argwhere(unseen(COLUMNS, X)).tolist() == [[0, 1]]


def test_rows_get_the_numbers_of_other_columns_by_the_texts_of_categories() -> None:
    own = (Column("x"), Column("c", "category", ("a", "b", "c")))
    others = (Column("x"), Column("c", "category", ("c", "a")))
    X = np.array([[9.0, 0.0], [8.0, 1.0], [7.0, 2.0], [6.0, np.nan], [5.0, UNSEEN]])
    expected = [[9.0, 1.0], [8.0, UNSEEN], [7.0, 0.0], [6.0, np.nan], [5.0, UNSEEN]]
    np.testing.assert_array_equal(renumbered(X, own, others), expected)
    assert renumbered(X, own, own) is X
