"""The Jacobian of the predictions, and the normal equations of Gauss-Newton methods.

Jₙₖ,ₚ = ∂ŷₙₖ/∂θₚ has one row per sample and target. Backpropagation from output k alone (Δ_last = 1
there and 0 elsewhere) gives the rows of that target: with respect to the weights of layer l, sample
n has Aₗₙ ⊗ Δₗₙ. For the squared loss L = Σ wₙ·rₙₖ²/(K·Σwₙ), with r = ŷ − y and c = 2/(K·Σwₙ),

    g = ∂L/∂θ = c·JᵀWr        B = c·JᵀWJ ≈ ∂²L/∂θ²

J is never stored as a whole: each block of it is computed and multiplied while it is in the cache.

References
----------
Hagan & Menhaj 1994, "Training Feedforward Networks with the Marquardt Algorithm".
Transtrum & Sethna 2012, "Improvements to the Levenberg-Marquardt algorithm for nonlinear
least-squares minimization": the second derivative along a direction.
"""

from collections.abc import Callable

import numpy as np

from network.architecture import Architecture
from network.arrays import Array
from network.derivatives.workspace import BLOCK_ROWS, Workspace, Workspaces
from network.rows import Rows

WHOLE_BLOCK_ROWS = 250  # per block of a whole J
CURVATURE_STEP = 0.1  # times the direction; Transtrum & Sethna's h
MIN_STEP_LENGTH = 1e-3  # for shorter steps, rounding exceeds the second difference
MIN_LENGTH = 1e-8  # of a direction; along shorter ones the predictions are linear


class Jacobian:
    """Derivatives of the predictions of an architecture. Not safe to share between threads.

    Parameters
    ----------
    poll : called before every block; may raise an exception to stop the computation
    """

    def __init__(self, architecture: Architecture, poll: Callable[[], None] = lambda: None) -> None:
        self.architecture = architecture
        self._workspaces = Workspaces(architecture, poll)
        self._block = np.empty(0)

    def of(self, theta: Array, X: Array) -> Array:
        """Return the whole of J.

        Parameters
        ----------
        theta : (P,) float64
        X : (N, features) float64, scaled

        Returns
        -------
        J : (N·targets, P) float64, the targets of a sample in consecutive rows
        """
        parameters, targets = self.architecture.parameters, self.architecture.targets
        J = np.empty((len(X), targets, parameters))
        matrices = self.architecture.matrices(theta)
        for start in range(0, len(X), WHOLE_BLOCK_ROWS):
            block = slice(start, start + WHOLE_BLOCK_ROWS)
            n = len(X[block])
            workspace = self._workspaces.of(n)
            workspace.forward(matrices, X[block])
            workspace.prepare()
            for target in range(targets):
                rows = J[block, target]
                end = parameters
                for _, A, delta in workspace.backward(matrices, self._seed(target, np.ones(n))):
                    begin = end - len(A) * len(delta)
                    part = rows[:, begin:end].reshape(n, len(A), len(delta))
                    np.einsum("in,on->nio", A, delta, out=part)
                    end = begin
        return J.reshape(-1, parameters)

    def normal_equations(self, theta: Array, rows: Rows) -> tuple[float, Array, Array]:
        """Return the squared loss, its gradient and the Gauss-Newton approximation of its Hessian.

        Parameters
        ----------
        theta : (P,) float64
        rows : scaled, at least one

        Returns
        -------
        loss : as `network.loss` defines it
        gradient : g, (P,) float64
        B : (P, P) float64, symmetric, positive semi-definite
        """
        parameters, targets = self.architecture.parameters, self.architecture.targets
        matrices = self.architecture.matrices(theta)
        gradient, B = np.zeros(parameters), np.zeros((parameters, parameters))
        product = np.empty_like(B)
        total = 0.0
        for block in rows.blocks(BLOCK_ROWS):
            workspace = self._workspaces.of(len(block))
            root = np.ones(len(block)) if block.weights is None else np.sqrt(block.weights)
            residuals = (workspace.forward(matrices, block.X) - block.Y.T) * root
            total += float(np.vdot(residuals, residuals))
            workspace.prepare()
            for target in range(targets):
                J = self._rows(workspace, matrices, target, root)
                gradient += J @ residuals[target]
                B += np.matmul(J, J.T, out=product)
        scale = 1.0 / (targets * rows.total_weight)
        gradient *= 2.0 * scale
        B *= 2.0 * scale
        return total * scale, gradient, B

    def curvature(self, theta: Array, rows: Rows, direction: Array) -> Array:
        """Return c·JᵀW·∂²ŷ/∂v²: the second derivative along v, by central differences.

        Parameters
        ----------
        direction : v, (P,) float64

        Returns
        -------
        curvature : (P,) float64
        """
        gradient = np.zeros(self.architecture.parameters)
        length = float(np.linalg.norm(direction))
        if length < MIN_LENGTH:
            return gradient
        h = max(CURVATURE_STEP, MIN_STEP_LENGTH / length)
        step = h * direction
        here, ahead, behind = map(self.architecture.matrices, (theta, theta + step, theta - step))
        partial = self.architecture.matrices(part := np.empty_like(gradient))
        for block in rows.blocks(BLOCK_ROWS):
            workspace = self._workspaces.of(len(block))
            second = workspace.forward(ahead, block.X).copy()
            second += workspace.forward(behind, block.X)
            second -= 2.0 * workspace.forward(here, block.X)
            if block.weights is not None:
                second *= block.weights
            workspace.gradient(here, second, out=partial)
            gradient += part
        gradient *= 2.0 / (h**2 * self.architecture.targets * rows.total_weight)
        return gradient

    def _rows(
        self, workspace: Workspace, matrices: list[Array], target: int, scale: Array
    ) -> Array:
        """Return Jᵀ for one target, (P, n), each column times its scale, in a reused buffer."""
        parameters, n = self.architecture.parameters, len(scale)
        if self._block.size < parameters * n:
            self._block = np.empty(parameters * n)
        rows = self._block[: parameters * n].reshape(parameters, n)
        end = parameters
        for _, A, delta in workspace.backward(matrices, self._seed(target, scale)):
            start = end - len(A) * len(delta)
            part = rows[start:end].reshape(len(A), len(delta), n)
            np.multiply(A[:, None, :], delta, out=part)
            end = start
        return rows

    def _seed(self, target: int, scale: Array) -> Array:
        """Return the derivative of `scale` times one target with respect to the outputs."""
        delta = np.zeros((self.architecture.targets, len(scale)))
        delta[target] = scale
        return delta
