"""Adam: steps scaled by running estimates of the gradient's mean and square.

References
----------
Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization", algorithm 1.
"""

import numpy as np

from network import Array
from trainer.solvers.solver import State


class Adam:
    """θ ← θ − α·m̂/(√v̂ + ε).

    Parameters
    ----------
    parameters : P, the length of θ
    beta1, beta2, epsilon : β₁, β₂ and ε of the paper
    """

    def __init__(
        self, parameters: int, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
    ) -> None:
        self._beta1, self._beta2, self._epsilon = beta1, beta2, epsilon
        self._m = np.zeros(parameters)
        self._v = np.zeros(parameters)
        self._scratch = np.empty(parameters)
        self._t = 0

    def step(self, theta: Array, gradient: Array, learning_rate: float) -> None:
        """Update θ in place."""
        self._t += 1
        m, v, scratch = self._m, self._v, self._scratch
        # m ← β₁·m + (1 − β₁)·g
        m *= self._beta1
        np.multiply(gradient, 1.0 - self._beta1, scratch)
        m += scratch
        # v ← β₂·v + (1 − β₂)·g²
        v *= self._beta2
        np.multiply(gradient, gradient, scratch)
        scratch *= 1.0 - self._beta2
        v += scratch
        # √v̂ + ε, with the bias correction v̂ = v/(1 − β₂ᵗ)
        np.sqrt(v, scratch)
        scratch *= (1.0 - self._beta2**self._t) ** -0.5
        scratch += self._epsilon
        # m̂ = m/(1 − β₁ᵗ)
        np.divide(m, scratch, scratch)
        scratch *= learning_rate / (1.0 - self._beta1**self._t)
        theta -= scratch

    def state(self) -> State:
        """Return m, v and the number of steps."""
        return {"m": self._m, "v": self._v, "t": self._t}

    def restore(self, state: State) -> None:
        """Continue from a state that `state` returned."""
        self._m, self._v, self._t = state["m"], state["v"], state["t"]
