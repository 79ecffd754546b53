"""Several starts, of which the one that validates best is carried on.

A few iterations from each start, one after the other, show which basin is deep; the others are
dropped. Small networks have few ways around a poor start.
"""

from collections.abc import Callable, Sequence

import numpy as np

from network import Array
from trainer.solvers.solver import Iteration, Solver, State


class MultiStart:
    """A solver made of solvers.

    Parameters
    ----------
    solvers : one for each start, all of one kind
    trial : iterations from each start before one is chosen
    validate : the loss of θ on the validation rows
    """

    def __init__(
        self, solvers: Sequence[Solver], trial: int, validate: Callable[[Array], float]
    ) -> None:
        self._solvers = list(solvers)
        self._trial = trial
        self._validate = validate
        self._done = 0  # iterations of the trials
        self._chosen: int | None = None

    @property
    def theta(self) -> Array:
        """θ (P,) of the start at work."""
        return self._solvers[self._active].theta

    @property
    def chosen(self) -> int | None:
        """Which start is carried on, once that is known."""
        return self._chosen

    def iterate(self) -> Iteration:
        """One iteration of the start whose turn it is."""
        if self._chosen is None and self._done == self._trial * len(self._solvers):
            losses = [self._validate(solver.theta) for solver in self._solvers]
            self._chosen = int(np.argmin(np.nan_to_num(losses, nan=np.inf)))  # NaN: it diverged
        iteration = self._solvers[self._active].iterate()
        if self._chosen is not None:
            return iteration
        self._done += 1
        if iteration.converged:  # on to the next start
            self._done += -self._done % self._trial
        return Iteration(iteration.loss, iteration.step, tentative=True)

    def state(self) -> State:
        """The states of all starts that are still in question."""
        return {
            "done": self._done,
            "chosen": self._chosen,
            "solvers": [
                solver.state() if self._chosen in (None, index) else None
                for index, solver in enumerate(self._solvers)
            ],
        }

    def restore(self, state: State) -> None:
        """Take over what `state` gave."""
        self._done, self._chosen = state["done"], state["chosen"]
        for solver, solver_state in zip(self._solvers, state["solvers"], strict=True):
            if solver_state is not None:
                solver.restore(solver_state)

    @property
    def _active(self) -> int:
        if self._chosen is not None:
            return self._chosen
        return min(self._done // self._trial, len(self._solvers) - 1)
