"""The loss and its gradient by the chain rule, block by block.

With the arrays of `network.derivatives.workspace` and Δₗ = ∂L/∂Zₗ, one column per row of the data:

    Δ_last = ∂L/∂Ŷ
    ∂L/∂Wₗ = Aₗ·Δₗᵀ                     (the last row is that of the bias)
    Δₗ₋₁   = (Wₗ·Δₗ) ∘ f′(Zₗ₋₁)

References
----------
Rumelhart, Hinton & Williams 1986, "Learning representations by back-propagating errors".
Nielsen 2015, "Neural Networks and Deep Learning", equations BP1-BP4.
"""

from collections.abc import Callable

import numpy as np

from network.architecture import Architecture
from network.arrays import Array
from network.derivatives.workspace import BLOCK_ROWS, Workspaces
from network.loss import Loss, Squared
from network.rows import Rows


class Backpropagation:
    """The loss of an architecture and its gradient, in buffers that calls reuse.

    Not safe to share between threads.

    Parameters
    ----------
    loss : by default the squared loss
    poll : called before every block; may raise an exception to stop the computation
    """

    def __init__(
        self,
        architecture: Architecture,
        loss: Loss | None = None,
        poll: Callable[[], None] = lambda: None,
    ) -> None:
        self.architecture = architecture
        self._loss = loss or Squared()
        self._workspaces = Workspaces(architecture, poll)
        self._partial = np.empty(architecture.parameters)
        self._partial_matrices = architecture.matrices(self._partial)

    def loss(self, theta: Array, rows: Rows) -> float:
        """Return L(θ), as `network.loss` defines it.

        Parameters
        ----------
        theta : (P,) float64
        rows : scaled, at least one
        """
        matrices = self.architecture.matrices(theta)
        total = 0.0
        for block in rows.blocks(BLOCK_ROWS):
            residuals = self._workspaces.of(len(block)).forward(matrices, block.X)
            residuals -= block.Y.T
            total += self._loss.total(residuals, block.weights)
        return total / (self.architecture.targets * rows.total_weight)

    def loss_and_gradient(self, theta: Array, rows: Rows) -> tuple[float, Array]:
        """Return L(θ) and ∂L/∂θ.

        Parameters
        ----------
        theta : (P,) float64
        rows : scaled, at least one

        Returns
        -------
        loss : as `network.loss` defines it
        gradient : (P,) float64, with the layout of θ
        """
        matrices = self.architecture.matrices(theta)
        gradient = np.zeros(self.architecture.parameters)
        total = 0.0
        for block in rows.blocks(BLOCK_ROWS):
            workspace = self._workspaces.of(len(block))
            delta = workspace.forward(matrices, block.X)
            delta -= block.Y.T
            total += self._loss.total(delta, block.weights)
            self._loss.slope(delta, block.weights)
            workspace.gradient(matrices, delta, out=self._partial_matrices)
            gradient += self._partial
        squares = self.architecture.targets * rows.total_weight
        gradient /= squares
        return total / squares, gradient
