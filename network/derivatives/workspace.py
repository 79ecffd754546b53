"""The forward pass and the chain rule for a block of rows, in reused buffers.

Arrays have one row of the data per column, so that the outputs of a unit are contiguous. The input
of every layer has a last row of ones, so that the bias is one more row of the weights:
with A₀ = [Xᵀ; 1], Zₗ = Wₗᵀ·Aₗ and Aₗ₊₁ = [f(Zₗ); 1] (the last layer is linear: Ŷ = Z).
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from network.activations import ACTIVATIONS
from network.architecture import Architecture
from network.arrays import Array

# The layers of a block fit into the cache, and memory does not grow with the number of rows. With
# 1,024 rows of data, the rows of the buffers would start a power of two of bytes apart and compete
# for the same cache sets, which takes 1.15 times as long.
BLOCK_ROWS = 1000
_KEPT = 4


class Workspace:
    """Buffers for blocks of exactly n rows. Each call overwrites what a call before it returned."""

    def __init__(self, architecture: Architecture, n: int) -> None:
        self._activation = ACTIVATIONS[architecture.activation]
        *inputs, targets = architecture.sizes
        hidden = inputs[1:]
        self._A = [np.ones((size + 1, n)) for size in inputs]
        self._Z = [
            np.empty((size, n)) if self._activation.needs_input else A[:-1]
            for size, A in zip(hidden, self._A[1:], strict=True)
        ]
        self._functions = [self._activation.function_for(size * n) for size in hidden]
        self._Y_hat = np.empty((targets, n))
        self._slopes = [np.empty((size, n)) for size in hidden]
        self._deltas = [np.empty((size, n)) for size in hidden]

    def forward(self, matrices: Sequence[Array], X: Array) -> Array:
        """Compute Ŷ and keep what `backward` needs.

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
        for W, A, Z, output, function in zip(
            hidden, self._A, self._Z, self._A[1:], self._functions, strict=False
        ):
            np.matmul(W.T, A, out=Z)
            function(Z, output[:-1])
        return np.matmul(last.T, self._A[-1], out=self._Y_hat)

    def prepare(self) -> None:
        """Compute f′ for the last `forward`; must be called once before `backward`."""
        for Z, A, slope in zip(self._Z, self._A[1:], self._slopes, strict=True):
            self._activation.derivative(Z, A[:-1], slope)

    def backward(
        self, matrices: Sequence[Array], delta: Array
    ) -> Iterator[tuple[int, Array, Array]]:
        """Propagate derivatives from the outputs back through the layers.

        Parameters
        ----------
        delta : (targets, n), the derivative of a scalar of each row with respect to its outputs ŷ

        Yields
        ------
        index, A, delta : the layer, from the last to the first; its input (inputs + 1, n); and
            Δₗ (outputs, n), the derivative with respect to Zₗ. The derivative with respect to Wₗ
            is A·Δᵀ summed over the rows, and A ⊗ Δ for each row.
        """
        for index in range(len(matrices) - 1, 0, -1):
            yield index, self._A[index], delta
            # Δₗ₋₁ = (Wₗ·Δₗ) ∘ f′(Zₗ₋₁), without the bias
            multiply = np.dot if len(delta) == 1 else np.matmul  # each is faster for its shapes
            delta = multiply(matrices[index][:-1], delta, out=self._deltas[index - 1])
            delta *= self._slopes[index - 1]
        yield 0, self._A[0], delta

    def gradient(self, matrices: Sequence[Array], delta: Array, out: Sequence[Array]) -> None:
        """Compute the derivative with respect to θ of a scalar that is summed over the rows.

        Parameters
        ----------
        delta : (targets, n), the derivative with respect to the outputs ŷ of the last `forward`
        out : `Architecture.matrices` of the vector to write to
        """
        self.prepare()
        for index, A, layer_delta in self.backward(matrices, delta):
            np.matmul(A, layer_delta.T, out=out[index])


class Workspaces:
    """A cache of workspaces for the last few block sizes.

    Parameters
    ----------
    poll : called for every block; may raise an exception to stop the computation
    """

    def __init__(self, architecture: Architecture, poll: Callable[[], None]) -> None:
        self._architecture = architecture
        self._poll = poll
        self._kept: dict[int, Workspace] = {}

    def of(self, n: int) -> Workspace:
        """Return the workspace for n rows."""
        self._poll()
        workspace = self._kept.pop(n, None) or Workspace(self._architecture, n)
        self._kept[n] = workspace  # at the end, as the most recently used
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]
        return workspace
