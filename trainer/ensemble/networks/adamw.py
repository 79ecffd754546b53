"""AdamW: Adam with weight decay that does not pass through the running estimates.

References
----------
Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization", algorithm 1.
Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2.
"""

import math
from typing import Any

import numpy as np

from network.ensemble.weights import Floats

BETA1, BETA2, EPSILON = 0.9, 0.95, 1e-8
CHUNK = 16_384  # parameters per pass, so that all arrays of a pass stay in the cache


class AdamW:
    """θ ← θ − α·m̂/(√v̂ + ε) − α·λ·θ.

    Parameters
    ----------
    theta : its length and type
    fast : the number of leading parameters with a larger learning rate
    factor : how much larger
    decayed : the index of the first of the trailing parameters, which decay
    """

    def __init__(self, theta: Floats, fast: int, factor: float, decayed: int) -> None:
        self._m = np.zeros_like(theta)
        self._v = np.zeros_like(theta)
        self._scratch = np.empty(min(CHUNK, len(theta)), theta.dtype)
        self._parts = (
            (0, fast, factor, 0.0),
            (fast, decayed, 1.0, 0.0),
            (decayed, len(theta), 1.0, 1.0),
        )
        self._t = 0

    def step(self, theta: Floats, gradient: Floats, rate: float, decay: float) -> None:
        """Update θ in place."""
        self._t += 1
        # m and v are sums without the factors 1 − β₁ and 1 − β₂: with s² = (1 − β₂ᵗ)/(1 − β₂),
        # m̂/(√v̂ + ε) = (1 − β₁)/(1 − β₁ᵗ)·s·m/(√v + s·ε)
        s = math.sqrt((1.0 - BETA2**self._t) / (1.0 - BETA2))
        size = rate * s * (1.0 - BETA1) / (1.0 - BETA1**self._t)
        for begin, end, factor, decays in self._parts:
            for start in range(begin, end, CHUNK):
                part = slice(start, min(start + CHUNK, end))
                if decays:
                    theta[part] *= 1.0 - rate * decay
                self._update(theta[part], gradient[part], part, factor * size, s * EPSILON)

    def state(self) -> dict[str, Any]:
        """Return the sums and the number of steps."""
        return {"m": self._m, "v": self._v, "t": self._t}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state` returned."""
        self._m[:], self._v[:], self._t = state["m"], state["v"], state["t"]

    def _update(self, theta: Floats, g: Floats, part: slice, size: float, epsilon: float) -> None:
        m, v, scratch = self._m[part], self._v[part], self._scratch[: len(g)]
        m *= BETA1
        m += g
        v *= BETA2
        np.multiply(g, g, scratch)
        v += scratch
        np.sqrt(v, scratch)
        scratch += epsilon
        np.divide(m, scratch, scratch)
        scratch *= size
        theta -= scratch
