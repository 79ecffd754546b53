"""Gradient descent: plain, with momentum, or with Nesterov momentum.

References
----------
Polyak 1964: momentum.
Sutskever, Martens, Dahl & Hinton 2013, eqs. 1-4, with the parameters shifted to the point where
the gradient is taken, as in Bengio, Boulanger-Lewandowski & Pascanu 2013, eq. 7: Nesterov.
"""

import numpy as np

from network import Array
from trainer.solvers.solver import State


class GradientDescent:
    """v ← μ·v − η·g, then θ ← θ + v, or with Nesterov θ ← θ + μ·v − η·g.

    Parameters
    ----------
    parameters : P, the length of θ
    momentum : μ in [0, 1)
    """

    def __init__(self, parameters: int, momentum: float = 0.0, nesterov: bool = False) -> None:
        self._momentum = momentum
        self._nesterov = nesterov
        self._v = np.zeros(parameters)
        self._step = np.empty(parameters)

    def step(self, theta: Array, gradient: Array, learning_rate: float) -> None:
        """Update θ in place."""
        np.multiply(gradient, -learning_rate, self._step)
        self._v *= self._momentum
        self._v += self._step
        if self._nesterov:
            theta += self._step
            np.multiply(self._v, self._momentum, self._step)
            theta += self._step
        else:
            theta += self._v

    def state(self) -> State:
        """Return the velocity v."""
        return {"v": self._v}

    def restore(self, state: State) -> None:
        """Continue from a state that `state` returned."""
        self._v = state["v"]
