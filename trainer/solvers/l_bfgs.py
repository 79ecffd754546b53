"""L-BFGS on the square root of the objective: quasi-Newton for many parameters.

References
----------
Nocedal 1980; Liu & Nocedal 1989; Nocedal & Wright 2006, algorithms 7.4 and 7.5.
"""

import math

import numpy as np

from network import Array
from trainer.objective import Objective
from trainer.solvers.line_search import Point, wolfe_step
from trainer.solvers.quasi_newton import FIRST_STEP_LENGTH, root
from trainer.solvers.solver import Iteration, State, Task

MEMORY = 50  # pairs


class LBFGS:
    """One line search along −H·∇f an iteration, H given by the last steps alone."""

    def __init__(self, task: Task) -> None:
        self._evaluate = root(task.objective)
        self._point = Point(task.theta.copy(), *self._evaluate(task.theta))
        self._s: list[Array] = []
        self._y: list[Array] = []

    @property
    def theta(self) -> Array:
        """θ (P,)."""
        return self._point.theta

    def iterate(self) -> Iteration:
        """One step; from the steepest descent where the memory leads nowhere."""
        here = self._point
        direction = self._direction(here.gradient)
        found = None
        if here.gradient @ direction < 0.0:
            first = 1.0 if self._s else FIRST_STEP_LENGTH / float(np.linalg.norm(direction))
            found = wolfe_step(self._evaluate, here, direction, first)
        if not found:
            if not self._s:
                return Iteration(here.value**2, 0.0, converged=True)
            self._s, self._y = [], []
            return self.iterate()
        step, there = found
        s, y = step * direction, there.gradient - here.gradient
        if 0.0 < float(y @ s) < math.inf:
            self._s, self._y = [*self._s, s][-MEMORY:], [*self._y, y][-MEMORY:]
        self._point = there
        return Iteration(there.value**2, step)

    def move_to(self, objective: Objective) -> None:
        """Go on with another objective, near enough for the memory to be of use."""
        self._evaluate = root(objective)
        self._point = Point(self.theta, *self._evaluate(self.theta))

    def state(self) -> State:
        """The point and the remembered pairs."""
        return {
            "theta": self._point.theta,
            "value": self._point.value,
            "gradient": self._point.gradient,
            "s": self._s,
            "y": self._y,
        }

    def restore(self, state: State) -> None:
        """Take over what `state` gave."""
        self._point = Point(state["theta"], state["value"], state["gradient"])
        self._s, self._y = list(state["s"]), list(state["y"])

    def _direction(self, gradient: Array) -> Array:
        """−H·∇f by the two-loop recursion, algorithm 7.4."""
        q = -gradient
        if not self._s:
            return q
        rho = [1.0 / float(y @ s) for s, y in zip(self._s, self._y, strict=True)]
        alpha = [0.0] * len(rho)
        for i in reversed(range(len(rho))):
            alpha[i] = rho[i] * float(self._s[i] @ q)
            q -= alpha[i] * self._y[i]
        q *= 1.0 / (rho[-1] * float(self._y[-1] @ self._y[-1]))  # eq. 7.20
        for i in range(len(rho)):
            q += (alpha[i] - rho[i] * float(self._y[i] @ q)) * self._s[i]
        return q
