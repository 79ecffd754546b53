"""L-BFGS against its textbook formula, and its limited memory."""

from pathlib import Path

import numpy as np

from network import Array
from tests.trainer.solvers.problems import (
    CURVE,
    LINE,
    WEIGHTED_LINE,
    Problem,
    iterate,
    least_squares,
    written_and_read,
)
from trainer.solvers.quasi_newton.descent import FIRST_STEP_LENGTH, root
from trainer.solvers.quasi_newton.l_bfgs import LBFGS, MEMORY
from trainer.solvers.quasi_newton.line_search import Point, wolfe_step


def textbook(problem: Problem, steps: int) -> list[Array]:
    """Nocedal & Wright, algorithm 7.5, with a dense H: eqs. 6.17 and 7.20."""
    evaluate = root(problem.objective())
    point = Point(problem.start(), *evaluate(problem.start()))
    pairs: list[tuple[Array, Array]] = []
    path, identity = [], np.eye(len(point.theta))
    for _ in range(steps):
        H = identity
        if pairs:
            s, y = pairs[-1]
            H = (s @ y) / (y @ y) * identity
        for s, y in pairs:
            V = identity - np.outer(y, s) / (y @ s)
            H = V.T @ H @ V + np.outer(s, s) / (y @ s)
        direction = -H @ point.gradient
        first = 1.0 if pairs else FIRST_STEP_LENGTH / np.linalg.norm(direction)
        found = wolfe_step(evaluate, point, direction, float(first))
        assert found is not None
        step, reached = found
        pairs.append((step * direction, reached.gradient - point.gradient))
        point = reached
        path.append(point.theta)
    return path


def test_every_step_follows_the_textbook_formula() -> None:
    for problem, steps in [(LINE, 8), (CURVE, 20)]:
        solver = LBFGS(problem.task())
        for expected in textbook(problem, steps):
            iterate(solver, 1)
            np.testing.assert_allclose(solver.theta, expected, rtol=1e-6, atol=1e-8)


def test_it_stores_only_the_last_steps(tmp_path: Path) -> None:
    solver = LBFGS(CURVE.task())
    iterate(solver, MEMORY + 5)
    state = written_and_read(solver.state(), tmp_path)
    assert len(state["s"]) == len(state["y"]) == MEMORY


def test_it_continues_with_another_objective_from_the_same_theta() -> None:
    solver = LBFGS(LINE.task())
    iterate(solver, 3)
    before = solver.theta.copy()
    solver.continue_with(WEIGHTED_LINE.objective())
    np.testing.assert_array_equal(solver.theta, before)
    iterate(solver, 60)
    expected, _ = least_squares(WEIGHTED_LINE.rows)
    np.testing.assert_allclose(solver.theta, expected, rtol=0, atol=1e-7)
