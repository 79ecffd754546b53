"""BFGS and self-scaled Broyden against their published formulas on dense matrices."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from network import Architecture, Array, Rows
from tests.trainer.solvers.problems import (
    CURVE,
    LINE,
    WEIGHTED_LINE,
    Problem,
    iterate,
    least_squares,
    written_and_read,
)
from trainer.solvers.objective import Objective
from trainer.solvers.quasi_newton.broyden_family import (
    BFGS,
    SELF_SCALED_BROYDEN,
    BroydenFamily,
    Update,
    self_scaled_broyden,
)
from trainer.solvers.quasi_newton.descent import FIRST_STEP_LENGTH, root
from trainer.solvers.quasi_newton.inverse_hessian import InverseHessian
from trainer.solvers.quasi_newton.line_search import Point, wolfe_step

UPDATES = {"bfgs": BFGS, "self-scaled Broyden": SELF_SCALED_BROYDEN}
EVERY_UPDATE = pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES)
Learn = Callable[[Array, Array, Array], Array]


def published_coefficients(b: float, h: float, n: int) -> tuple[float, float]:
    """Return φ and τ of Urbán, Stefanou & Pons 2025."""
    a = h * b - 1.0
    c = math.sqrt(a / (1.0 + a))
    rho_minus = min(1.0, h * (1.0 - c))
    theta_minus = (rho_minus - 1.0) / a
    theta_plus = 1.0 / rho_minus
    theta = max(theta_minus, min(theta_plus, (1.0 - b) / b))
    sigma = 1.0 + theta * a
    rho = min(1.0, 1.0 / b)
    if theta <= 0.0:
        tau = min(rho * sigma ** (1.0 / (1.0 - n)), sigma)
    else:
        tau = rho * min(sigma ** (1.0 / (1.0 - n)), 1.0 / theta)
    return (1.0 - theta) / (1.0 + a * theta), tau


@given(b=st.floats(1e-3, 1e3), a=st.floats(1e-6, 1e5), n=st.integers(2, 3000))
def test_coefficients_are_the_published_ones(b: float, a: float, n: int) -> None:
    h = (1.0 + a) / b
    computed = self_scaled_broyden(b, h, n)
    assert computed == pytest.approx(published_coefficients(b, h, n), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("b", "h", "expected"),
    [
        (1.0, 2.0, (1.0, 1.0)),  # θ = 0: BFGS
        (0.5, 4.0, (0.0, 0.5)),  # θ = 1: DFP, with σ = 2 and 2^(1/(1 − 2)) = 1/2
        # a = 3, c = √¾, ρ⁻ = h(1 − c), and θ = θ⁻, above (1 − b)/b = −¾; σ = ρ⁻ < ρ/σ
        (4.0, 1.0, ((4.0 - (1 - 0.75**0.5)) / 3 / (1 - 0.75**0.5), 1 - 0.75**0.5)),
    ],
)
def test_coefficients_of_known_cases(b: float, h: float, expected: tuple[float, float]) -> None:
    assert self_scaled_broyden(b, h, 2) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("b", [0.2, 1.0, 7.0])
def test_coefficients_are_finite_if_h_is_exact_along_the_step(b: float) -> None:
    for h in (1.0 / b, (1.0 - 1e-15) / b):  # a is zero, or below it by rounding
        assert all(map(math.isfinite, self_scaled_broyden(b, h, 10)))


def textbook_bfgs(H: Array, s: Array, y: Array) -> Array:
    """Nocedal & Wright, eq. 6.17."""
    rho, identity = 1.0 / float(y @ s), np.eye(len(s))
    left = identity - rho * np.outer(s, y)
    result: Array = left @ H @ left.T + rho * np.outer(s, s)
    return result


def textbook_broyden(H: Array, s: Array, y: Array) -> Array:
    """The formula of the module's docstring, with b computed from H⁻¹."""
    ys, yHy = float(y @ s), float(y @ H @ y)
    b = float(s @ np.linalg.solve(H, s)) / ys
    phi, tau = published_coefficients(b, yHy / ys, len(s))
    v = s / ys - H @ y / yHy
    bracket = H - np.outer(H @ y, H @ y) / yHy + phi * yHy * np.outer(v, v)
    result: Array = bracket / tau + np.outer(s, s) / ys
    return result


