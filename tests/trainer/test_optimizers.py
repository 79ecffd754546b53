"""Each optimizer against its published formula, and on problems whose minimum is known."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from network import Array
from trainer.optimizers import SOLVERS, Adam, GradientDescent, Optimizer
from trainer.schedules import cosine

Gradient = Callable[[Array], Array]

START = np.array([3.0, -2.0, 0.5])
MINIMUM = np.array([1.0, 0.25, -1.0])


@dataclass(frozen=True)
class Problem:
    """The gradient of a function whose minimum is at `MINIMUM`."""

    name: str
    gradient: Gradient


RAVINE = np.array([[5.0, 4.0, 0.0], [4.0, 5.0, 0.0], [0.0, 0.0, 0.3]])  # curvature 0.3 to 9

PROBLEMS = [
    Problem("bowl", lambda theta: theta - MINIMUM),
    Problem("ravine", lambda theta: RAVINE @ (theta - MINIMUM)),
    Problem("log cosh", lambda theta: np.tanh(theta - MINIMUM)),
    Problem("narrow bowl", lambda theta: np.where(theta > MINIMUM, 8.0, 2.0) * (theta - MINIMUM)),
]


def walk(optimizer: Optimizer, gradient: Gradient, rates: Array) -> Array:
    """θ after each step."""
    theta, path = START.copy(), []
    for rate in rates:
        optimizer.step(theta, gradient(theta), rate)
        path.append(theta.copy())
    return np.array(path)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_every_solver_reaches_the_known_minimum_at_its_own_rate(
    solver: str, problem: Problem
) -> None:
    optimizer = SOLVERS[solver].make(3)
    rates = [SOLVERS[solver].learning_rate * cosine(t / 3000) for t in range(3000)]
    np.testing.assert_allclose(
        walk(optimizer, problem.gradient, np.array(rates))[-1], MINIMUM, rtol=0, atol=1e-5
    )


# --- the formulas, followed for some steps with rates that change

ravine = PROBLEMS[1].gradient
RATES = np.array([0.05, 0.04, 0.04, 0.02, 0.01])


def test_gradient_descent_is_the_formula() -> None:
    theta, expected = START, []
    for rate in RATES:
        theta = theta - rate * ravine(theta)
        expected.append(theta)
    np.testing.assert_allclose(walk(GradientDescent(3), ravine, RATES), expected, rtol=1e-14)


def test_momentum_is_polyaks_formula() -> None:
    theta, v, expected = START, np.zeros(3), []
    for rate in RATES:
        v = 0.8 * v - rate * ravine(theta)
        theta = theta + v
        expected.append(theta)
    path = walk(GradientDescent(3, momentum=0.8), ravine, RATES)
    np.testing.assert_allclose(path, expected, rtol=1e-14)


def test_nesterov_follows_the_point_where_the_formula_takes_its_gradient() -> None:
    mu = 0.8
    theta, v, expected = START, np.zeros(3), []
    for rate in RATES:  # Sutskever et al., eqs. 3 and 4
        v = mu * v - rate * ravine(theta + mu * v)
        theta = theta + v
        expected.append(theta + mu * v)
    path = walk(GradientDescent(3, momentum=mu, nesterov=True), ravine, RATES)
    np.testing.assert_allclose(path, expected, rtol=1e-13)


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
    path = walk(Adam(3, beta1, beta2, epsilon), ravine, RATES)
    np.testing.assert_allclose(path, expected, rtol=1e-13)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_adams_first_step_has_the_length_of_the_rate_whatever_the_gradients(size: float) -> None:
    theta = np.zeros(2)
    Adam(2).step(theta, np.array([size, -3 * size]), 0.01)
    np.testing.assert_allclose(theta, [-0.01, 0.01], rtol=0.011)  # ε counts beside 1e-6


def test_solvers_are_what_their_names_say() -> None:
    steps = {
        name: walk(solver.make(3), ravine, RATES)[-1].tobytes() for name, solver in SOLVERS.items()
    }
    expected: dict[str, Callable[[int], Optimizer]] = {
        "sgd": GradientDescent,
        "momentum": partial(GradientDescent, momentum=0.9),
        "nesterov": partial(GradientDescent, momentum=0.9, nesterov=True),
        "adam": partial(Adam, beta1=0.9, beta2=0.999, epsilon=1e-8),
    }
    assert steps == {
        name: walk(make(3), ravine, RATES)[-1].tobytes() for name, make in expected.items()
    }
    assert len(set(steps.values())) == 4


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_step_leaves_the_gradient_alone(solver: str) -> None:
    optimizer, theta, gradient = SOLVERS[solver].make(3), START.copy(), START.copy()
    optimizer.step(theta, gradient, 0.1)
    optimizer.step(theta, gradient, 0.1)
    np.testing.assert_array_equal(gradient, START)
    assert (theta != START).all()
