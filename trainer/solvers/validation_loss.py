"""The loss on the validation rows, which several callers need after every iteration."""

import numpy as np

from network import Architecture, Array, Backpropagation, Loss, Rows


class ValidationLoss:
    """A function of θ that caches its last result.

    Parameters
    ----------
    rows : scaled
    """

    def __init__(self, architecture: Architecture, rows: Rows, loss: Loss | None = None) -> None:
        self.rows = rows
        self._backpropagation = Backpropagation(architecture, loss)
        self._theta: Array | None = None
        self._loss = 0.0

    def __call__(self, theta: Array) -> float:
        """Return the loss of θ (P,), as `network.loss` defines it."""
        if self._theta is None or not np.array_equal(theta, self._theta):
            self._theta = theta.copy()
            self._loss = self._backpropagation.loss(theta, self.rows)
        return self._loss
