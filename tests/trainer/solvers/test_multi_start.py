"""Several starts: each runs until it converges, diverges, or exceeds its patience or limit."""

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


def constant_loss(theta: Array) -> float:
    return 1.0 if np.isfinite(theta).all() else np.nan


def starts(name: str = "adam") -> list[Callable[[], Solver]]:
    return [partial(CURVE.solver, name, seed=seed) for seed in range(3)]


def test_each_start_runs_until_its_patience_is_exceeded() -> None:
    together = MultiStart(starts(), UNLIMITED, PATIENCE, constant_loss)
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


def test_a_start_with_a_falling_validation_loss_continues() -> None:
    together = MultiStart(starts(), UNLIMITED, 1, loss_on(CURVE.rows, CURVE.architecture))
    iterate(together, 40)
    assert together.start == 0


def test_the_next_start_follows_one_that_converged() -> None:
    make = [partial(LINE.solver, "levenberg-marquardt", seed=seed) for seed in range(3)]
    together = MultiStart(make, UNLIMITED, 10_000, loss_on(LINE.rows, LINE.architecture))
    at, iterations = [], []
    for _ in range(200):
        iterations += iterate(together, 1)
        at.append(together.start)
        if iterations[-1].converged:
            break
    assert sorted(set(at)) == [0, 1, 2]
    assert [each.tentative for each in iterations] == [start < 2 for start in at]
    assert [each.converged for each in iterations].count(True) == 1


@pytest.mark.parametrize("diverged", [0, 1])
def test_the_next_start_follows_one_that_diverged(diverged: int) -> None:
    broken = vars(CURVE.task()) | {"theta": np.full(CURVE.architecture.parameters, np.nan)}
    make = starts()
    make[diverged] = partial(SOLVERS["adam"].make, Task(**broken))
    together = MultiStart(make, UNLIMITED, PATIENCE, constant_loss)
    iterate(together, diverged * (1 + PATIENCE) + 1)
    assert together.start == diverged + 1  # without an iteration for it
    assert np.isfinite(together.theta).all()
