"""Several random starts, one after the other, within the same limits.

A start that ends early leaves its remaining iterations to the next one. Small networks often get
stuck from a poor start, and finish long before the time limit.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from network import Array
from trainer.solvers.solver import Iteration, Solver, State


class MultiStart:
    """A sequence of solvers, each from another start.

    Parameters
    ----------
    make : one function per start, called when the start begins
    limit : iterations of each start except the last
    patience : iterations without a better validation loss after which a start ends
    validate : returns the loss of θ on the validation rows
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
        """Return θ (P,) of the current start."""
        return self._solver.theta

    @property
    def start(self) -> int:
        """Return the index of the current start, from 0."""
        return self._start

    @property
    def solver(self) -> Solver:
        """Return the solver of the current start."""
        return self._solver

    def iterate(self) -> Iteration:
        """Run one iteration of the current start, or of the next one if the current is done.

        The last start, and a start whose θ is regularised, continue until they end by themselves.
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
            self._done = True  # diverged
        self._iterations += 1
        self._waited = 0 if loss < self._best or iteration.tentative else self._waited + 1
        self._best = min(loss, self._best)
        self._done = (
            iteration.converged or self._iterations >= self._limit or self._waited >= self._patience
        )
        return replace(iteration, converged=False, tentative=True)

    def state(self) -> State:
        """Return the state of the current start."""
        return {
            "start": self._start,
            "best": self._best,
            "iterations": self._iterations,
            "waited": self._waited,
            "done": self._done,
            "solver": self._solver.state(),
        }

    def restore(self, state: State) -> None:
        """Continue from a state that `state` returned."""
        self._begin(state["start"])
        self._best, self._iterations = state["best"], state["iterations"]
        self._waited, self._done = state["waited"], state["done"]
        self._solver.restore(state["solver"])

    def _begin(self, start: int) -> None:
        self._start, self._solver = start, self._make[start]()
        self._best, self._iterations, self._waited, self._done = math.inf, 0, 0, False
