"""Levenberg-Marquardt with geodesic acceleration, and with a penalty set by evidence.

With the objective's gradient g and Gauss-Newton matrix B, a step is δ = v + ½a,

    (B + μ·I)·v = −g        (B + μ·I)·a = −c·JᵀW·∂²ŷ/∂v²

taken when it makes the objective less and the acceleration a is small beside the velocity v. The
damping μ follows the gain ratio.

Bayesian regularisation re-estimates the penalty λ of F = L + λ·|W|² after every step. With
M = K·Σw squared residuals and γ, the number of weights the data determine,

    γ = Pw − 2λ·tr((B + 2λ·I)⁻¹)        λ = γ·L/(|W|²·(M − γ))

the trace over the Pw penalised weights.

References
----------
Hagan & Menhaj 1994, "Training Feedforward Networks with the Marquardt Algorithm".
Madsen, Nielsen & Tingleff 2004, "Methods for Non-Linear Least Squares Problems", eq. 3.16: μ.
Transtrum & Sethna 2012, "Improvements to the Levenberg-Marquardt algorithm for nonlinear
least-squares minimization": the acceleration, and when to refuse it.
MacKay 1992, "Bayesian Interpolation"; Foresee & Hagan 1997, "Gauss-Newton Approximation to
Bayesian Learning": γ and λ.
"""

import math

import numpy as np

from network import Array
from trainer.solvers.solver import Iteration, State, Task

INITIAL_DAMPING = 1e-2  # of the greatest diagonal element of B
MAX_ACCELERATION = 0.75  # 2|a|/|v|
MAX_DAMPING = 1e16
INITIAL_PENALTY = 1e-3


class LevenbergMarquardt:
    """One step that makes the objective less an iteration."""

    def __init__(self, task: Task, *, bayesian: bool = False) -> None:
        self.theta = task.theta.copy()
        self._objective = task.objective
        self._bayesian = bayesian
        if bayesian:  # sets a penalty of its own
            self._objective = task.objective.part(slice(None))
            self._objective.penalty = INITIAL_PENALTY
        self._linearise()
        self._mu = INITIAL_DAMPING * float(self._B.diagonal().max())
        self._nu = 2.0

    def iterate(self) -> Iteration:
        """One step, with as much damping as it takes."""
        penalty = self._objective.penalty
        gradient = self._gradient + 2.0 * penalty * self._objective.penalised * self.theta
        B = self._B.copy()
        B[np.diag_indices_from(B)] += 2.0 * penalty * self._objective.penalised
        value = self._loss + penalty * self._objective.weight_decay(self.theta)
        while self._mu < MAX_DAMPING:
            step = self._step(B, gradient)
            if step is not None:
                trial = self._objective.value(self.theta + step)
                predicted = -float(step @ gradient) - 0.5 * float(step @ B @ step)
                gain = (value - trial) / predicted if predicted > 0.0 else -math.inf
                if trial < value and gain > 0.0:
                    return self._take(step, gain, trial)
            self._mu *= self._nu
            self._nu *= 2.0
        return Iteration(value, self._mu, converged=True)

    def state(self) -> State:
        """θ, the damping and the penalty; the rest follows from them."""
        return {
            "theta": self.theta,
            "mu": self._mu,
            "nu": self._nu,
            "penalty": self._objective.penalty,
        }

    def restore(self, state: State) -> None:
        """Take over what `state` gave."""
        self.theta = state["theta"]
        self._mu, self._nu = state["mu"], state["nu"]
        self._objective.penalty = state["penalty"]
        self._linearise()

    def _linearise(self) -> None:
        loss, gradient, B = self._objective.loss_and_normal_equations(self.theta)
        self._loss, self._gradient, self._B = loss, gradient, B

    def _step(self, B: Array, gradient: Array) -> Array | None:
        """v + ½a; None where the damping is too small for it."""
        damped = B.copy()
        damped[np.diag_indices_from(damped)] += self._mu
        try:
            velocity: Array = np.linalg.solve(damped, -gradient)
            curvature = self._objective.curvature(self.theta, velocity)
            acceleration: Array = np.linalg.solve(damped, -curvature)
        except np.linalg.LinAlgError:
            return None
        ratio = 2.0 * np.linalg.norm(acceleration) / np.linalg.norm(velocity)
        return velocity + 0.5 * acceleration if ratio <= MAX_ACCELERATION else None

    def _take(self, step: Array, gain: float, value: float) -> Iteration:
        self.theta = self.theta + step
        self._mu *= max(1.0 / 3.0, 1.0 - (2.0 * gain - 1.0) ** 3)
        self._nu = 2.0
        self._linearise()
        if self._bayesian:
            self._estimate_penalty()
        return Iteration(value, self._mu)

    def _estimate_penalty(self) -> None:
        objective = self._objective
        decay, squares = objective.weight_decay(self.theta), objective.squares
        regularised = self._B.copy()
        twice = 2.0 * objective.penalty * objective.penalised
        regularised[np.diag_indices_from(regularised)] += twice
        try:
            determined = objective.penalised.sum() - twice @ np.linalg.inv(regularised).diagonal()
        except np.linalg.LinAlgError:
            return
        gamma = min(max(float(determined), 1.0), squares - 1.0)
        objective.penalty = gamma * self._loss / (decay * (squares - gamma))
