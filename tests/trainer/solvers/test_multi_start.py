"""Several starts: each has its turn until it converges, waits in vain or diverges."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from network import Array
from tests.trainer.solvers.problems import CURVE, LINE, iterate, loss_on
from trainer.solvers import SOLVERS, Solver, Task
from trainer.solvers.multi_start import MultiStart

PATIENCE = 5
UNLIMITED = 10**9


def never_better(theta: Array) -> float:
    return 1.0 if np.isfinite(theta).all() else np.nan


def starts(name: str = "adam") -> list[Callable[[], Solver]]:
    return [partial(CURVE.solver, name, seed=seed) for seed in range(3)]


def test_each_start_goes_its_own_way_until_it_has_waited_in_vain() -> None:
    together = MultiStart(starts(), UNLIMITED, PATIENCE, never_better)
    for make in starts():
        alone = make()
        for _ in range(1 + PATIENCE):  # the first loss is the best so far
            iterate(together, 1)
            iterate(alone, 1)
            np.testing.assert_array_equal(together.theta, alone.theta)
    assert together.start == 2


def test_a_start_ends_at_its_limit() -> None:
    together = MultiStart(starts(), 4, 10_000, loss_on(CURVE.rows, CURVE.architecture))
    at = []
    for _ in range(12):
        iterate(together, 1)
        at.append(together.start)
    assert at == [0] * 4 + [1] * 4 + [2] * 4


def test_a_start_that_validates_better_and_better_keeps_its_turn() -> None:
    together = MultiStart(starts(), UNLIMITED, 1, loss_on(CURVE.rows, CURVE.architecture))
    iterate(together, 40)
    assert together.start == 0


def test_a_start_that_has_converged_leaves_its_turn_to_the_next() -> None:
    make = [partial(LINE.solver, "levenberg-marquardt", seed=seed) for seed in range(3)]
    together = MultiStart(make, UNLIMITED, 10_000, loss_on(LINE.rows, LINE.architecture))
    at, told = [], []
    for _ in range(200):
        told += iterate(together, 1)
        at.append(together.start)
        if told[-1].converged:
            break
    assert sorted(set(at)) == [0, 1, 2]
    assert [each.tentative for each in told] == [start < 2 for start in at]
    assert [each.converged for each in told].count(True) == 1


@pytest.mark.parametrize("diverged", [0, 1])
def test_a_start_that_diverged_leaves_its_turn_to_the_next(diverged: int) -> None:
    broken = vars(CURVE.task()) | {"theta": np.full(CURVE.architecture.parameters, np.nan)}
    make = starts()
    make[diverged] = partial(SOLVERS["adam"].make, Task(**broken))
    together = MultiStart(make, UNLIMITED, PATIENCE, never_better)
    iterate(together, diverged * (1 + PATIENCE) + 1)
    assert together.start == diverged + 1  # without an iteration for it
    assert np.isfinite(together.theta).all()
