"""Gaussian processes, with the parameters that make the targets most likely.

A length for each input lets the process ignore inputs. On a few hundred rows of a smooth function
with noise, it beats networks. Time is cubic in the rows: the parameters are found on
`LIKELIHOOD_ROWS` of them, and larger tables have no process.

The mean for a row of a fold, given the rows outside it, follows from one inverse for all folds.

References
----------
Rasmussen & Williams 2006, "Gaussian Processes for Machine Learning", eqs. 2.30, 5.8, 5.9, 5.12.
MacKay 1994, "Bayesian Non-linear Modelling for the Prediction Competition": a length per input.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from network import Array
from network.ensemble.gaussian_process import (
    GaussianProcess,
    covariance,
    covariance_and_slope,
)
from network.ensemble.weights import Floats
from trainer.ensemble.data import Data

MAX_INPUTS = 200
# The lengths are found with the rows of all folds. With fewer rows per input they fit these rows so
# closely that the errors out of fold are far too small, and the stack prefers the process.
ROWS_PER_INPUT = 10
LIKELIHOOD_ROWS = 400
STEPS = {True: 60, False: 30}  # with Matérn's function, and then with the squared exponential
RATE = 0.1  # of Adam, in units of the logarithms
BETA1, BETA2 = 0.9, 0.99
LOG_DEVIATION = 2.0  # of the lengths' prior
LEAST_NOISE = 1e-6  # variance that is always added, for the condition of the matrix
LEAST_WEIGHT = 1e-9  # the noise of a row without weight is finite


@dataclass(frozen=True, eq=False)
class Covariance:
    """The covariance of rows, exp(2a)·k(d) + exp(2b)·zᵀz′ + 1, and their noise exp(2c)/w.

    Attributes
    ----------
    logarithms : (I + 3,), those of the lengths, and a, b and c
    """

    is_matern: bool
    logarithms: Array

    @classmethod
    def start(cls, is_matern: bool, inputs: int) -> Self:
        """Return long lengths, little slope and some noise, for scaled inputs and targets."""
        lengths = np.full(inputs, 0.5 * math.log(inputs))
        return cls(is_matern, np.concatenate((lengths, [0.0, -2.0, -1.0])))

    @property
    def lengths(self) -> Array:
        """Return the length of each input: (I,)."""
        return np.exp(self.logarithms[:-3])

    @property
    def variances(self) -> Array:
        """Return exp(2a), exp(2b) and exp(2c)."""
        return np.exp(2.0 * self.logarithms[-3:])

    def matrix(self, Z: Array, noise: Array) -> Array:
        """Return the covariance matrix of the targets, with noise: (n, n)."""
        k = covariance(_squared_distances(Z / self.lengths), self.is_matern)
        return self._matrix(k, Z, noise)

    def cost(self, Z: Array, Y: Array, noise: Array) -> tuple[float, Array]:
        """Return −log p(Y, lengths) up to a constant, and its gradient by the logarithms."""
        amplitude, slope, variance = self.variances
        scaled = Z / self.lengths
        k, k_slope = covariance_and_slope(_squared_distances(scaled), self.is_matern)
        matrix = self._matrix(k, Z, noise)
        inverse = _inverse(matrix)
        A = inverse @ Y
        determinant = np.log(np.diag(np.linalg.cholesky(matrix))).sum()
        cost = 0.5 * float((Y * A).sum()) + Y.shape[1] * float(determinant)
        # the derivative of the cost is ½·tr(D·∂matrix) with D = K·inverse − A·Aᵀ
        D = Y.shape[1] * inverse - A @ A.T
        gradient = np.empty_like(self.logarithms)
        # ∂d²/∂log(length) = −2·(z − z′)²/length²
        G = D * k_slope
        spread = (G.sum(axis=1)[:, None] * scaled * scaled).sum(axis=0)
        gradient[:-3] = -2.0 * amplitude * (spread - (scaled * (G @ scaled)).sum(axis=0))
        gradient[-3] = amplitude * float(np.vdot(D, k))
        gradient[-2] = slope * float((Z * (D @ Z)).sum())
        gradient[-1] = variance * float(np.diag(D) @ noise)
        distance = self.logarithms[:-3] - 0.5 * math.log(Z.shape[1])
        gradient[:-3] += distance / LOG_DEVIATION**2
        return cost + 0.5 * float(distance @ distance) / LOG_DEVIATION**2, gradient

    def _matrix(self, k: Array, Z: Array, noise: Array) -> Array:
        amplitude, slope, variance = self.variances
        matrix: Array = amplitude * k
        matrix += slope * (Z @ Z.T)
        matrix += 1.0
        matrix[np.diag_indices(len(Z))] += variance * noise + LEAST_NOISE
        return matrix


def gaussian_process(
    data: Data, count: int, seed: int, poll: Callable[[], None]
) -> GaussianProcess | None:
    """Fit processes for every fold of every partition, given the rows outside the fold.

    Return None if there are too many inputs, in all or for so few rows, or if no covariance matrix
    can be inverted.

    Parameters
    ----------
    count : of the folds of each partition, some of which may be empty
    seed : for the rows that the parameters are found on
    poll : called at every step; may raise to stop
    """
    if data.inputs > min(MAX_INPUTS, len(data) / ROWS_PER_INPUT):
        return None
    Z: Array = data.take(slice(None)).astype(np.float64)
    Y: Array = data.Y.astype(np.float64)
    noise = np.ones(len(Z))
    if data.weights is not None:
        noise /= np.maximum(data.weights, LEAST_WEIGHT)
    try:
        some = np.random.default_rng(seed).permutation(len(Z))[:LIKELIHOOD_ROWS]
        best = _most_likely(Z[some], Y[some], noise[some], poll)
        inverse = _inverse(best.matrix(Z, noise))
    except np.linalg.LinAlgError:
        return None
    held_out = [(p, k) for p in range(len(data.folds)) for k in range(count)]
    amplitude, slope, _ = best.variances
    A = np.stack([weights_given_others(inverse, Y, data.folds[p] == k) for p, k in held_out])
    return GaussianProcess(
        is_matern=best.is_matern,
        lengths=best.lengths,
        centres=Z,
        weights=amplitude * A,
        slopes=slope * (Z.T @ A),
        intercepts=A.sum(axis=1),
        held_out=np.array(held_out),
    )


def out_of_fold(process: GaussianProcess, data: Data) -> Floats:
    """Return (N, K) float32, the mean prediction of the processes not given the row."""
    Z = data.take(slice(None)).astype(np.float64)
    predictions = np.zeros(data.Y.shape, np.float32)
    for member, (p, k) in enumerate(process.held_out):
        inside = np.flatnonzero(data.folds[p] == k)
        predictions[inside] += process.predict_member(member, Z[inside])
    return predictions / np.float32(len(data.folds))


def _most_likely(Z: Array, Y: Array, noise: Array, poll: Callable[[], None]) -> Covariance:
    """Return the covariance with the least cost on two paths of Adam, one for each function k.

    The second path begins where the first is best.
    """
    least, best = math.inf, Covariance.start(True, Z.shape[1])
    for is_matern, steps in STEPS.items():
        current = replace(best, is_matern=is_matern)
        m, v = np.zeros((2, len(current.logarithms)))
        for t in range(1, steps + 1):
            poll()
            cost, gradient = current.cost(Z, Y, noise)
            if cost < least:
                least, best = cost, current
            m = BETA1 * m + (1.0 - BETA1) * gradient
            v = BETA2 * v + (1.0 - BETA2) * gradient * gradient
            rate = RATE * 0.5 * (1.0 + math.cos(math.pi * t / steps))
            step = rate * (m / (1.0 - BETA1**t)) / (np.sqrt(v / (1.0 - BETA2**t)) + 1e-8)
            current = replace(current, logarithms=current.logarithms - step)
    if not math.isfinite(least):
        raise np.linalg.LinAlgError("no covariance matrix could be inverted")
    return best


def weights_given_others(inverse: Array, Y: Array, held_out: NDArray[np.bool_]) -> Array:
    """Return the weights of all rows (N, K) given those not held out; 0 for those that are.

    With rows h held out and others o: inverse[oo] − inverse[oh]·inverse[hh]⁻¹·inverse[ho] is the
    inverse of the others' covariance matrix.
    """
    A: Array = inverse @ Y
    if held_out.any():
        A -= inverse[:, held_out] @ np.linalg.solve(
            inverse[np.ix_(held_out, held_out)], A[held_out]
        )
        A[held_out] = 0.0
    return A


def _inverse(matrix: Array) -> Array:
    return np.linalg.inv(matrix).astype(np.float64, copy=False)


def _squared_distances(scaled: Array) -> Array:
    squares = np.square(scaled).sum(axis=1)
    distances: Array = squares[:, None] + squares - 2.0 * (scaled @ scaled.T)
    return np.maximum(distances, 0.0, out=distances)
