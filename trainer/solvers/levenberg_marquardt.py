"""Levenberg-Marquardt with geodesic acceleration, and Bayesian regularisation.

With the objective's gradient g and Gauss-Newton matrix B, a step is δ = v + ½a,

    (B + μ·I)·v = −g        (B + μ·I)·a = −c·JᵀW·∂²ŷ/∂v²

accepted if it reduces the objective and the acceleration a is small compared with the velocity v.
The damping μ follows the gain ratio.

Bayesian regularisation re-estimates the penalty λ of F = L + λ·|θ|² after every step. With
M = K·Σw squared residuals and γ, the number of parameters that the data determine,

    γ = P − 2λ·tr((B + 2λ·I)⁻¹)        λ = γ·L/(|θ|²·(M − γ))

References
----------
Hagan & Menhaj 1994, "Training Feedforward Networks with the Marquardt Algorithm".
Madsen, Nielsen & Tingleff 2004, "Methods for Non-Linear Least Squares Problems", eq. 2.21: μ.
Transtrum & Sethna 2012, "Improvements to the Levenberg-Marquardt algorithm for nonlinear
least-squares minimization": the acceleration, and when to reject it.
MacKay 1992, "Bayesian Interpolation"; Foresee & Hagan 1997, "Gauss-Newton Approximation to
Bayesian Learning": γ and λ.
"""

import math

import numpy as np

from network import Array
from trainer.solvers.solver import Iteration, State, Task

INITIAL_DAMPING = 1e-2  # of the greatest diagonal element of B
MAX_ACCELERATION = 0.75  # |a|/|v|
MAX_DAMPING = 1e16
INITIAL_PENALTY = 1e-3
MAX_PENALTY = 1e3  # any larger penalty makes the network a constant
IDLE_GAIN = 1e-5  # a smaller relative reduction of the objective counts as none
MAX_IDLE = 5  # steps without a reduction that counts


class LevenbergMarquardt:
    """One step that reduces the objective per iteration.

    Parameters
    ----------
    bayesian : whether to estimate the penalty, on all of θ, instead of taking the objective's
    """

    def __init__(self, task: Task, *, bayesian: bool = False) -> None:
        self._objective = task.objective
        self._bayesian = bayesian
        if bayesian:
            self._objective = task.objective.part(slice(None))
            self._objective.penalty = INITIAL_PENALTY
            self._objective.penalised[:] = 1.0
        self._linearise(task.theta.copy())
        self._mu = INITIAL_DAMPING * float(self._B.diagonal().max())
        self._nu = 2.0
        self._idle = 0

    def iterate(self) -> Iteration:
        """Take one step, with as much damping as it needs."""
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
                    self._idle = self._idle + 1 if value - trial < IDLE_GAIN * value else 0
                    return self._take(step, gain, trial)
            self._mu *= self._nu
            self._nu *= 2.0
        return self._outcome(value, converged=True)

    def state(self) -> State:
        """Return θ, the damping and the penalty; the rest follows from them."""
        return {
            "theta": self.theta,
            "mu": self._mu,
            "nu": self._nu,
            "idle": self._idle,
            "penalty": self._objective.penalty,
        }

    def restore(self, state: State) -> None:
        """Continue from a state that `state` returned."""
        self._mu, self._nu, self._idle = state["mu"], state["nu"], state["idle"]
        self._objective.penalty = state["penalty"]
        self._linearise(state["theta"])

    def _linearise(self, theta: Array) -> None:
        loss, gradient, B = self._objective.loss_and_normal_equations(theta)
        self._loss, self._gradient, self._B = loss, gradient, B
        self.theta = theta  # last, because the poll may have raised

    def _step(self, B: Array, gradient: Array) -> Array | None:
        """Return v + ½a, or None if the damping is too small."""
        damped = B.copy()
        damped[np.diag_indices_from(damped)] += self._mu
        try:
            velocity = _solve(damped, -gradient)
            curvature = self._objective.curvature(self.theta, velocity)
            acceleration = _solve(damped, -curvature)
        except np.linalg.LinAlgError:
            return None
        ratio = np.linalg.norm(acceleration) / np.linalg.norm(velocity)
        return velocity + 0.5 * acceleration if ratio <= MAX_ACCELERATION else None

    def _take(self, step: Array, gain: float, value: float) -> Iteration:
        self._linearise(self.theta + step)
        self._mu *= max(1.0 / 3.0, 1.0 - (2.0 * min(gain, 1.0) - 1.0) ** 3)
        self._nu = 2.0
        if self._bayesian:
            self._estimate_penalty()
        return self._outcome(value, converged=self._idle >= MAX_IDLE)

    def _outcome(self, value: float, converged: bool) -> Iteration:
        return Iteration(value, self._mu, converged=converged, regularised=self._bayesian)

    def _estimate_penalty(self) -> None:
        objective = self._objective
        decay, squares = objective.weight_decay(self.theta), objective.squares
        regularised = self._B.copy()
        twice = 2.0 * objective.penalty * objective.penalised
        regularised[np.diag_indices_from(regularised)] += twice
        try:
            undetermined = float(twice @ np.linalg.inv(regularised).diagonal())
        except np.linalg.LinAlgError:
            return
        gamma = min(max(len(self.theta) - undetermined, 1.0), squares - 1.0)
        evidence = gamma * self._loss / max(decay * (squares - gamma), np.finfo(float).tiny)
        objective.penalty = min(evidence, MAX_PENALTY)


def _solve(A: Array, b: Array) -> Array:
    return np.asarray(np.linalg.solve(A, b), dtype=np.float64)
