"""The line search finds steps that satisfy the weak Wolfe conditions, also on nasty functions."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Array
from trainer.solvers.quasi_newton.line_search import (
    CURVATURE,
    SUFFICIENT_DECREASE,
    Point,
    wolfe_step,
)

Evaluate = Callable[[Array], tuple[float, Array]]


def assert_wolfe(evaluate: Evaluate, theta: Array, direction: Array, first: float) -> None:
    """Nocedal & Wright, eqs. 3.6a and 3.6b."""
    start = Point(theta, *evaluate(theta))
    found = wolfe_step(evaluate, start, direction, first)
    assert found is not None
    step, point = found
    slope = direction @ start.gradient
    assert step > 0.0
    np.testing.assert_array_equal(point.theta, theta + step * direction)
    value, gradient = evaluate(point.theta)
    assert point.value == value
    np.testing.assert_array_equal(point.gradient, gradient)
    assert value <= start.value + SUFFICIENT_DECREASE * step * slope
    assert gradient @ direction >= CURVATURE * slope


def bowl(dimensions: int, seed: int) -> Evaluate:
    """A convex quadratic with curvatures from 1e-3 to 1e3."""
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.normal(size=(dimensions, dimensions)))
    A = Q * 10.0 ** rng.uniform(-3.0, 3.0, dimensions) @ Q.T

    def evaluate(theta: Array) -> tuple[float, Array]:
        return float(0.5 * theta @ A @ theta), A @ theta

    return evaluate


@given(
    dimensions=st.integers(1, 6),
    seed=st.integers(0, 2**32 - 1),
    exponent=st.floats(-4.0, 4.0),
)
def test_wolfe_conditions_hold_on_every_bowl(dimensions: int, seed: int, exponent: float) -> None:
    evaluate, theta = bowl(dimensions, seed), np.random.default_rng(seed).normal(size=dimensions)
    _, gradient = evaluate(theta)
    assert_wolfe(evaluate, theta, -gradient, 10.0**exponent)


def along_a_line(value: Callable[[float], float], slope: Callable[[float], float]) -> Evaluate:
    def evaluate(theta: Array) -> tuple[float, Array]:
        x = float(theta[0])
        return value(x), np.array([slope(x)])

    return evaluate


def _beyond(limit: float, broken: float) -> Evaluate:
    """Return (x − 1)² up to a limit, and a broken value beyond it."""
    return along_a_line(
        lambda x: (x - 1.0) ** 2 if x <= limit else broken,
        lambda x: 2.0 * (x - 1.0) if x <= limit else broken,
    )


NASTY = {
    "NaN beyond the minimum": _beyond(1.5, math.nan),
    "NaN before the minimum": _beyond(0.9, math.nan),
    "infinite beyond the minimum": _beyond(1.5, math.inf),
    "a slope of NaN at a good value": along_a_line(
        lambda x: (x - 1.0) ** 2, lambda x: 2.0 * (x - 1.0) if x <= 1.2 else math.nan
    ),
    "an infinite slope at a good value": along_a_line(
        lambda x: (x - 1.0) ** 2, lambda x: 2.0 * (x - 1.0) if x <= 1.2 else math.inf
    ),
    "very flat": along_a_line(lambda x: 1e-12 * (x - 1.0) ** 4, lambda x: 4e-12 * (x - 1.0) ** 3),
    "very steep": along_a_line(lambda x: 1e12 * (x - 1.0) ** 4, lambda x: 4e12 * (x - 1.0) ** 3),
    "a kink": along_a_line(lambda x: abs(x - 1.0), lambda x: math.copysign(1.0, x - 1.0)),
    "a kink between unequal sides": along_a_line(
        lambda x: max(1.0 - x, 50.0 * (x - 1.0)), lambda x: -1.0 if x < 1.0 else 50.0
    ),
    "a barrier": along_a_line(
        lambda x: -x - math.log(2.0 - x) if x < 2.0 else math.nan,
        lambda x: -1.0 + 1.0 / (2.0 - x) if x < 2.0 else math.nan,
    ),
    "waves": along_a_line(
        lambda x: (x - 1.0) ** 2 + 0.2 * math.sin(20.0 * x),
        lambda x: 2.0 * (x - 1.0) + 4.0 * math.cos(20.0 * x),
    ),
}


@pytest.mark.parametrize("first", [1e-4, 0.35, 1.0, 1e4])
@pytest.mark.parametrize("name", NASTY)
def test_wolfe_conditions_hold_on_nasty_functions(name: str, first: float) -> None:
    start = 0.1 if name == "waves" else 0.0
    evaluate = NASTY[name]
    _, gradient = evaluate(np.array([start]))
    assert_wolfe(evaluate, np.array([start]), -np.sign(gradient), first)


def test_the_first_step_is_returned_if_it_satisfies_the_conditions() -> None:
    evaluate, theta = _beyond(math.inf, math.nan), np.array([0.0])
    start = Point(theta, *evaluate(theta))
    found = wolfe_step(evaluate, start, np.array([1.0]), 0.7)
    assert found is not None
    assert found[0] == 0.7


@pytest.mark.parametrize("first", [1e-4, 1.0, 1e4])
def test_an_ascent_direction_gives_no_step(first: float) -> None:
    evaluate, theta = bowl(4, seed=0), np.ones(4)
    start = Point(theta, *evaluate(theta))
    found = wolfe_step(evaluate, start, start.gradient, first)
    assert found is None or found[1].value == start.value  # too short to change the value


def test_an_unbounded_descent_gives_no_step() -> None:
    evaluate = along_a_line(lambda x: -x, lambda x: -1.0)
    start = Point(np.zeros(1), *evaluate(np.zeros(1)))
    assert wolfe_step(evaluate, start, np.ones(1), 1.0) is None


def test_a_function_that_is_nan_everywhere_else_gives_no_step() -> None:
    evaluate = along_a_line(lambda x: 0.0 if x == 0 else math.nan, lambda x: -1.0)
    start = Point(np.zeros(1), *evaluate(np.zeros(1)))
    assert wolfe_step(evaluate, start, np.ones(1), 1.0) is None
