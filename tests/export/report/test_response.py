"""The response of predictions to a feature."""

import numpy as np
import pytest

from export.report.response import grid, responses, typical_row
from network import UNSEEN, Column, numbers
from tests.service.small_models import TABLE_COLUMNS, small_model, some_calibration, table_model

MODEL = small_model()
X = np.random.default_rng(0).uniform(-1, 1, (20, 4))


def test_the_response_is_that_of_the_typical_row() -> None:
    [[found]] = responses(MODEL, some_calibration(), X, [2])
    row = X[typical_row(MODEL.columns, X)].copy()
    for x, y in ((found.x[0], found.typical[0]), (found.x[-1], found.typical[-1])):
        row[2] = x
        assert MODEL.predict(row[None])[0, 0] == y
    assert (found.x[0], found.x[-1], len(found.x)) == (-1.0, 1.0, 41)


def test_the_mean_response_is_that_of_the_rows() -> None:
    [[found]] = responses(MODEL, None, X, [1])
    rows = X.copy()
    rows[:, 1] = found.x[7]
    assert found.mean[7] == pytest.approx(MODEL.predict(rows).mean())


def test_the_interval_is_that_of_the_calibration() -> None:
    calibration = some_calibration()
    [[found]] = responses(MODEL, calibration, X, [0])
    assert found.lower is not None
    assert found.upper is not None
    assert found.typical - found.lower == pytest.approx(calibration.half_widths(0.9)[0])
    assert found.upper - found.typical == pytest.approx(calibration.half_widths(0.9)[0])


@pytest.mark.parametrize("rows", [None, 3])
def test_without_enough_scores_there_is_no_interval(rows: int | None) -> None:
    calibration = None if rows is None else some_calibration(rows)
    [[found]] = responses(MODEL, calibration, X, [0])
    assert found.lower is None
    assert found.upper is None


def test_every_target_has_a_response_to_every_feature() -> None:
    model = small_model(targets=("y", "z"))
    found = responses(model, None, X, [3, 0])
    assert [[(each.feature.name, each.target) for each in of] for of in found] == [
        [("x4", "y"), ("x4", "z")],
        [("x1", "y"), ("x1", "z")],
    ]


def test_each_kind_of_feature_has_its_own_values() -> None:
    model = table_model()
    size, colour, new, sold = (
        grid(column, ends)
        for column, ends in zip(TABLE_COLUMNS, model.feature_range.T, strict=True)
    )
    assert (size[0], size[-1]) == (-1.0, 1.0)
    assert colour.tolist() == [0.0, 1.0, 2.0]
    assert new.tolist() == [0.0, 1.0]
    assert len(sold) == 73


def test_the_typical_row_is_in_the_middle_of_numbers() -> None:
    rows = np.array([[0.0, 9.0], [5.0, 5.0], [10.0, 1.0], [4.0, np.nan]])
    assert typical_row(numbers(("a", "b")), rows) == 1


def test_the_typical_row_has_the_most_frequent_categories() -> None:
    columns = (Column("c", "category", ("p", "q", "r")), Column("x"))
    rows = np.array([[0.0, 1.0], [2.0, 1.0], [2.0, 1.1], [UNSEEN, 1.0], [1.0, 1.0]])
    assert typical_row(columns, rows) == 1


@pytest.mark.parametrize(
    "rows",
    [np.full((3, 2), np.nan), np.zeros((1, 2)), np.full((2, 2), 1e308) * [[1], [-1]]],
    ids=["missing", "one row", "huge"],
)
def test_odd_rows_have_a_typical_one(rows: np.ndarray) -> None:
    assert typical_row(numbers(("a", "b")), rows) in range(len(rows))
