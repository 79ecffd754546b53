"""Full-memory quasi-Newton methods on the objective's square root: BFGS and self-scaled Broyden.

With f = √F, s = θₖ₊₁ − θₖ and y = ∇fₖ₊₁ − ∇fₖ, the inverse Hessian's approximation H moves within
Broyden's family, scaled by τ:

    H ← (H − H·y·yᵀ·H/(yᵀHy) + φ·(yᵀHy)·v·vᵀ)/τ + s·sᵀ/(yᵀs),    v = s/(yᵀs) − H·y/(yᵀHy)

BFGS is φ = τ = 1. Where F grows like a square, √F grows like a norm: its curvature, which H has to
learn step by step, says less of how far away the minimum is and more of where.

References
----------
Nocedal & Wright 2006, "Numerical Optimization", chapter 6: BFGS, and eq. 6.20 for the first scale.
Al-Baali 1998, "Numerical experience with a class of self-scaling quasi-Newton algorithms".
Urbán, Stefanou & Pons 2025, "Unveiling the optimization process of physics informed neural
networks: How accurate and competitive can PINNs be?": the root, and φ and τ as taken here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from network import Array
from trainer.objective import Objective
from trainer.solvers.inverse_hessian import InverseHessian
from trainer.solvers.line_search import Point, wolfe_step
from trainer.solvers.solver import Iteration, State, Task

Coefficients = Callable[[float, float, int], tuple[float, float]]
FIRST_STEP_LENGTH = 0.1  # of the very first step, in the space of θ


@dataclass(frozen=True)
class Update:
    """A member of Broyden's family.

    Attributes
    ----------
    coefficients : φ and τ from b = sᵀH⁻¹s/(yᵀs), h = yᵀHy/(yᵀs) and P
    first_step : the step length that its line searches try first
    """

    coefficients: Coefficients
    first_step: float


def bfgs(b: float, h: float, parameters: int) -> tuple[float, float]:
    """φ = τ = 1."""
    return 1.0, 1.0


def self_scaled_broyden(b: float, h: float, parameters: int) -> tuple[float, float]:
    """φ and τ of Urbán, Stefanou & Pons 2025, after Al-Baali 1998."""
    a = max(b * h - 1.0, np.finfo(float).tiny)
    c = math.sqrt(a / (1.0 + a))
    rho = min(1.0, h / ((1.0 + a) * (1.0 + c)))  # h·(1 − c) without cancellation
    theta = max((rho - 1.0) / a, min(1.0 / rho, (1.0 - b) / b))
    sigma = 1.0 + theta * a
    root = abs(sigma) ** (1.0 / (1.0 - parameters)) if parameters > 1 else 1.0
    scale = min(1.0, 1.0 / b)
    tau = min(scale * root, sigma) if theta <= 0.0 else scale * min(root, 1.0 / theta)
    return (1.0 - theta) / sigma, tau


# Self-scaled Broyden's steps of length 1 overshoot √F: over six trainings of the shipped task to an
# error of 1e-8, a first trial of 0.35 took 0.55 of the gradients.
BFGS = Update(bfgs, first_step=1.0)
SELF_SCALED_BROYDEN = Update(self_scaled_broyden, first_step=0.35)


class QuasiNewton:
    """One line search along −H·∇f an iteration."""

    def __init__(self, task: Task, update: Update) -> None:
        self._evaluate = root(task.objective)
        self._update = update
        self._point = Point(task.theta.copy(), *self._evaluate(task.theta))
        self._H = InverseHessian(len(task.theta))
        self._start_anew()

    @property
    def theta(self) -> Array:
        """θ (P,)."""
        return self._point.theta

    def iterate(self) -> Iteration:
        """One step; from the steepest descent where H leads nowhere."""
        here, direction = self._point, self._direction
        found = None
        if here.gradient @ direction < 0.0:
            length = float(np.linalg.norm(direction))
            first = FIRST_STEP_LENGTH / length if self._fresh else self._update.first_step
            found = wolfe_step(self._evaluate, here, direction, first)
        if not found:
            if self._fresh:
                return Iteration(here.value**2, 0.0, converged=True)
            self._start_anew()
            return self.iterate()
        step, self._point = found
        self._learn(here, step)
        return Iteration(self._point.value**2, step)

    def move_to(self, objective: Objective) -> None:
        """Go on with another objective, near enough for H to be of use."""
        self._evaluate = root(objective)
        self._point = Point(self.theta, *self._evaluate(self.theta))
        self._direction = -(self._H @ self._point.gradient)

    def state(self) -> State:
        """The point and H."""
        return {
            "theta": self._point.theta,
            "value": self._point.value,
            "gradient": self._point.gradient,
            "direction": self._direction,
            "fresh": self._fresh,
            "H": self._H.state(),
        }

    def restore(self, state: State) -> None:
        """Take over what `state` gave."""
        self._point = Point(state["theta"], state["value"], state["gradient"])
        self._direction, self._fresh = state["direction"], state["fresh"]
        self._H.restore(state["H"])

    def _start_anew(self) -> None:
        self._H.reset(1.0)
        self._fresh = True  # H tells nothing yet
        self._direction = -self._point.gradient

    def _learn(self, before: Point, step: float) -> None:
        """Update H and the direction −H·∇f by what the last step showed."""
        s, y = step * self._direction, self._point.gradient - before.gradient
        ys = float(y @ s)
        if not 0.0 < ys < math.inf:
            self._direction = -(self._H @ self._point.gradient)
            return
        if self._fresh:
            self._H.reset(ys / float(y @ y))
            self._fresh = False
            b = float(s @ s) * float(y @ y) / ys**2
            Hg = self._H @ self._point.gradient
            Hy = self._H @ y
        else:
            b = -step * float(s @ before.gradient) / ys  # sᵀH⁻¹s = −step·sᵀ∇f
            Hg = self._H @ self._point.gradient
            Hy = Hg + self._direction  # which is −H·∇f before the step
        yHy = float(y @ Hy)
        if not yHy > 0.0:
            self._direction = -Hg
            return
        phi, tau = self._update.coefficients(b, yHy / ys, len(s))
        between, along = -phi / ys, (phi * yHy / ys + tau) / ys
        C = np.array([[(phi - 1.0) / yHy, between], [between, along]])
        if not (np.isfinite(C).all() and 0.0 < tau < math.inf):
            self._direction = -Hg
            return
        pair = np.stack([Hy, s])
        self._H.update(pair, C, tau)
        self._direction = (Hg + (C @ (pair @ self._point.gradient)) @ pair) / -tau


def root(objective: Objective) -> Callable[[Array], tuple[float, Array]]:
    """√F and its gradient ∇F/(2√F), as a function of θ."""

    def evaluate(theta: Array) -> tuple[float, Array]:
        value, gradient = objective.value_and_gradient(theta)
        rooted = math.sqrt(value) if value >= 0.0 else math.nan
        if rooted > 0.0:
            gradient *= 0.5 / rooted
        return rooted, gradient

    return evaluate
