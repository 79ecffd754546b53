"""A quasi-Newton method on a sample of the rows that grows during training.

A sample of the rows has nearly the same curvature as all of them, at a fraction of the cost. The
sample grows as soon as θ fits it much better than some held-back rows, or fits those no better than
before. The curvature learned so far is kept. The rows must be in random order.

References
----------
Byrd, Chin, Nocedal & Wu 2012, "Sample size selection in optimization methods for machine learning".
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from network import Array
from trainer.solvers.objective import Objective
from trainer.solvers.solver import Iteration, Solver, State, Task

FIRST_ROWS = 1000
ROWS_PER_PARAMETER = 1.5  # in the first sample, at least
GROWTH = 2
HELD_BACK = 4  # rows of the sample per held-back row, which are for comparison
CHECK_INTERVAL = 10  # iterations
MAX_GAP = 3.0  # ratio of the held-back rows' loss to the sample's
MIN_GAIN = 0.01  # relative, of the held-back rows' loss between two checks


class WarmStartSolver(Solver, Protocol):
    """A solver that can continue with another objective."""

    def continue_with(self, objective: Objective) -> None:
        """Replace the objective; keep θ and the curvature learned so far."""


class GrowingSample:
    """A solver on more and more rows.

    Parameters
    ----------
    make : makes the solver of a task
    """

    def __init__(self, task: Task, make: Callable[[Task], WarmStartSolver]) -> None:
        self._whole = task.objective
        least = max(FIRST_ROWS, int(ROWS_PER_PARAMETER * len(task.theta)))
        self._size = min(len(self._whole.rows), least)
        self._iterations = 0
        self._held_loss = math.inf
        self._take_rows()
        self._solver = make(replace(task, objective=self._sample))

    @property
    def theta(self) -> Array:
        """Return θ (P,)."""
        return self._solver.theta

    def iterate(self) -> Iteration:
        """Run one iteration on the sample, after which the sample may grow."""
        iteration = self._solver.iterate()
        self._iterations += 1
        if self._held_back is None:
            return iteration
        if iteration.converged or self._is_exhausted(iteration.loss):
            self._size = min(len(self._whole.rows), GROWTH * self._size)
            self._held_loss = math.inf
            self._take_rows()
            self._solver.continue_with(self._sample)
        return Iteration(iteration.loss, iteration.step, tentative=True)

    def state(self) -> State:
        """Return the state of the solver and of the sample."""
        return {
            "size": self._size,
            "iterations": self._iterations,
            "held_loss": self._held_loss,
            "solver": self._solver.state(),
        }

    def restore(self, state: State) -> None:
        """Continue from a state that `state` returned."""
        self._size, self._iterations = state["size"], state["iterations"]
        self._held_loss = state["held_loss"]
        self._take_rows()
        self._solver.continue_with(self._sample)
        self._solver.restore(state["solver"])

    def _take_rows(self) -> None:
        rows, size = self._whole.rows, self._size
        self._sample = self._whole.part(slice(size))
        self._held_back: Objective | None = None
        if size < len(rows):
            self._held_back = self._whole.part(slice(size, size + max(1, size // HELD_BACK)))

    def _is_exhausted(self, loss: float) -> bool:
        """Return whether further iterations on the sample would not help the held-back rows."""
        if self._held_back is None or self._iterations % CHECK_INTERVAL:
            return False
        before, self._held_loss = self._held_loss, self._held_back.value(self.theta)
        return not self._held_loss <= min(MAX_GAP * loss, (1.0 - MIN_GAIN) * before)  # or NaN
