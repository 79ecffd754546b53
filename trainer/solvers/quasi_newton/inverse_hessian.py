"""A dense approximation H of an inverse Hessian that applies its updates in bundles.

A symmetric update of rank two costs two passes over P² numbers. Stored separately, as
H = c·(H₀ + Vᵀ·K·V) with two rows of V per update, it costs 2·P numbers. After `BUNDLE` updates one
matrix product adds them all to H₀.
"""

import numpy as np

from network import Array
from trainer.solvers.solver import State

BUNDLE = 16  # updates


class InverseHessian:
    """H, symmetric (P, P); the identity at first."""

    def __init__(self, parameters: int) -> None:
        self._H = np.eye(parameters)
        self._V = np.empty((2 * BUNDLE, parameters))
        self._K = np.zeros((2 * BUNDLE, 2 * BUNDLE))
        self._kept = 0
        self._scale = 1.0
        self._product = np.empty_like(self._H)

    def __matmul__(self, x: Array) -> Array:
        """Return H·x for x (P,)."""
        result: Array = self._H @ x
        if self._kept:
            V = self._V[: self._kept]
            result += (self._K[: self._kept, : self._kept] @ (V @ x)) @ V
        result *= self._scale
        return result

    def reset(self, scale: float) -> None:
        """Set H to a multiple of the identity."""
        self._H[:] = 0.0
        np.fill_diagonal(self._H, 1.0)
        self._K[:] = 0.0
        self._kept, self._scale = 0, scale

    def update(self, pair: Array, C: Array, tau: float) -> None:
        """Set H to (H + pairᵀ·C·pair)/τ, for a pair of rows (2, P) and C (2, 2) symmetric."""
        if self._kept == 2 * BUNDLE:
            self._absorb()
        place = slice(self._kept, self._kept + 2)
        self._V[place] = pair
        self._K[place, place] = C / self._scale
        self._kept += 2
        self._scale /= tau

    def state(self) -> State:
        """Return H and the updates not yet applied to it."""
        return {
            "H": self._H,
            "V": self._V[: self._kept],
            "K": self._K,
            "kept": self._kept,
            "scale": self._scale,
        }

    def restore(self, state: State) -> None:
        """Continue from a state that `state` returned."""
        self._H, self._K = state["H"], state["K"]
        self._kept, self._scale = state["kept"], state["scale"]
        self._V[: self._kept] = state["V"]

    def _absorb(self) -> None:
        V = self._V[: self._kept]
        np.matmul((self._K[: self._kept, : self._kept] @ V).T, V, out=self._product)
        self._H += self._product
        self._H *= self._scale
        self._K[:] = 0.0
        self._kept, self._scale = 0, 1.0
