"""A growing sample: when it grows, that it ends with all rows, and that few rows are all used."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from network import Architecture, Rows
from tests.trainer.solvers.problems import CURVE, Problem, iterate, noisy_curve, written_and_read
from trainer.solvers.quasi_newton import growing_sample
from trainer.solvers.quasi_newton.broyden_family import BFGS, SELF_SCALED_BROYDEN, BroydenFamily
from trainer.solvers.quasi_newton.growing_sample import (
    CHECK_INTERVAL,
    FIRST_ROWS,
    GROWTH,
    GrowingSample,
    WarmStartSolver,
)
from trainer.solvers.quasi_newton.l_bfgs import LBFGS
from trainer.solvers.solver import Task

Make = Callable[[Task], WarmStartSolver]
make_bfgs = partial(BroydenFamily, update=BFGS)
MAKES: dict[str, Make] = {
    "bfgs": make_bfgs,
    "self-scaled Broyden": partial(BroydenFamily, update=SELF_SCALED_BROYDEN),
    "l-bfgs": LBFGS,
}
EVERY_SOLVER = pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)


def linear(rows: int, noise: float) -> Problem:
    rng = np.random.default_rng(6)
    X = rng.normal(size=(rows, 2))
    Y = X @ [[2.0], [-1.0]] + rng.normal(0.0, noise, (rows, 1))
    return Problem("linear", Architecture((2, 1), "identity"), Rows(X, Y))


def size_after(solver: GrowingSample, iterations: int, folder: Path) -> int:
    """Iterate and return the number of rows in the sample."""
    iterate(solver, iterations)
    size: int = written_and_read(solver.state(), folder)["size"]
    return size


@EVERY_SOLVER
def test_few_rows_are_all_used_and_give_the_bits_of_the_solver_alone(make: Make) -> None:
    sample, whole = GrowingSample(CURVE.task(), make), make(CURVE.task())
    for _ in range(40):
        assert iterate(sample, 1) == iterate(whole, 1)
        assert sample.theta.tobytes() == whole.theta.tobytes()


@EVERY_SOLVER
def test_only_the_first_rows_are_used_before_the_sample_grows(make: Make) -> None:
    problem = noisy_curve(rows=2 * FIRST_ROWS, seed=1, hidden=4)
    first = Problem("first", problem.architecture, problem.rows[:FIRST_ROWS])
    sample, on_first = GrowingSample(problem.task(), make), make(first.task())
    iterate(sample, CHECK_INTERVAL - 1)
    iterate(on_first, CHECK_INTERVAL - 1)
    assert sample.theta.tobytes() == on_first.theta.tobytes()


def test_the_sample_grows_if_it_is_overfitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growing_sample, "FIRST_ROWS", 12)
    monkeypatch.setattr(growing_sample, "ROWS_PER_PARAMETER", 0.0)
    solver = GrowingSample(noisy_curve(rows=200, seed=1, noise=1.0).task(), make_bfgs)
    assert size_after(solver, CHECK_INTERVAL - 1, tmp_path) == 12
    assert (
        size_after(solver, 1, tmp_path) > 12
    )  # the first check has no earlier one to compare with


def test_the_sample_grows_if_the_held_back_rows_gain_no_more(tmp_path: Path) -> None:
    problem = linear(rows=4 * FIRST_ROWS, noise=0.5)
    solver = GrowingSample(problem.task(), MAKES["self-scaled Broyden"])
    sizes = [size_after(solver, CHECK_INTERVAL, tmp_path) for _ in range(4)]
    # every second time, because the first check of a sample has nothing to compare with
    assert sizes == [FIRST_ROWS, 2 * FIRST_ROWS, 2 * FIRST_ROWS, 4 * FIRST_ROWS]


def test_the_sample_grows_if_the_solver_converged_on_it(tmp_path: Path) -> None:
    problem = linear(rows=2 * FIRST_ROWS, noise=0.0)
    problem.rows.Y[:] = 0.0
    task = vars(problem.task()) | {"theta": np.zeros(3)}  # at the minimum
    solver = GrowingSample(type(problem.task())(**task), make_bfgs)
    (first,) = iterate(solver, 1)
    assert (first.converged, first.tentative) == (False, True)
    assert size_after(solver, 0, tmp_path) == 2 * FIRST_ROWS
    (second,) = iterate(solver, 1)
    assert (second.converged, second.tentative) == (True, False)


@pytest.mark.slow
@EVERY_SOLVER
def test_it_ends_with_all_rows_at_their_minimum(make: Make, tmp_path: Path) -> None:
    problem = linear(rows=3 * FIRST_ROWS + 7, noise=0.5)
    solver = GrowingSample(problem.task(), make)
    sizes, iterations = [], []
    for _ in range(100):
        iterations += iterate(solver, 1)
        sizes.append(size_after(solver, 0, tmp_path))
    assert sizes == sorted(sizes)
    assert set(sizes) == {FIRST_ROWS, GROWTH * FIRST_ROWS, len(problem.rows)}
    expected, *_ = np.linalg.lstsq(
        np.column_stack([problem.rows.X, np.ones(len(problem.rows))]), problem.rows.Y[:, 0]
    )
    np.testing.assert_allclose(solver.theta, expected, rtol=0, atol=1e-7)
    # tentative until all rows are used; the iteration that grows was still on the sample
    grown = sizes.index(len(problem.rows)) + 1
    assert [each.tentative for each in iterations] == [True] * grown + [False] * (
        len(iterations) - grown
    )


def test_a_network_with_many_parameters_starts_on_more_rows(tmp_path: Path) -> None:
    problem = noisy_curve(rows=1500, seed=3, hidden=250)  # 751 parameters
    solver = GrowingSample(problem.task(), make_bfgs)
    assert size_after(solver, 0, tmp_path) == int(1.5 * 751)
