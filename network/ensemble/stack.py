"""The members of an ensemble and their stack as one function of the inputs."""

from collections.abc import Sequence

import numpy as np

from network.arrays import Array
from network.ensemble.forward_pass import ForwardPass
from network.ensemble.gaussian_process import GaussianProcess, Radial
from network.ensemble.parts import Linear, Networks
from network.scaling import Scaling

CHUNK = 4096  # rows at a time, where no other number is faster


class Stack:
    """y = constant + slopesᵀ·z + lastᵀ·h(z) + kernelᵀ·k(z). Safe to share between threads.

    h are the outputs of the last hidden layers of all networks that have a weight, and k are the
    covariances of the Gaussian process. The weights of the stack, the means over members and the
    scale of the targets are folded in.

    Attributes
    ----------
    forward : computes h; None if no network has a weight
    radial : computes k; None if the Gaussian process has no weight
    last, kernel, slopes, constant : (units, K), (centres, K), (I, K) and (K,) float64
    chunk : rows that should be computed at a time
    """

    def __init__(
        self,
        inputs: int,
        networks: Sequence[Networks],
        linear: Linear | None,
        weights: Array,
        scaling: Scaling,
        *,
        process: GaussianProcess | None = None,
    ) -> None:
        used = [model for model, w in zip(networks, weights, strict=False) if w.any()]
        self.forward = ForwardPass(used) if used else None
        self.chunk = self.forward.chunk if self.forward else CHUNK
        last = [np.zeros((0, len(scaling.scale)))]
        self.slopes: Array = np.zeros((inputs, len(scaling.scale)))
        self.constant: Array = scaling.shift.copy()
        for model, weight in zip(networks, weights, strict=False):
            factor = weight * scaling.scale
            self.slopes += factor * model.weights.U.mean(axis=0)
            self.constant += factor * model.weights.b3.mean(axis=(0, 1))
            if weight.any():
                W3 = model.weights.W3
                last.append(factor / len(W3) * W3.reshape(-1, W3.shape[2]))
        self.radial: Radial | None = None
        if process and (weight := weights[len(networks)]).any():
            factor = weight * scaling.scale
            self.radial = Radial(process)
            self.kernel: Array = factor * process.weights.mean(axis=0)
            self.slopes += factor * process.slopes.mean(axis=0)
            self.constant += factor * process.intercepts.mean(axis=0)
        if linear:
            factor = weights[-1] * scaling.scale
            self.slopes += factor * linear.slopes.mean(axis=0)
            self.constant += factor * linear.intercepts.mean(axis=0)
        self.last: Array = np.concatenate(last)

    def predict(self, Z: Array) -> Array:
        """Return predictions (n, K) for inputs Z (n, I), n ≤ `chunk`."""
        Y: Array = np.matmul(Z[:, None, :], self.slopes)
        Y += self.constant
        if self.forward is not None:
            Y += np.matmul(self.forward.hidden(Z), self.last)
        if self.radial is not None:
            Y += np.matmul(self.radial.covariances(Z), self.kernel)
        return Y[:, 0]
