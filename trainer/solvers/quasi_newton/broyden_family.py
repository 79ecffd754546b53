"""Broyden's family of quasi-Newton methods on √F: BFGS and self-scaled Broyden.

With f = √F, s = θₖ₊₁ − θₖ and y = ∇fₖ₊₁ − ∇fₖ, the approximation H of the inverse Hessian, a dense
matrix, is updated within Broyden's family and scaled by τ:

    H ← (H − H·y·yᵀ·H/(yᵀHy) + φ·(yᵀHy)·v·vᵀ)/τ + s·sᵀ/(yᵀs),    v = s/(yᵀs) − H·y/(yᵀHy)

BFGS is φ = τ = 1.

References
----------
Nocedal & Wright 2006, "Numerical Optimization", chapter 6: BFGS, and eq. 6.20 for the first scale.
Al-Baali 1998, "Numerical experience with a class of self-scaling quasi-Newton algorithms".
Urbán, Stefanou & Pons 2025, "Unveiling the optimization process of physics informed neural
networks: How accurate and competitive can PINNs be?": φ and τ as used here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from network import Array
from trainer.solvers.objective import Objective
from trainer.solvers.quasi_newton.descent import Descent
from trainer.solvers.quasi_newton.inverse_hessian import InverseHessian
from trainer.solvers.quasi_newton.line_search import Point
from trainer.solvers.solver import State, Task

Coefficients = Callable[[float, float, int], tuple[float, float]]


@dataclass(frozen=True)
class Update:
    """A member of Broyden's family.

    Attributes
    ----------
    coefficients : returns φ and τ for b = sᵀH⁻¹s/(yᵀs), h = yᵀHy/(yᵀs) and P
    first_step : the step length that line searches try first
    """

    coefficients: Coefficients
    first_step: float


def bfgs(b: float, h: float, parameters: int) -> tuple[float, float]:
    """Return φ = τ = 1."""
    return 1.0, 1.0


def self_scaled_broyden(b: float, h: float, parameters: int) -> tuple[float, float]:
    """Return φ and τ of Urbán, Stefanou & Pons 2025, after Al-Baali 1998."""
    a = max(b * h - 1.0, np.finfo(float).tiny)
    c = math.sqrt(a / (1.0 + a))
    rho = min(1.0, h / ((1.0 + a) * (1.0 + c)))  # h·(1 − c) without cancellation
    theta = max((rho - 1.0) / a, min(1.0 / rho, (1.0 - b) / b))
    sigma = 1.0 + theta * a
    root = abs(sigma) ** (1.0 / (1.0 - parameters)) if parameters > 1 else 1.0
    scale = min(1.0, 1.0 / b)
    tau = min(scale * root, sigma) if theta <= 0.0 else scale * min(root, 1.0 / theta)
    return (1.0 - theta) / sigma, tau


# Self-scaled Broyden's steps of length 1 overshoot on √F. Over six trainings of the example task to
# an error of 1e-8, a first trial of 0.35 needed 0.55 times as many gradients.
BFGS = Update(bfgs, first_step=1.0)
SELF_SCALED_BROYDEN = Update(self_scaled_broyden, first_step=0.35)


class BroydenFamily(Descent):
    """Descent along −H·∇f, where H is a dense matrix."""

    _fresh: bool
    _kept_direction: Array

    def __init__(self, task: Task, update: Update) -> None:
        super().__init__(task, update.first_step)
        self._coefficients = update.coefficients
        self._H = InverseHessian(len(task.theta))
        self._reset()

    def continue_with(self, objective: Objective) -> None:
        """Replace the objective, and the direction accordingly."""
        super().continue_with(objective)
        self._kept_direction = -(self._H @ self._point.gradient)

    def state(self) -> State:
        """Return the point and H."""
        return super().state() | {
            "direction": self._kept_direction,
            "fresh": self._fresh,
            "H": self._H.state(),
        }

    def restore(self, state: State) -> None:
        """Continue from a state that `state` returned."""
        super().restore(state)
        self._kept_direction, self._fresh = state["direction"], state["fresh"]
        self._H.restore(state["H"])

    def _direction(self) -> Array:
        return self._kept_direction

    def _has_no_curvature(self) -> bool:
        return self._fresh

    def _reset(self) -> None:
        self._H.reset(1.0)
        self._fresh = True
        self._kept_direction = -self._point.gradient

    def _update(self, before: Point, direction: Array, step: float) -> None:
        """Update H, and the direction with the same products."""
        gradient = self._point.gradient
        s, y = step * direction, gradient - before.gradient
        ys = float(y @ s)
        if not 0.0 < ys < math.inf:
            self._kept_direction = -(self._H @ gradient)
            return
        if self._fresh:
            self._H.reset(ys / float(y @ y))
            b = float(s @ s) * float(y @ y) / ys**2
        else:
            b = -step * float(s @ before.gradient) / ys  # sᵀH⁻¹s = −step·sᵀ∇f
        Hg = self._H @ gradient
        Hy = self._H @ y if self._fresh else Hg + direction  # direction = −H·∇f before the step
        self._fresh = False
        self._kept_direction = -Hg
        yHy = float(y @ Hy)
        if not yHy > 0.0:
            return
        phi, tau = self._coefficients(b, yHy / ys, len(s))
        between, along = -phi / ys, (phi * yHy / ys + tau) / ys
        C = np.array([[(phi - 1.0) / yHy, between], [between, along]])
        if np.isfinite(C).all() and 0.0 < tau < math.inf:
            pair = np.stack([Hy, s])
            self._H.update(pair, C, tau)
            self._kept_direction = (Hg + (C @ (pair @ gradient)) @ pair) / -tau
