"""L-BFGS on the square root of the objective: quasi-Newton for many parameters.

References
----------
Nocedal 1980; Liu & Nocedal 1989; Nocedal & Wright 2006, algorithms 7.4 and 7.5.
"""

import math

from network import Array
from trainer.solvers.quasi_newton.descent import Descent
from trainer.solvers.quasi_newton.line_search import Point
from trainer.solvers.solver import State, Task

MEMORY = 50  # pairs


class LBFGS(Descent):
    """Descent along −H·∇f, where H follows from the last `MEMORY` steps."""

    _s: list[Array]
    _y: list[Array]

    def __init__(self, task: Task) -> None:
        super().__init__(task, first_step=1.0)
        self._reset()

    def state(self) -> State:
        """Return the point and the stored pairs."""
        return super().state() | {"s": self._s, "y": self._y}

    def restore(self, state: State) -> None:
        """Continue from a state that `state` returned."""
        super().restore(state)
        self._s, self._y = list(state["s"]), list(state["y"])

    def _direction(self) -> Array:
        """Return −H·∇f by the two-loop recursion, algorithm 7.4."""
        q = -self._point.gradient
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

    def _has_no_curvature(self) -> bool:
        return not self._s

    def _reset(self) -> None:
        self._s, self._y = [], []

    def _update(self, before: Point, direction: Array, step: float) -> None:
        s, y = step * direction, self._point.gradient - before.gradient
        if 0.0 < float(y @ s) < math.inf:
            self._s, self._y = [*self._s, s][-MEMORY:], [*self._y, y][-MEMORY:]