def textbook(problem: Problem, update: Update, learn: Learn, steps: int) -> list[Array]:
    """Return θ after each step, computed with a dense H."""
    evaluate = root(problem.objective())
    point = Point(problem.start(), *evaluate(problem.start()))
    H, path, identity = None, [], np.eye(len(point.theta))
    for _ in range(steps):
        direction = -point.gradient if H is None else -H @ point.gradient
        first = FIRST_STEP_LENGTH / np.linalg.norm(direction) if H is None else update.first_step
        found = wolfe_step(evaluate, point, direction, float(first))
        assert found is not None
        step, reached = found
        s, y = step * direction, reached.gradient - point.gradient
        if H is None:
            H = (y @ s) / (y @ y) * identity  # eq. 6.20
        H, point = learn(H, s, y), reached
        path.append(point.theta)
    return path


@pytest.mark.parametrize(
    ("update", "learn"),
    [(BFGS, textbook_bfgs), (SELF_SCALED_BROYDEN, textbook_broyden)],
    ids=UPDATES,
)
@pytest.mark.parametrize(
    ("problem", "steps"), [(LINE, 8), (WEIGHTED_LINE, 8), (CURVE, 22)], ids=["line", "w", "curve"]
)
def test_every_step_follows_the_textbook_formula(
    problem: Problem, steps: int, update: Update, learn: Learn
) -> None:
    solver = BroydenFamily(problem.task(), update)
    for expected in textbook(problem, update, learn, steps):
        iterate(solver, 1)
        np.testing.assert_allclose(solver.theta, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.slow
@EVERY_UPDATE
def test_h_stays_symmetric_and_positive_definite(update: Update, tmp_path: Path) -> None:
    solver = BroydenFamily(CURVE.task(), update)
    P = len(solver.theta)
    for _ in range(70):
        iterate(solver, 1)
        H = InverseHessian(P)
        H.restore(written_and_read(solver.state(), tmp_path)["H"])
        dense = np.column_stack([H @ e for e in np.eye(P)])
        np.testing.assert_allclose(dense, dense.T, rtol=0, atol=1e-10 * abs(dense).max())
        assert np.linalg.eigvalsh(0.5 * (dense + dense.T)).min() > 0.0


@EVERY_UPDATE
@pytest.mark.parametrize("problem", [LINE, WEIGHTED_LINE], ids=lambda problem: problem.name)
def test_a_linear_network_reaches_the_least_squares_solution(
    problem: Problem, update: Update
) -> None:
    solver = BroydenFamily(problem.task(), update)
    iterate(solver, 60)
    expected, _ = least_squares(problem.rows)
    np.testing.assert_allclose(solver.theta, expected, rtol=0, atol=1e-7)


@EVERY_UPDATE
def test_an_exact_fit_converges_to_rounding_error(update: Update) -> None:
    X = np.random.default_rng(0).normal(size=(20, 2))
    rows = Rows(X, X @ [[2.0], [-3.0]] + 1.0)
    solver = BroydenFamily(Problem("exact", Architecture((2, 1), "identity"), rows).task(), update)
    *_, last = iterate(solver, 200)
    assert last.converged
    np.testing.assert_allclose(solver.theta, [2.0, -3.0, 1.0], rtol=1e-12)


@EVERY_UPDATE
def test_it_continues_with_another_objective_from_the_same_theta(update: Update) -> None:
    solver = BroydenFamily(LINE.task(), update)
    iterate(solver, 3)
    before = solver.theta.copy()
    solver.continue_with(WEIGHTED_LINE.objective())
    np.testing.assert_array_equal(solver.theta, before)
    iterate(solver, 60)
    expected, _ = least_squares(WEIGHTED_LINE.rows)
    np.testing.assert_allclose(solver.theta, expected, rtol=0, atol=1e-7)


def test_the_gradient_of_the_root_agrees_with_central_differences() -> None:
    evaluate, theta = root(CURVE.objective()), CURVE.start()
    value, gradient = evaluate(theta)
    assert value**2 == pytest.approx(CURVE.objective().value(theta), rel=1e-14)
    for axis in range(len(theta)):
        e = np.zeros_like(theta)
        e[axis] = 1e-6
        slope = (evaluate(theta + e)[0] - evaluate(theta - e)[0]) / 2e-6
        assert gradient[axis] == pytest.approx(slope, abs=1e-8)


def test_the_gradient_of_the_root_is_zero_at_zero() -> None:
    rows = Rows(np.zeros((3, 1)), np.zeros((3, 1)))
    value, gradient = root(Objective(Architecture((1, 1)), rows))(np.zeros(2))
    assert value == 0.0
    np.testing.assert_array_equal(gradient, [0.0, 0.0])
