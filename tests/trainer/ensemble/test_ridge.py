"""The linear model against refits with one fold or one row left out."""

from dataclasses import replace

import numpy as np
import pytest

from network import Array
from tests.trainer.ensemble.conftest import MakeData
from trainer.ensemble.data import Data
from trainer.ensemble.ridge import MAX_COLUMNS, STRENGTHS, out_of_fold, ridge

FOLDS = 4  # of `make_data`


def refit(data: Data, rows: Array, strength: float) -> Array:
    """Minimise Σ w·(y − b₀ − zᵀb)² + λ·|b|² as one system of linear equations: (1 + I, K)."""
    Z = np.column_stack((np.ones(len(data)), data.X))[rows].astype(float)
    w = (np.ones(len(data)) if data.weights is None else data.weights)[rows][:, None]
    penalty = np.diag([0.0] + [strength] * data.inputs)
    solution: Array = np.linalg.solve(Z.T @ (w * Z) + penalty, Z.T @ (w * data.Y[rows]))
    return solution


def strength_by_refits(data: Data) -> float:
    """Return the strength with the least error of rows that were left out one by one."""
    weights = np.ones(len(data)) if data.weights is None else data.weights
    errors = []
    for strength in STRENGTHS * weights.sum():
        error = 0.0
        for row in range(len(data)):
            b = refit(data, np.arange(len(data)) != row, strength)
            error += weights[row] * float((data.X[row] @ b[1:] + b[0] - data.Y[row])[0]) ** 2
        errors.append(error)
    return float(STRENGTHS[int(np.argmin(errors))] * weights.sum())


@pytest.fixture(params=["unweighted", "weighted"])
def small(request: pytest.FixtureRequest, make_data: MakeData) -> Data:
    data = make_data(40, partitions=2)
    if request.param == "unweighted":
        return data
    weights = np.random.default_rng(1).uniform(0.2, 1.8, len(data))
    return replace(data, weights=weights / weights.mean())


def test_members_are_refits_with_the_strength_of_the_leave_one_out_error(small: Data) -> None:
    linear = ridge(small, FOLDS)
    assert linear is not None
    strength = strength_by_refits(small)
    assert linear.held_out.tolist() == [[p, k] for p in range(2) for k in range(4)]
    for (p, k), intercept, slopes in zip(
        linear.held_out, linear.intercepts, linear.slopes, strict=True
    ):
        expected = refit(small, small.folds[p] != k, strength)
        np.testing.assert_allclose(np.vstack((intercept, slopes)), expected, rtol=1e-6, atol=1e-9)


def test_out_of_fold_predictions_average_the_members_that_have_not_seen_the_row(
    small: Data,
) -> None:
    linear = ridge(small, FOLDS)
    assert linear is not None
    row = 5
    unseen = [m for m, (p, k) in enumerate(linear.held_out) if small.folds[p, row] == k]
    expected = np.mean(
        [small.X[row] @ linear.slopes[m] + linear.intercepts[m] for m in unseen], axis=0
    )
    assert len(unseen) == 2
    np.testing.assert_allclose(out_of_fold(linear, small, np.array([row]))[0], expected, rtol=1e-5)


def test_each_target_has_a_strength_of_its_own(make_data: MakeData) -> None:
    data = make_data(60, targets=2)
    both = ridge(data, FOLDS)
    second = ridge(replace(data, Y=data.Y[:, 1:]), FOLDS)
    assert both is not None
    assert second is not None
    np.testing.assert_allclose(both.slopes[:, :, 1:], second.slopes, rtol=1e-9)


def test_more_inputs_than_rows_give_the_same_fit_as_the_plain_equations() -> None:
    rng = np.random.default_rng(0)
    X, folds = rng.normal(size=(30, 50)), rng.integers(0, 3, (1, 30))
    data = Data(X, X[:, :1] + 0.1 * rng.normal(size=(30, 1)), folds, np.ones(50, bool))
    linear = ridge(data, FOLDS)
    assert linear is not None
    candidates = [
        np.vstack((linear.intercepts[0], linear.slopes[0])) - refit(data, folds[0] != 0, strength)
        for strength in STRENGTHS * len(data)
    ]
    assert min(np.abs(each).max() for each in candidates) < 1e-8


def test_a_fold_without_rows_has_a_member(make_data: MakeData) -> None:
    linear = ridge(make_data(40), FOLDS + 1)
    assert linear is not None
    assert linear.held_out.tolist() == [[0, k] for k in range(FOLDS + 1)]


def test_too_many_rows_and_inputs_have_no_linear_model() -> None:
    size = MAX_COLUMNS + 1
    X = np.zeros((size, size), np.float32)
    data = Data(X, X[:, :1], np.zeros((1, size), int), np.ones(size, bool))
    assert ridge(data, FOLDS) is None
