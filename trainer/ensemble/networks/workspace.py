"""The forward pass and the gradient of M networks at once, on n rows each, in reused buffers."""

import numpy as np
from numpy.typing import DTypeLike

from network.ensemble.activation import activate_with_slope
from network.ensemble.weights import Floats, Shape, Weights

Masks = tuple[Floats, Floats]

_LEVELS = 256  # dropout rates are multiples of 1/256, so that a random byte decides


class Workspace:
    """Buffers for n rows of each member. Each call overwrites what a call before it returned.

    Attributes
    ----------
    Z, R : (M, n, I) and (M, n, ramps), the inputs and the ramps, to be written before `forward`
    """

    def __init__(self, shape: Shape, n: int, dtype: DTypeLike) -> None:
        M, H = shape.members, shape.hidden
        self.Z = np.empty((M, n, shape.inputs), dtype)
        self.R = np.empty((M, n, shape.ramps), dtype)
        self._has_ramps = shape.ramps > 0
        self._first, self._second = (_Layer((M, n, H), dtype) for _ in range(2))
        self._scratch = np.empty((M, n, H), dtype)
        self._Y = np.empty((M, n, shape.targets), dtype)
        self._skip = np.empty_like(self._Y)
        self._W = np.empty((M, shape.inputs, H), dtype)

    def forward(self, weights: Weights, masks: Masks | None = None) -> Floats:
        """Return Ŷ (M, n, K) for the inputs in `Z` and `R`.

        Parameters
        ----------
        masks : for dropout, the factors of both hidden layers' outputs, (M, n, H) each
        """
        first, second = self._first, self._second
        np.multiply(weights.W, weights.s[:, :, None], self._W)
        np.matmul(self.Z, self._W, out=first.output)
        if self._has_ramps:
            np.matmul(self.R, weights.V, out=self._scratch)
            first.output += self._scratch
        first.output += weights.b1
        first.activate(masks and masks[0], self._scratch)
        np.matmul(first.output, weights.W2, out=second.output)
        second.output += weights.b2
        second.activate(masks and masks[1], self._scratch)
        np.matmul(second.output, weights.W3, out=self._Y)
        np.matmul(self.Z, weights.U, out=self._skip)
        self._Y += self._skip
        self._Y += weights.b3
        return self._Y

    def gradient(self, weights: Weights, delta: Floats, out: Weights) -> None:
        """Compute the derivative of a scalar with respect to the weights of the last `forward`.

        Parameters
        ----------
        delta : (M, n, K), the derivative with respect to Ŷ
        out : where to write it
        """
        first, second = self._first, self._second
        np.matmul(second.output.mT, delta, out=out.W3)
        np.matmul(self.Z.mT, delta, out=out.U)
        np.add.reduce(delta, 1, out=out.b3, keepdims=True)
        # Δ₂ = (Δ₃·W₃ᵀ) ∘ f′
        np.matmul(delta, weights.W3.mT, out=self._scratch)
        second.slope *= self._scratch
        np.matmul(first.output.mT, second.slope, out=out.W2)
        np.add.reduce(second.slope, 1, out=out.b2, keepdims=True)
        # Δ₁ = (Δ₂·W₂ᵀ) ∘ f′
        np.matmul(second.slope, weights.W2.mT, out=self._scratch)
        first.slope *= self._scratch
        np.add.reduce(first.slope, 1, out=out.b1, keepdims=True)
        if self._has_ramps:
            np.matmul(self.R.mT, first.slope, out=out.V)
        # the derivative with respect to s∘W, and from it those with respect to W and s
        np.matmul(self.Z.mT, first.slope, out=self._W)
        np.multiply(self._W, weights.s[:, :, None], out.W)
        self._W *= weights.W
        np.add.reduce(self._W, 2, out=out.s)


class _Layer:
    """A hidden layer: its outputs, and their derivatives with respect to its weighted inputs."""

    def __init__(self, size: tuple[int, ...], dtype: DTypeLike) -> None:
        self.output = np.empty(size, dtype)
        self.slope = np.empty(size, dtype)

    def activate(self, mask: Floats | None, scratch: Floats) -> None:
        """Replace the weighted inputs in `output` by the outputs, and compute the slopes."""
        activate_with_slope(self.output, self.slope, scratch)
        if mask is not None:
            self.output *= mask
            self.slope *= mask


def dropout_masks(
    rng: np.random.Generator, rate: float, size: tuple[int, ...], dtype: DTypeLike
) -> Masks | None:
    """Return the factors of both hidden layers: 0 with probability `rate`, else 1/(1 − rate).

    The rate is rounded to a multiple of 1/256. Return None if it is 0 then.
    """
    level = round(rate * _LEVELS)
    if not level:
        return None
    masks = np.empty((2, *size), dtype)
    words = rng.integers(0, 2**64, -(-masks.size // 8), dtype=np.uint64)
    random_bytes = words.view(np.uint8)[: masks.size].reshape(masks.shape)
    np.greater_equal(random_bytes, level, out=masks, casting="unsafe")
    masks *= _LEVELS / (_LEVELS - level)
    return masks[0], masks[1]
