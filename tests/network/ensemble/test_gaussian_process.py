"""The means of Gaussian processes, their slopes, and their parts."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from network import Array, InputError
from network.ensemble.gaussian_process import (
    GaussianProcess,
    Radial,
    covariance,
    covariance_and_slope,
)
from tests.random_ensembles import FEATURES, HELD_OUT, random_process

INPUTS = FEATURES + 1
EVERY_COVARIANCE = pytest.mark.parametrize("is_matern", [False, True])


def k_by_hand(process: GaussianProcess, z: Array, centre: Array) -> float:
    d = float(np.sqrt(np.sum(((z - centre) / process.lengths) ** 2)))
    if process.is_matern:
        return float((1 + np.sqrt(5) * d + 5 * d * d / 3) * np.exp(-np.sqrt(5) * d))
    return float(np.exp(-d * d / 2))


@EVERY_COVARIANCE
def test_covariances_are_those_of_the_formulas(is_matern: bool) -> None:
    process = random_process(1, is_matern=is_matern)
    Z = np.random.default_rng(1).normal(size=(6, INPUTS))
    expected = [[k_by_hand(process, z, centre) for centre in process.centres] for z in Z]
    np.testing.assert_allclose(Radial(process).covariances(Z)[:, 0], expected, rtol=1e-12)


@EVERY_COVARIANCE
def test_a_centre_has_covariance_one_with_itself(is_matern: bool) -> None:
    process = random_process(1, is_matern=is_matern)
    k = Radial(process).covariances(process.centres)[:, 0]
    np.testing.assert_allclose(np.diag(k), 1.0, rtol=1e-12)


@EVERY_COVARIANCE
def test_the_slope_of_the_covariance_is_its_derivative(is_matern: bool) -> None:
    squares, step = np.linspace(0.1, 5.0, 20), 1e-6
    expected = covariance(squares + step, is_matern) - covariance(squares - step, is_matern)
    np.testing.assert_allclose(
        covariance_and_slope(squares, is_matern)[1], expected / (2 * step), rtol=1e-7
    )


@EVERY_COVARIANCE
def test_gradients_are_the_derivatives_of_weighted_covariances(is_matern: bool) -> None:
    radial = Radial(random_process(1, is_matern=is_matern))
    rng = np.random.default_rng(1)
    Z, weights, step = rng.normal(size=(5, INPUTS)), rng.normal(size=(9, 2)), 1e-6
    points, shares = np.array([0.25, 0.5, 1.0]), np.array([[0.5, 0.3, 0.0], [0.0, 0.0, 1.0]])

    def total(Z: Array) -> Array:
        return radial.covariances(Z)[:, 0] @ weights

    def derivatives(Z: Array) -> Array:
        steps = step * np.eye(INPUTS)
        return np.stack([(total(Z + s) - total(Z - s)) / (2 * step) for s in steps], axis=2)

    at_points = np.stack([derivatives(point * Z) for point in points], axis=2)
    gradients = radial.gradients(Z, weights, points, shares)
    np.testing.assert_allclose(gradients, shares @ at_points, rtol=1e-6, atol=1e-8)


def test_a_member_predicts_with_its_weights_slopes_and_intercept() -> None:
    process = random_process(2)
    Z = np.random.default_rng(1).normal(size=(6, INPUTS))
    k = Radial(process).covariances(Z)[:, 0]
    expected = k @ process.weights[3] + Z @ process.slopes[3] + process.intercepts[3]
    np.testing.assert_allclose(process.predict_member(3, Z), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"lengths": np.ones(INPUTS - 1)}, "weights have shape"),
        ({"lengths": np.array([1.0, 1.0, 0.0, 1.0])}, "must be above 0"),
        ({"lengths": np.array([1.0, 1.0, np.nan, 1.0])}, "not finite"),
        ({"centres": np.zeros((8, INPUTS))}, "weights have shape"),
        ({"centres": np.zeros(9)}, "a matrix of centres"),
        ({"slopes": np.zeros((6, INPUTS, 2))}, "weights have shape"),
        ({"held_out": HELD_OUT[:5]}, "6 members need as many pairs"),
    ],
    ids=str,
)
def test_parts_that_do_not_fit_are_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(random_process(1), **parts)
