"""A quasi-Newton method that starts on a few of the rows and takes more when they tell it no more.

A sample of the rows has nearly the whole's curvature at a fraction of the cost. As soon as θ fits
the sample much better than the rows held back, or those no better than before, the sample grows;
what was learnt of the curvature is kept. Rows have to be in random order.

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
HELD_BACK = 4  # as many rows of the sample make one of those held back for the comparison
CHECK_INTERVAL = 10  # iterations
MAX_GAP = 3.0  # of the held-back rows' loss to the sample's
MIN_GAIN = 0.01  # of the held-back rows' loss from one check to the next


class Movable(Solver, Protocol):
    """A solver that can go on with another objective."""

    def move_to(self, objective: Objective) -> None:
        """Keep θ and what was learnt of the curvature."""


class GrowingSample:
    """A solver on ever more rows."""

    def __init__(self, task: Task, make: Callable[[Task], Movable]) -> None:
        self._whole = task.objective
        least = max(FIRST_ROWS, int(ROWS_PER_PARAMETER * len(task.theta)))
        self._size = min(len(self._whole.rows), least)
        self._iterations = 0
        self._held_loss = math.inf
        self._take_rows()
        self._solver = make(replace(task, objective=self._sample))

    @property
    def theta(self) -> Array:
        """θ (P,)."""
        return self._solver.theta

    def iterate(self) -> Iteration:
        """One iteration on the sample, after which it may grow."""
        iteration = self._solver.iterate()
        self._iterations += 1
        if self._held_back is None:
            return iteration
        if iteration.converged or self._told_all(iteration.loss):
            self._size = min(len(self._whole.rows), GROWTH * self._size)
            self._held_loss = math.inf
            self._take_rows()
            self._solver.move_to(self._sample)
        return Iteration(iteration.loss, iteration.step, tentative=True)

    def state(self) -> State:
        """The solver's state and the sample's."""
        return {
            "size": self._size,
            "iterations": self._iterations,
            "held_loss": self._held_loss,
            "solver": self._solver.state(),
        }

    def restore(self, state: State) -> None:
        """Take over what `state` gave."""
        self._size, self._iterations = state["size"], state["iterations"]
        self._held_loss = state["held_loss"]
        self._take_rows()
        self._solver.move_to(self._sample)
        self._solver.restore(state["solver"])

    def _take_rows(self) -> None:
        rows, size = self._whole.rows, self._size
        self._sample = self._whole.part(slice(size))
        self._held_back: Objective | None = None
        if size < len(rows):
            self._held_back = self._whole.part(slice(size, size + max(1, size // HELD_BACK)))

    def _told_all(self, loss: float) -> bool:
        """Whether the sample has nothing more to tell about the rows held back."""
        if self._held_back is None or self._iterations % CHECK_INTERVAL:
            return False
        before, self._held_loss = self._held_loss, self._held_back.value(self.theta)
        return not self._held_loss <= min(MAX_GAP * loss, (1.0 - MIN_GAIN) * before)  # or NaN
