"""L-BFGS is BFGS as long as it remembers every step."""

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
    over_the_disk,
)
from trainer.solvers.descent import FIRST_STEP_LENGTH, root
from trainer.solvers.quasi_newton.l_bfgs import LBFGS, MEMORY
from trainer.solvers.quasi_newton.line_search import Point, wolfe_step


def textbook(problem: Problem, steps: int) -> list[Array]:
    """Nocedal & Wright, algorithm 7.5, with H written out: eqs. 6.17 and 7.20."""
    evaluate = root(problem.objective())
    here = Point(problem.start(), *evaluate(problem.start()))
    pairs: list[tuple[Array, Array]] = []
    path, identity = [], np.eye(len(here.theta))
    for _ in range(steps):
        H = identity
        if pairs:
            s, y = pairs[-1]
            H = (s @ y) / (y @ y) * identity
        for s, y in pairs:
            V = identity - np.outer(y, s) / (y @ s)
            H = V.T @ H @ V + np.outer(s, s) / (y @ s)
        direction = -H @ here.gradient
        first = 1.0 if pairs else FIRST_STEP_LENGTH / np.linalg.norm(direction)
        found = wolfe_step(evaluate, here, direction, float(first))
        assert found is not None
        step, there = found
        pairs.append((step * direction, there.gradient - here.gradient))
        here = there
        path.append(here.theta)
    return path


def test_it_is_the_textbooks() -> None:
    for problem, steps in [(LINE, 8), (CURVE, 20)]:
        solver = LBFGS(problem.task())
        for expected in textbook(problem, steps):
            iterate(solver, 1)
            np.testing.assert_allclose(solver.theta, expected, rtol=1e-6, atol=1e-8)


def test_it_remembers_no_more_than_the_last_steps(tmp_path: Path) -> None:
    solver = LBFGS(CURVE.task())
    iterate(solver, MEMORY + 5)
    state = over_the_disk(solver.state(), tmp_path)
    assert len(state["s"]) == len(state["y"]) == MEMORY


def test_it_goes_on_with_another_objective_from_the_same_theta() -> None:
    solver = LBFGS(LINE.task())
    iterate(solver, 3)
    before = solver.theta.copy()
    solver.move_to(WEIGHTED_LINE.objective())
    np.testing.assert_array_equal(solver.theta, before)
    iterate(solver, 60)
    expected, _ = least_squares(WEIGHTED_LINE.rows)
    np.testing.assert_allclose(solver.theta, expected, rtol=0, atol=1e-7)
