"""Gaussian processes against the formulas for all rows, and on functions of few inputs."""

from dataclasses import replace

import numpy as np
import pytest

from network import Array
from network.ensemble.gaussian_process import GaussianProcess
from network.ensemble.weights import Floats
from tests.trainer.ensemble.conftest import MakeData
from trainer.ensemble.data import Data
from trainer.ensemble.gaussian_process import (
    MAX_INPUTS,
    ROWS_PER_INPUT,
    Covariance,
    gaussian_process,
    weights_given_others,
)

FOLDS = 4
EVERY_COVARIANCE = pytest.mark.parametrize("is_matern", [False, True])


def fitted(data: Data) -> GaussianProcess:
    return with_predictions(data)[0]


def with_predictions(data: Data) -> tuple[GaussianProcess, Floats]:
    found = gaussian_process(data, FOLDS, 0, lambda: None)
    assert found is not None
    return found


def rmse(predictions: Floats, Y: Array) -> float:
    return float(np.sqrt(np.mean((predictions - Y) ** 2)))


@EVERY_COVARIANCE
def test_the_gradient_of_the_cost_equals_central_differences(is_matern: bool) -> None:
    rng = np.random.default_rng(0)
    Z, Y, noise = rng.normal(size=(12, 3)), rng.normal(size=(12, 2)), rng.uniform(0.5, 2.0, 12)
    logarithms, step = rng.normal(size=6) / 3, 1e-5

    def cost(logarithms: Array) -> float:
        return Covariance(is_matern, logarithms).cost(Z, Y, noise)[0]

    _, gradient = Covariance(is_matern, logarithms).cost(Z, Y, noise)
    expected = [
        (cost(logarithms + s) - cost(logarithms - s)) / (2 * step) for s in step * np.eye(6)
    ]
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7)


@EVERY_COVARIANCE
def test_the_cost_is_minus_the_logarithm_of_the_density(is_matern: bool) -> None:
    """The density of independent normal targets, rotated by the matrix's eigenvectors."""
    rng = np.random.default_rng(0)
    Z, Y, noise = rng.normal(size=(12, 3)), rng.normal(size=(12, 1)), np.ones(12)
    covariance = Covariance.start(is_matern, 3)  # where the lengths' prior is greatest
    variances, U = np.linalg.eigh(covariance.matrix(Z, noise))
    density = 0.5 * np.log(variances) + 0.5 * (U.T @ Y)[:, 0] ** 2 / variances
    assert covariance.cost(Z, Y, noise)[0] == pytest.approx(density.sum(), rel=1e-9)


def test_weights_given_the_other_rows_are_those_of_a_refit() -> None:
    rng = np.random.default_rng(0)
    root, Y = rng.normal(size=(20, 20)), rng.normal(size=(20, 2))
    matrix = root @ root.T + np.eye(20)
    held_out = rng.random(20) < 0.3
    inverse: Array = np.linalg.inv(matrix).astype(np.float64)
    weights = weights_given_others(inverse, Y, held_out)
    others = ~held_out
    expected = np.linalg.solve(matrix[np.ix_(others, others)], Y[others])
    np.testing.assert_allclose(weights[others], expected, rtol=1e-9)
    assert not weights[held_out].any()


def test_members_have_the_mean_of_the_process_given_the_rows_outside_their_folds(
    make_data: MakeData,
) -> None:
    data = make_data(60, 2, partitions=2)
    process = fitted(data)
    assert process.held_out.tolist() == [[p, k] for p in range(2) for k in range(FOLDS)]
    for weights, (p, k) in zip(process.weights, process.held_out, strict=True):
        inside = data.folds[p] == k
        assert not weights[inside].any()
        assert weights[~inside].all()


def test_a_prediction_out_of_fold_does_not_depend_on_the_row_s_own_target(
    make_data: MakeData,
) -> None:
    data = make_data(90, 2, partitions=2)
    _, before = with_predictions(data)
    for row in (0, 7, 42):
        Y = data.Y.copy()
        Y[row] += 3.0
        _, after = with_predictions(replace(data, Y=Y))
        np.testing.assert_allclose(after[row], before[row], rtol=1e-4)
        assert np.abs(after - before).max() > 0.01


def test_errors_out_of_fold_are_not_smaller_than_those_of_new_rows() -> None:
    """Of a process with more lengths than the rows can determine, on noise."""
    rng = np.random.default_rng(0)
    errors, new = [], []
    for _ in range(5):
        X, Y = rng.normal(size=(560, 6)), rng.normal(size=(560, 1))
        folds = rng.integers(0, FOLDS, (1, 60))
        process, predictions = with_predictions(Data(X[:60], Y[:60], folds, np.ones(6, bool)))
        errors.append(rmse(predictions, Y[:60]))
        new.append(rmse(process.predict_member(0, X[60:]), Y[60:]))
    assert np.mean(errors) > 0.97 * np.mean(new)


def test_a_process_learns_a_smooth_function_and_ignores_other_inputs() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 6))
    signal = np.sin(X[:, :1]) + 0.5 * X[:, 1:2]
    data = Data(
        X,
        signal + 0.1 * rng.normal(size=(150, 1)),
        rng.integers(0, FOLDS, (1, 150)),
        np.ones(6, bool),
    )
    process, predictions = with_predictions(data)
    assert rmse(predictions, signal) < 0.08
    assert process.lengths[0] < 0.5 * process.lengths[2:].min()


def test_rows_with_little_weight_hardly_matter(make_data: MakeData) -> None:
    data = make_data(80)
    weights = np.where(np.arange(80) < 40, 2.0, 0.0)
    spoilt = data.Y.copy()
    spoilt[40:] += 5.0
    clean, other = (fitted(replace(data, Y=Y, weights=weights)) for Y in (data.Y, spoilt))
    Z = data.X.astype(float)
    np.testing.assert_allclose(clean.predict_member(0, Z), other.predict_member(0, Z), atol=0.01)


def test_too_many_inputs_have_no_process(make_data: MakeData) -> None:
    rows = ROWS_PER_INPUT * (MAX_INPUTS + 1)
    X = np.zeros((rows, MAX_INPUTS + 1))
    data = replace(make_data(rows), X=X, continuous=np.ones(MAX_INPUTS + 1, bool))
    assert gaussian_process(data, FOLDS, 0, lambda: None) is None


@pytest.mark.parametrize("rows", [ROWS_PER_INPUT * 4 - 1, ROWS_PER_INPUT * 4])
def test_too_few_rows_per_input_have_no_process(rows: int, make_data: MakeData) -> None:
    found = gaussian_process(make_data(rows), FOLDS, 0, lambda: None)
    assert (found is None) == (rows < ROWS_PER_INPUT * 4)


def test_inputs_that_are_not_finite_have_no_process(make_data: MakeData) -> None:
    data = make_data(60)
    X = data.X.copy()
    X[0, 0] = np.inf
    with np.errstate(all="ignore"):
        assert gaussian_process(replace(data, X=X), FOLDS, 0, lambda: None) is None


def test_poll_may_stop_the_fit(make_data: MakeData) -> None:
    class Stop(Exception):
        pass

    def poll() -> None:
        raise Stop

    with pytest.raises(Stop):
        gaussian_process(make_data(60), FOLDS, 0, poll)
