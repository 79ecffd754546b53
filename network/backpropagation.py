"""The forward pass, and the gradient of the loss by the chain rule.

With A₀ = X, Zₗ = Aₗ·Wₗ + bₗ and Aₗ₊₁ = f(Zₗ) (the last layer is linear: ŷ = Z), let
Δₗ = ∂L/∂Zₗ, one row per sample. Then

    Δ_last = ∂L/∂ŷ
    ∂L/∂Wₗ = Aₗᵀ·Δₗ          ∂L/∂bₗ = Σ over rows of Δₗ
    Δₗ₋₁   = (Δₗ·Wₗᵀ) ∘ f′(Zₗ₋₁)

References
----------
Rumelhart, Hinton & Williams 1986, "Learning representations by back-propagating errors".
Nielsen 2015, "Neural Networks and Deep Learning", equations BP1-BP4.
"""

import numpy as np

from network.activations import ACTIVATIONS
from network.architecture import Architecture
from network.arrays import Array
from network.loss import mean_squared_error, mean_squared_error_gradient


class Backpropagation:
    """Loss and gradient of one architecture, in buffers that are kept from call to call.

    Not to be shared between threads, and what a method returns is overwritten by the next call.

    Parameters
    ----------
    rows : the most rows that a call will bring.
    """

    def __init__(self, architecture: Architecture, rows: int) -> None:
        self.architecture = architecture
        self._activation = ACTIVATIONS[architecture.activation]
        outputs = architecture.sizes[1:]
        hidden = outputs[:-1]
        self._rows = rows
        self._A = [np.empty((rows, size)) for size in outputs]
        self._Z = [
            np.empty((rows, size)) if self._activation.needs_input else A
            for A, size in zip(self._A, hidden, strict=False)
        ]
        self._delta = [np.empty((rows, size)) for size in outputs]
        self._slope = [np.empty((rows, size)) for size in hidden]
        self._ones = np.ones(rows)
        self._gradient = np.empty(architecture.parameters)
        self._gradient_layers = architecture.layers(self._gradient)

    def forward(self, theta: Array, X: Array) -> Array:
        """ŷ for a batch, keeping what the backward pass needs.

        Parameters
        ----------
        theta : (P,) float64
        X : (N, features) float64, scaled, N ≤ rows

        Returns
        -------
        Y_hat : (N, targets) float64, scaled; a view of a buffer
        """
        n = len(X)
        layers = self.architecture.layers(theta)
        A = X
        for (W, b), Z_buffer, A_buffer in zip(layers, self._Z, self._A, strict=False):
            Z = np.matmul(A, W, out=Z_buffer[:n])
            Z += b
            A = A_buffer[:n]
            self._activation.function(Z, A)
        W, b = layers[-1]
        Y_hat: Array = np.matmul(A, W, out=self._A[-1][:n])
        Y_hat += b
        return Y_hat

    def loss(self, theta: Array, X: Array, Y: Array) -> float:
        """L(θ) on rows X, Y (scaled), in blocks of as many rows as the buffers hold."""
        total = 0.0
        for start in range(0, len(X), self._rows):
            block = slice(start, start + self._rows)
            residuals = self.forward(theta, X[block])
            residuals -= Y[block]
            total += mean_squared_error(residuals) * len(residuals)
        return total / len(X)

    def loss_and_gradient(self, theta: Array, X: Array, Y: Array) -> tuple[float, Array]:
        """L(θ) and ∂L/∂θ on one batch.

        Parameters
        ----------
        theta : (P,) float64
        X : (N, features) float64, scaled, 1 ≤ N ≤ rows
        Y : (N, targets) float64, scaled

        Returns
        -------
        loss : as `network.loss` defines it
        gradient : (P,) float64, in the layout of θ; a buffer that the next call overwrites
        """
        n = len(X)
        residuals = self.forward(theta, X)
        residuals -= Y
        loss = mean_squared_error(residuals)
        delta = self._delta[-1][:n]
        mean_squared_error_gradient(residuals, out=delta)

        layers = self.architecture.layers(theta)
        for index in range(len(layers) - 1, -1, -1):
            A = self._A[index - 1][:n] if index else X
            W_gradient, b_gradient = self._gradient_layers[index]
            np.matmul(A.T, delta, out=W_gradient)
            np.matmul(self._ones[:n], delta, out=b_gradient)
            if index:
                W, _ = layers[index]
                previous = np.matmul(delta, W.T, out=self._delta[index - 1][:n])
                slope = self._slope[index - 1][:n]
                self._activation.derivative(self._Z[index - 1][:n], A, slope)
                previous *= slope
                delta = previous
        return loss, self._gradient
