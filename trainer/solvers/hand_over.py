"""A fast solver first, and another one in its place where it overfits.

As long as the validation loss falls there is nothing to regularise. Where it has stopped falling
well above the training loss, the rows are too noisy or too few for the network, and a solver that
weighs the penalty against the data takes over from the first one's start.
"""

import math
from collections.abc import Callable

from network import Array
from trainer.solvers.solver import Iteration, Solver, State

WAIT = 50  # iterations without a better validation loss
MIN_GAP = 1.2  # of the validation loss to the training loss


class HandOver:
    """A solver made of two.

    Parameters
    ----------
    first : at work until it overfits
    make_second : what takes over
    validate : the loss of θ on the validation rows
    """

    def __init__(
        self, first: Solver, make_second: Callable[[], Solver], validate: Callable[[Array], float]
    ) -> None:
        self._solver = first
        self._make_second = make_second
        self._validate = validate
        self._best = math.inf
        self._waited = 0
        self.handed_over_after: int | None = None
        self._iterations = 0

    @property
    def theta(self) -> Array:
        """θ (P,) of the solver at work."""
        return self._solver.theta

    def iterate(self) -> Iteration:
        """One iteration, after which the other solver may take over."""
        iteration = self._solver.iterate()
        self._iterations += 1
        if self.handed_over_after is not None or iteration.tentative:
            return iteration
        loss = self._validate(self.theta)
        self._waited = 0 if loss < self._best else self._waited + 1
        self._best = min(loss, self._best)
        if self._waited >= WAIT and loss > MIN_GAP * iteration.loss:
            self._hand_over()
        return iteration

    def state(self) -> State:
        """The state of the solver at work, and what led to it."""
        return {
            "solver": self._solver.state(),
            "best": self._best,
            "waited": self._waited,
            "iterations": self._iterations,
            "handed_over_after": self.handed_over_after,
        }

    def restore(self, state: State) -> None:
        """Take over what `state` gave."""
        if state["handed_over_after"] is not None:
            self._hand_over()
        self._best, self._waited = state["best"], state["waited"]
        self._iterations = state["iterations"]
        self.handed_over_after = state["handed_over_after"]
        self._solver.restore(state["solver"])

    def _hand_over(self) -> None:
        self._solver = self._make_second()
        self.handed_over_after = self._iterations
