"""A fast solver first, and another one in its place where it stalls.

Without noise a quasi-Newton method's loss keeps falling, on the training and on the validation
rows. Where it has all but stopped well above zero, the rows are noisy or too few for the network,
and a solver that weighs a penalty against the data takes over from the first one's start.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from network import Array
from trainer.solvers.solver import Iteration, Solver, State

WINDOW = 30  # iterations from one check to the next
MIN_TRAINING_GAIN = 0.2  # within a window, as a fraction
MIN_VALIDATION_GAIN = 0.05
MAX_IDLE = 4  # windows without that validation gain, however the training loss falls
MIN_LOSS = 1e-5  # of the validation rows; what is below is no noise worth a penalty


class HandOver:
    """A solver made of two.

    Parameters
    ----------
    first : at work until it stalls
    make_second : what takes over
    limit : iterations of what takes over
    validate : the loss of θ on the validation rows
    """

    def __init__(
        self,
        first: Solver,
        make_second: Callable[[], Solver],
        limit: int,
        validate: Callable[[Array], float],
    ) -> None:
        self._solver = first
        self._make_second = make_second
        self._limit = limit
        self._validate = validate
        self._checked = (math.inf, math.inf)  # training loss and best validation loss
        self._idle = 0
        self._best = math.inf
        self._due = False  # it takes over before the next iteration
        self.handed_over_after: int | None = None
        self._iterations = 0

    @property
    def theta(self) -> Array:
        """θ (P,) of the solver at work."""
        return self._solver.theta

    def iterate(self) -> Iteration:
        """One iteration, after which the other solver may take over."""
        if self._due:
            self._hand_over()
        iteration = self._solver.iterate()
        self._iterations += 1
        if self.handed_over_after is not None:
            done = self._iterations - self.handed_over_after >= self._limit
            return replace(iteration, converged=iteration.converged or done)
        if iteration.tentative:
            return iteration
        self._best = min(self._best, self._validate(self.theta))
        if self._best > MIN_LOSS and (iteration.converged or self._stalls(iteration.loss)):
            self._due = True
            return replace(iteration, converged=False, tentative=True)  # patience begins anew
        return iteration

    def state(self) -> State:
        """The state of the solver at work, and what led to it."""
        return {
            "solver": self._solver.state(),
            "best": self._best,
            "checked": list(self._checked),
            "idle": self._idle,
            "due": self._due,
            "iterations": self._iterations,
            "handed_over_after": self.handed_over_after,
        }

    def restore(self, state: State) -> None:
        """Take over what `state` gave."""
        if state["handed_over_after"] is not None:
            self._hand_over()
        self._best, self._checked = state["best"], tuple(state["checked"])
        self._idle, self._due = state["idle"], state["due"]
        self._iterations = state["iterations"]
        self.handed_over_after = state["handed_over_after"]
        self._solver.restore(state["solver"])

    def _hand_over(self) -> None:
        self._solver = self._make_second()
        self.handed_over_after, self._due = self._iterations, False

    def _stalls(self, loss: float) -> bool:
        """Whether the losses have all but stopped falling, looking once every window."""
        if self._iterations % WINDOW:
            return False
        training, best = self._checked
        self._checked = loss, self._best
        gains = self._best <= (1.0 - MIN_VALIDATION_GAIN) * best
        self._idle = 0 if gains else self._idle + 1
        falls = loss <= (1.0 - MIN_TRAINING_GAIN) * training
        return self._idle >= MAX_IDLE or (self._idle > 0 and not falls)
