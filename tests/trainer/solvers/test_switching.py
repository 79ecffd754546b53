"""The switch to a second solver: only if the first overfits or stalls above zero."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from network import Rows
from tests.trainer.solvers.problems import CURVE, Problem, iterate, loss_on, noisy_curve
from trainer.solvers import Solver
from trainer.solvers.switching import SwitchingSolver

NOISY = noisy_curve(rows=24, seed=3)
NOISY_VALIDATION = noisy_curve(rows=30, seed=4).rows
CLEAN = noisy_curve(rows=60, seed=5, noise=0.0)
CLEAN_VALIDATION = noisy_curve(rows=30, seed=6, noise=0.0).rows


def noisy(first: str = "self-scaled-broyden") -> SwitchingSolver:
    return SwitchingSolver(
        NOISY.solver(first),
        partial(NOISY.solver, "bayesian-regularization"),
        10**9,
        loss_on(NOISY_VALIDATION, NOISY.architecture),
    )


def iterate_to_the_switch(solver: SwitchingSolver) -> int:
    """Return the number of iterations before the switch."""
    for _ in range(1000):
        iterate(solver, 1)
        if solver.switched_after is not None:
            return solver.switched_after
    pytest.fail("the solver did not switch")


def unexpected_switch() -> Solver:
    raise AssertionError("the solver switched")


@pytest.mark.parametrize("first", ["self-scaled-broyden", "levenberg-marquardt"])
def test_it_switches_if_the_first_solver_overfits(first: str) -> None:
    solver = noisy(first)
    iterate(solver, 600)
    assert solver.switched_after is not None
    validate = loss_on(NOISY_VALIDATION, NOISY.architecture)
    alone = NOISY.solver(first)
    iterate(alone, 600)
    assert validate(solver.theta) < validate(alone.theta)


def test_the_second_solver_begins_from_its_own_start() -> None:
    solver, second = noisy(), NOISY.solver("bayesian-regularization")
    iterate_to_the_switch(solver)  # includes its first step
    iterate(second, 1)
    np.testing.assert_array_equal(solver.theta, second.theta)
    for _ in range(10):
        assert iterate(solver, 1) == iterate(second, 1)
        np.testing.assert_array_equal(solver.theta, second.theta)


def test_before_the_switch_it_behaves_as_the_first_solver() -> None:
    solver, first = noisy(), NOISY.solver("self-scaled-broyden")
    for _ in range(iterate_to_the_switch(noisy()) - 1):
        assert iterate(solver, 1) == iterate(first, 1)
        np.testing.assert_array_equal(solver.theta, first.theta)
    [last] = iterate(first, 1)
    assert iterate(solver, 1) == [
        replace(last, tentative=True, stalled=True)
    ]  # restarts the patience
    np.testing.assert_array_equal(solver.theta, first.theta)
    iterate(first, 1)
    iterate(solver, 1)
    assert (solver.theta != first.theta).any()


@pytest.mark.parametrize(
    ("problem", "validation"),
    [(CLEAN, CLEAN_VALIDATION), (CURVE, CURVE.rows)],
    ids=["one target", "two targets"],
)
def test_it_does_not_switch_on_data_without_noise(problem: Problem, validation: Rows) -> None:
    solver = SwitchingSolver(
        problem.solver("self-scaled-broyden"),
        unexpected_switch,
        10**9,
        loss_on(validation, problem.architecture),
    )
    iterate(solver, 150)
    assert solver.switched_after is None


def test_the_second_solver_has_its_own_limit() -> None:
    solver = SwitchingSolver(
        NOISY.solver("self-scaled-broyden"),
        partial(NOISY.solver, "bayesian-regularization"),
        3,
        loss_on(NOISY_VALIDATION, NOISY.architecture),
    )
    iterate(solver, iterate_to_the_switch(noisy()))
    assert [each.converged for each in iterate(solver, 3)] == [False, False, True]
