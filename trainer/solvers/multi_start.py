"""Several random starts, one after the other, within the same limits; the best θ of all is kept.

A start that has come to its end leaves the rest of the iterations to the next. Small networks have
few ways around a poor start, and are done long before their time is out.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from network import Array
from trainer.solvers.solver import Iteration, Solver, State


class MultiStart:
    """A solver made of solvers.

    Parameters
    ----------
    make : one function for each start, called when its turn comes
    limit : iterations of each start but the last
    patience : iterations without a better validation loss that end a start
    validate : the loss of θ on the validation rows
    """

    _start: int
    _solver: Solver
    _best: float
    _iterations: int
    _waited: int
    _done: bool

    def __init__(
        self,
        make: Sequence[Callable[[], Solver]],
        limit: int,
        patience: int,
        validate: Callable[[Array], float],
    ) -> None:
        self._make = make
        self._limit = limit
        self._patience = patience
        self._validate = validate
        self._begin(0)

    @property
    def theta(self) -> Array:
        """θ (P,) of the start at work."""
        return self._solver.theta

    @property
    def start(self) -> int:
        """Which start is at work, from 0."""
        return self._start

    @property
    def solver(self) -> Solver:
        """The solver of the start at work."""
        return self._solver

    def iterate(self) -> Iteration:
        """One iteration of the start at work, or of the next where that one is done.

        The last start is, as is one whose θ is regularised, carried on to its own end.
        """
        while True:
            if self._done:
                self._begin(self._start + 1)
            iteration = self._solver.iterate()
            if self._start == len(self._make) - 1 or iteration.regularised:
                return iteration
            loss = self._validate(self.theta)
            if math.isfinite(loss) and math.isfinite(iteration.loss):
                break
            self._done = True  # it diverged
        self._iterations += 1
        self._waited = 0 if loss < self._best or iteration.tentative else self._waited + 1
        self._best = min(loss, self._best)
        self._done = (
            iteration.converged or self._iterations >= self._limit or self._waited >= self._patience
        )
        return replace(iteration, converged=False, tentative=True)

    def state(self) -> State:
        """The state of the start at work."""
        return {
            "start": self._start,
            "best": self._best,
            "iterations": self._iterations,
            "waited": self._waited,
            "done": self._done,
            "solver": self._solver.state(),
        }

    def restore(self, state: State) -> None:
        """Take over what `state` gave."""
        self._begin(state["start"])
        self._best, self._iterations = state["best"], state["iterations"]
        self._waited, self._done = state["waited"], state["done"]
        self._solver.restore(state["solver"])

    def _begin(self, start: int) -> None:
        self._start, self._solver = start, self._make[start]()
        self._best, self._iterations, self._waited, self._done = math.inf, 0, 0, False
