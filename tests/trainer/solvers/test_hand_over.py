"""The second solver takes over where the first overfits or stalls above zero, and nowhere else."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from network import Rows
from tests.trainer.solvers.problems import CURVE, Problem, iterate, loss_on, noisy_curve
from trainer.solvers import Solver
from trainer.solvers.hand_over import HandOver

NOISY = noisy_curve(rows=24, seed=3)
NOISY_VALIDATION = noisy_curve(rows=30, seed=4).rows
CLEAN = noisy_curve(rows=60, seed=5, noise=0.0)
CLEAN_VALIDATION = noisy_curve(rows=30, seed=6, noise=0.0).rows


def noisy(first: str = "self-scaled-broyden") -> HandOver:
    return HandOver(
        NOISY.solver(first),
        partial(NOISY.solver, "bayesian-regularization"),
        10**9,
        loss_on(NOISY_VALIDATION, NOISY.architecture),
    )


def until_it_hands_over(solver: HandOver) -> int:
    """After how many iterations that is."""
    for _ in range(1000):
        iterate(solver, 1)
        if solver.handed_over_after is not None:
            return solver.handed_over_after
    pytest.fail("it hands nothing over")


def second_is_not_needed() -> Solver:
    raise AssertionError("handed over")


@pytest.mark.parametrize("first", ["self-scaled-broyden", "levenberg-marquardt"])
def test_it_hands_over_where_the_first_solver_overfits(first: str) -> None:
    solver = noisy(first)
    iterate(solver, 600)
    assert solver.handed_over_after is not None
    validate = loss_on(NOISY_VALIDATION, NOISY.architecture)
    alone = NOISY.solver(first)
    iterate(alone, 600)
    assert validate(solver.theta) < validate(alone.theta)


def test_the_second_solver_goes_its_own_way_from_its_own_start() -> None:
    solver, second = noisy(), NOISY.solver("bayesian-regularization")
    until_it_hands_over(solver)  # and takes a first step
    iterate(second, 1)
    np.testing.assert_array_equal(solver.theta, second.theta)
    for _ in range(10):
        assert iterate(solver, 1) == iterate(second, 1)
        np.testing.assert_array_equal(solver.theta, second.theta)


def test_up_to_the_hand_over_it_is_the_first_solver() -> None:
    solver, first = noisy(), NOISY.solver("self-scaled-broyden")
    for _ in range(until_it_hands_over(noisy()) - 1):
        assert iterate(solver, 1) == iterate(first, 1)
        np.testing.assert_array_equal(solver.theta, first.theta)
    [last] = iterate(first, 1)
    assert iterate(solver, 1) == [replace(last, tentative=True)]  # patience begins anew
    np.testing.assert_array_equal(solver.theta, first.theta)
    iterate(first, 1)
    iterate(solver, 1)
    assert (solver.theta != first.theta).any()


@pytest.mark.parametrize(
    ("problem", "validation"),
    [(CLEAN, CLEAN_VALIDATION), (CURVE, CURVE.rows)],
    ids=["one target", "two targets"],
)
def test_it_does_not_hand_over_where_there_is_nothing_to_regularise(
    problem: Problem, validation: Rows
) -> None:
    solver = HandOver(
        problem.solver("self-scaled-broyden"),
        second_is_not_needed,
        10**9,
        loss_on(validation, problem.architecture),
    )
    iterate(solver, 150)
    assert solver.handed_over_after is None


def test_the_second_solver_has_a_limit_of_its_own() -> None:
    solver = HandOver(
        NOISY.solver("self-scaled-broyden"),
        partial(NOISY.solver, "bayesian-regularization"),
        3,
        loss_on(NOISY_VALIDATION, NOISY.architecture),
    )
    iterate(solver, until_it_hands_over(noisy()))
    assert [each.converged for each in iterate(solver, 3)] == [False, False, True]
