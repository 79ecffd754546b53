"""Gradient descent against its published formulas, with rates that change."""

import numpy as np
import pytest

from tests.trainer.solvers.walk import RATES, START, ravine, walk
from trainer.solvers.first_order.gradient_descent import GradientDescent


def test_gradient_descent_follows_its_formula() -> None:
    theta, expected = START, []
    for rate in RATES:
        theta = theta - rate * ravine(theta)
        expected.append(theta)
    np.testing.assert_allclose(walk(GradientDescent(3)), expected, rtol=1e-14)


def test_momentum_follows_the_formula_of_polyak() -> None:
    theta, v, expected = START, np.zeros(3), []
    for rate in RATES:
        v = 0.8 * v - rate * ravine(theta)
        theta = theta + v
        expected.append(theta)
    np.testing.assert_allclose(walk(GradientDescent(3, momentum=0.8)), expected, rtol=1e-14)


def test_nesterov_follows_the_formula_at_the_point_of_its_gradient() -> None:
    mu = 0.8
    theta, v, expected = START, np.zeros(3), []
    for rate in RATES:  # Sutskever et al., eqs. 3 and 4
        v = mu * v - rate * ravine(theta + mu * v)
        theta = theta + v
        expected.append(theta + mu * v)
    path = walk(GradientDescent(3, momentum=mu, nesterov=True))
    np.testing.assert_allclose(path, expected, rtol=1e-13)


@pytest.mark.parametrize("nesterov", [False, True])
def test_a_step_does_not_modify_the_gradient(nesterov: bool) -> None:
    optimizer = GradientDescent(3, momentum=0.9, nesterov=nesterov)
    theta, gradient = START.copy(), START.copy()
    optimizer.step(theta, gradient, 0.1)
    optimizer.step(theta, gradient, 0.1)
    np.testing.assert_array_equal(gradient, START)
    assert (theta != START).all()
