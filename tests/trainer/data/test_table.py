"""The checks of a table, and its fingerprint."""

from typing import Any

import numpy as np
import pytest

from network import Column
from network.column import numbers
from trainer.data.table import Table
from trainer.errors import DataError

X = np.arange(20.0).reshape(10, 2)
Y = np.arange(10.0)[:, None] ** 2


def table(**parts: Any) -> Table:
    whole = {"columns": numbers(("a", "b")), "targets": ("y",), "X": X, "Y": Y, "source": "made"}
    return Table(**whole | parts)


@pytest.mark.parametrize(
    ("features", "targets", "message"),
    [
        ((), ("y",), "there are no features: expected at least one column besides the target"),
        (("a", "b"), (), "there are no targets: expected at least one column to predict"),
        (
            ("a", ""),
            ("y",),
            "'' is not a valid column name: expected 1 to 200 printable characters",
        ),
        (("a", "b\n"), ("y",), r"'b\\n' is not a valid column name"),
        (("a", "b"), ("\x00",), r"'\\x00' is not a valid column name"),
        (("a", "b" * 201), ("y",), "'b{40}' is not a valid column name"),
        (("a", "a"), ("y",), "column 'a' is listed twice"),
        (("a", "b"), ("b",), "column 'b' is listed twice"),
    ],
)
def test_invalid_names_are_refused(
    features: tuple[str, ...], targets: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=f"^{message}"):
        table(columns=numbers(features), targets=targets)


def test_unusual_but_printable_names_are_accepted() -> None:
    names = ("Höhe über NN [m]", "b" * 200)
    assert table(columns=numbers(names), targets=("instances",)).features == names


@pytest.mark.parametrize(("rows", "count"), [(0, "0 rows"), (1, "1 row"), (9, "9 rows")])
def test_too_few_rows_are_refused(rows: int, count: str) -> None:
    with pytest.raises(DataError, match=f"^made has {count}; a training needs at least 10$"):
        table(X=X[:rows], Y=Y[:rows])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1.1e100, -1.1e100])
@pytest.mark.parametrize(("part", "name"), [("X", "b"), ("Y", "y")])
def test_numbers_out_of_bounds_are_refused(wrong: float, part: str, name: str) -> None:
    columns = {"X": X, "Y": Y}[part].copy()
    columns[3, -1] = wrong
    with pytest.raises(DataError) as refusal:
        table(**{part: columns})
    assert str(refusal.value) == (
        f"made: column {name!r} holds {wrong}; expected numbers within ±1e+100"
    )


def test_numbers_at_the_bound_are_accepted() -> None:
    assert table(X=np.where(X == 3.0, -1e100, X)).X.min() == -1e100


def test_a_constant_target_is_refused() -> None:
    two = np.column_stack([Y, np.full(10, 0.1)])
    with pytest.raises(
        DataError,
        match=r"^made: target 'z' is 0\.1 in every row; expected at least two different values$",
    ):
        table(targets=("y", "z"), Y=two)


@pytest.mark.parametrize("size", [1e-200, 1e-320])
def test_target_whose_squared_errors_would_underflow_is_refused(size: float) -> None:
    with pytest.raises(DataError, match=r"target 'y' varies by .* only; expected at least 1e-100"):
        table(Y=size * np.arange(10.0)[:, None])


def test_a_constant_feature_is_allowed_and_listed() -> None:
    assert table().constant_features == ()
    constant = np.column_stack([np.full(10, 0.1), X[:, 0]])
    assert table(X=constant).constant_features == ("a",)


def test_the_fingerprint_depends_on_names_and_numbers_only() -> None:
    changed = X.copy()
    changed[9, 1] = np.nextafter(19.0, 20.0)
    others = [
        table(columns=numbers(("a", "c"))),
        table(columns=numbers(("b", "a"))),
        table(columns=(Column("a"), Column("b", "datetime"))),
        table(targets=("z",)),
        table(X=changed),
        table(X=X[::-1]),
        table(Y=Y + 1.0),
    ]
    fingerprints = {other.fingerprint() for other in (table(), *others)}
    assert len(fingerprints) == 1 + len(others)
    assert table(X=np.asfortranarray(X), source="elsewhere").fingerprint() == table().fingerprint()


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, np.inf, 1e13])
def test_an_invalid_weight_is_refused(weight: float) -> None:
    with pytest.raises(
        DataError, match=f"^made: a row has weight {weight}; expected weights above 0"
    ):
        table(weights=np.array([1.0] * 9 + [weight]))


def test_weights_are_part_of_the_rows_and_of_the_fingerprint() -> None:
    weights = np.arange(1.0, 11.0)
    weighted = table(weights=weights)
    np.testing.assert_array_equal(weighted.rows[3:5].weights, [4.0, 5.0])
    assert table().rows.weights is None
    assert weighted.fingerprint() != table().fingerprint()


def test_a_missing_cell_is_allowed_only_where_its_column_has_gaps() -> None:
    gaps = np.where(X == 3.0, np.nan, X)
    columns = (Column("a"), Column("b", has_gaps=True))
    assert np.isnan(table(columns=columns, X=gaps).X[1, 1])
    for wrong in (gaps[:, ::-1], np.where(X == 5.0, np.inf, gaps)):
        with pytest.raises(DataError, match=r"^made: column '[ab]' holds (nan|inf); expected"):
            table(columns=columns, X=wrong)


def test_a_number_out_of_bounds_is_found_in_a_long_table() -> None:
    rows = 600_000
    long = np.arange(2.0 * rows).reshape(rows, 2)
    long[-1, 1] = 1e101
    with pytest.raises(DataError, match=r"^made: column 'b' holds 1e\+101"):
        table(X=long, Y=long[:, :1])
