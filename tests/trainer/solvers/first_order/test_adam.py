"""Adam against algorithm 1 of its paper."""

import numpy as np
import pytest

from tests.trainer.solvers.walk import RATES, START, ravine, walk
from trainer.solvers.first_order.adam import Adam


def test_adam_is_algorithm_1_of_its_paper() -> None:
    beta1, beta2, epsilon = 0.8, 0.95, 1e-3
    theta, m, v, expected = START, np.zeros(3), np.zeros(3), []
    for t, rate in enumerate(RATES, 1):
        g = ravine(theta)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        theta = theta - rate * m_hat / (np.sqrt(v_hat) + epsilon)
        expected.append(theta)
    np.testing.assert_allclose(walk(Adam(3, beta1, beta2, epsilon)), expected, rtol=1e-13)


def test_the_defaults_are_those_of_the_paper() -> None:
    np.testing.assert_array_equal(walk(Adam(3)), walk(Adam(3, 0.9, 0.999, 1e-8)))


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_the_length_of_the_first_step_is_the_rate_for_gradients_of_any_size(size: float) -> None:
    theta = np.zeros(2)
    Adam(2).step(theta, np.array([size, -3 * size]), 0.01)
    np.testing.assert_allclose(theta, [-0.01, 0.01], rtol=0.011)  # ε is not negligible at 1e-6


def test_a_step_does_not_modify_the_gradient() -> None:
    adam, theta, gradient = Adam(3), START.copy(), START.copy()
    adam.step(theta, gradient, 0.1)
    adam.step(theta, gradient, 0.1)
    np.testing.assert_array_equal(gradient, START)
    assert (theta != START).all()
