"""The function that a solver minimises: the loss over the training rows plus a penalty."""

from collections.abc import Callable
from typing import Self

import numpy as np

from network import Architecture, Array, Backpropagation, Jacobian, Loss, Rows


class Objective:
    """F(θ) = L(θ) + λ·|W|², with L as `network.loss` defines it and W all weights without biases.

    Parameters
    ----------
    rows : scaled
    penalty : λ; may change between calls
    poll : called before every block of rows; may raise to interrupt a computation
    """

    def __init__(
        self,
        architecture: Architecture,
        rows: Rows,
        loss: Loss | None = None,
        penalty: float = 0.0,
        poll: Callable[[], None] = lambda: None,
    ) -> None:
        self.rows = rows
        self.penalty = penalty
        self.penalised = np.ones(architecture.parameters)  # 1 for weights, 0 for biases
        for matrix in architecture.matrices(self.penalised):
            matrix[-1] = 0.0
        self._architecture = architecture
        self._loss = loss
        self._poll = poll
        self._backpropagation = Backpropagation(architecture, loss, poll)
        self._jacobian: Jacobian | None = None

    def part(self, which: slice) -> Self:
        """Return the same objective over some of the rows."""
        return type(self)(
            self._architecture, self.rows[which], self._loss, self.penalty, self._poll
        )

    @property
    def squares(self) -> float:
        """Return K·Σw, the weighted number of residuals whose mean is L."""
        return self._architecture.targets * self.rows.total_weight

    def value(self, theta: Array) -> float:
        """Return F(θ)."""
        loss = self._backpropagation.loss(theta, self.rows)
        return loss + self.penalty * self.weight_decay(theta)

    def value_and_gradient(self, theta: Array, rows: Rows | None = None) -> tuple[float, Array]:
        """Return F(θ) and ∂F/∂θ (P,), over all rows or over `rows`."""
        loss, gradient = self._backpropagation.loss_and_gradient(
            theta, self.rows if rows is None else rows
        )
        if self.penalty:
            loss += self.penalty * self.weight_decay(theta)
            gradient += 2.0 * self.penalty * self.penalised * theta
        return loss, gradient

    def loss_and_normal_equations(self, theta: Array) -> tuple[float, Array, Array]:
        """Return L(θ), ∂L/∂θ (P,) and the Gauss-Newton matrix B (P, P), all without the penalty."""
        return self._derivatives().normal_equations(theta, self.rows)

    def curvature(self, theta: Array, direction: Array) -> Array:
        """Return `network.Jacobian.curvature` (P,)."""
        return self._derivatives().curvature(theta, self.rows, direction)

    def weight_decay(self, theta: Array) -> float:
        """Return |W|²."""
        return float((self.penalised * theta) @ theta)

    def _derivatives(self) -> Jacobian:
        self._jacobian = self._jacobian or Jacobian(self._architecture, self._poll)
        return self._jacobian
