"""A fast solver first, and Bayesian regularisation instead once it stalls.

On data without noise, the loss of a quasi-Newton method keeps falling on the training rows and on
the validation rows. If it nearly stops falling well above zero, the rows are noisy or too few for
the network. A solver that weighs a penalty against the data then continues from the first solver's
start.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from network import Array
from trainer.solvers.solver import Iteration, Solver, State

WINDOW = 30  # iterations between two checks
MIN_TRAINING_GAIN = 0.2  # within a window, as a fraction
MIN_VALIDATION_GAIN = 0.05
MAX_IDLE = 4  # windows without that validation gain, whatever the training loss does
MIN_LOSS = 1e-5  # of the validation rows; noise below this needs no penalty


class SwitchingSolver:
    """A first solver until it stalls, then a second one.

    Parameters
    ----------
    first : the solver to begin with
    make_second : makes the solver to switch to; None to continue with the first
    limit : iterations of the second solver
    validate : returns the loss of θ on the validation rows

    Attributes
    ----------
    switched_after : iterations of the first solver; None until the switch
    """

    def __init__(
        self,
        first: Solver,
        make_second: Callable[[], Solver] | None,
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
        self._due = False  # whether the next iteration switches
        self.switched_after: int | None = None
        self._iterations = 0

    @property
    def theta(self) -> Array:
        """Return θ (P,) of the current solver."""
        return self._solver.theta

    def iterate(self) -> Iteration:
        """Run one iteration, after which the second solver may be due."""
        if self._due:
            self._switch()
        iteration = self._solver.iterate()
        self._iterations += 1
        if self.switched_after is not None:
            done = self._iterations - self.switched_after >= self._limit
            return replace(iteration, converged=iteration.converged or done)
        if iteration.tentative:
            return iteration
        self._best = min(self._best, self._validate(self.theta))
        if self._best > MIN_LOSS and (iteration.converged or self._stalls(iteration.loss)):
            if self._make_second is None:
                return replace(iteration, stalled=True)
            self._due = True  # tentative restarts the patience
            return replace(iteration, converged=False, tentative=True, stalled=True)
        return iteration

    def state(self) -> State:
        """Return the state of the current solver and of the checks."""
        return {
            "solver": self._solver.state(),
            "best": self._best,
            "checked": list(self._checked),
            "idle": self._idle,
            "due": self._due,
            "iterations": self._iterations,
            "switched_after": self.switched_after,
        }

    def restore(self, state: State) -> None:
        """Continue from a state that `state` returned."""
        if state["switched_after"] is not None:
            self._switch()
        self._best, self._checked = state["best"], tuple(state["checked"])
        self._idle, self._due = state["idle"], state["due"]
        self._iterations = state["iterations"]
        self.switched_after = state["switched_after"]
        self._solver.restore(state["solver"])

    def _switch(self) -> None:
        if self._make_second:
            self._solver = self._make_second()
        self.switched_after, self._due = self._iterations, False

    def _stalls(self, loss: float) -> bool:
        """Return whether the losses have nearly stopped falling, checked once per window."""
        if self._iterations % WINDOW:
            return False
        training, best = self._checked
        self._checked = loss, self._best
        gains = self._best <= (1.0 - MIN_VALIDATION_GAIN) * best
        self._idle = 0 if gains else self._idle + 1
        falls = loss <= (1.0 - MIN_TRAINING_GAIN) * training
        return self._idle >= MAX_IDLE or (self._idle > 0 and not falls)
