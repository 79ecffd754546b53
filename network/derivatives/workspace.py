"""The forward pass and the chain rule for a block of rows, in buffers that are kept.

Arrays hold one row of the data per column, so that each unit's outputs are contiguous. Every
layer's input carries a last row of ones, which makes the bias one more row of the weights:
with A₀ = [Xᵀ; 1], Zₗ = Wₗᵀ·Aₗ and Aₗ₊₁ = [f(Zₗ); 1] (the last layer is linear: Ŷ = Z).
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from network.activations import ACTIVATIONS
from network.architecture import Architecture
from network.arrays import Array

# A block's layers stay in cache, and memory does not grow with the rows. 1,024 rows of float64
# would lie a power of two apart in the buffers, which caches do not take well: 1.15 of the time.
BLOCK_ROWS = 1000
_KEPT = 4


class Workspace:
    """Buffers for blocks of exactly n rows. What a method returns, the next call overwrites."""

    def __init__(self, architecture: Architecture, n: int) -> None:
        self._activation = ACTIVATIONS[architecture.activation]
        *inputs, targets = architecture.sizes
        hidden = inputs[1:]
        self._A = [np.ones((size + 1, n)) for size in inputs]
        self._Z = [
            np.empty((size, n)) if self._activation.needs_input else A[:-1]
            for size, A in zip(hidden, self._A[1:], strict=True)
        ]
        self._Y_hat = np.empty((targets, n))
        self._slopes = [np.empty((size, n)) for size in hidden]
        self._deltas = [np.empty((size, n)) for size in hidden]

    def forward(self, matrices: Sequence[Array], X: Array) -> Array:
        """Ŷ, keeping what `backward` needs.

        Parameters
        ----------
        matrices : `Architecture.matrices` of θ
        X : (n, features) float64, scaled

        Returns
        -------
        Y_hat : (targets, n) float64, scaled
        """
        self._A[0][:-1] = X.T
        *hidden, last = matrices
        for W, A, Z, output in zip(hidden, self._A, self._Z, self._A[1:], strict=False):
            np.matmul(W.T, A, out=Z)
            self._activation.function(Z, output[:-1])
        return np.matmul(last.T, self._A[-1], out=self._Y_hat)

    def prepare(self) -> None:
        """Compute f′ of what `forward` saw last; to be called once before `backward`."""
        for Z, A, slope in zip(self._Z, self._A[1:], self._slopes, strict=True):
            self._activation.derivative(Z, A[:-1], slope)

    def backward(
        self, matrices: Sequence[Array], delta: Array
    ) -> Iterator[tuple[int, Array, Array]]:
        """Carry derivatives from the outputs back through the layers.

        Parameters
        ----------
        delta : (targets, n), the derivative of any scalar of each row by its outputs ŷ

        Yields
        ------
        index, A, delta : the layer, from the last to the first; its input (inputs + 1, n); and
            Δₗ (outputs, n), the derivative by Zₗ. By Wₗ, it is A·Δᵀ summed over the rows, or
            A ⊗ Δ for each.
        """
        for index in range(len(matrices) - 1, 0, -1):
            yield index, self._A[index], delta
            # Δₗ₋₁ = (Wₗ·Δₗ) ∘ f′(Zₗ₋₁), without the bias
            multiply = np.dot if len(delta) == 1 else np.matmul  # the faster one of each
            delta = multiply(matrices[index][:-1], delta, out=self._deltas[index - 1])
            delta *= self._slopes[index - 1]
        yield 0, self._A[0], delta

    def gradient(self, matrices: Sequence[Array], delta: Array, out: Sequence[Array]) -> None:
        """The derivative by θ of a scalar summed over the rows `forward` saw last.

        Parameters
        ----------
        delta : (targets, n), the scalar's derivative by the outputs ŷ
        out : `Architecture.matrices` of the vector to write it to
        """
        self.prepare()
        for index, A, layer_delta in self.backward(matrices, delta):
            np.matmul(A, layer_delta.T, out=out[index])


class Workspaces:
    """Workspaces of the last few sizes that were asked for.

    Parameters
    ----------
    poll : called whenever one is asked for; may raise, to give up
    """

    def __init__(self, architecture: Architecture, poll: Callable[[], None]) -> None:
        self._architecture = architecture
        self._poll = poll
        self._kept: dict[int, Workspace] = {}

    def of(self, n: int) -> Workspace:
        """Buffers for n rows."""
        self._poll()
        workspace = self._kept.pop(n, None) or Workspace(self._architecture, n)
        self._kept[n] = workspace  # moves it to the end
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]
        return workspace
