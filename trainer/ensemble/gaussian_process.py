"""Gaussian processes, with the parameters that make the targets most likely.

A length for each input lets the process ignore inputs. On a few hundred rows of a smooth function
with noise, it beats networks. Time is cubic in the rows: the parameters are found on
`LIKELIHOOD_ROWS` of them, and larger tables have no process.

With the same parameters, the means for the rows of every fold, given the rows outside it, follow
from one inverse. Parameters that were found with a row make its error too small, by 7 to 13 % on
tables of 200 rows. Therefore they are found again without it for its prediction out of fold.

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
ROWS_PER_INPUT = 10  # at least, of all rows
PARTS = 3  # of the rows; the parameters for the predictions of one are found on the others
LIKELIHOOD_ROWS = 400  # at most, to find the parameters
PART_ROWS = 250  # at most, to find the parameters for the predictions of a part
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
) -> tuple[GaussianProcess, Floats] | None:
    """Fit processes for every fold of every partition, given the rows outside the fold.

    Return them and (N, K) float32, the mean prediction for each row of processes not given it, with
    parameters that were found without it. The processes' own parameters are found with all rows.

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
    try:
        given = _Given(data, seed, poll)
        return given.processes(count), given.out_of_fold(count)
    except np.linalg.LinAlgError:
        return None


class _Given:
    """The rows that processes are given, in float64."""

    def __init__(self, data: Data, seed: int, poll: Callable[[], None]) -> None:
        self._Z: Array = data.take(slice(None)).astype(np.float64)
        self._Y: Array = data.Y.astype(np.float64)
        self._noise = np.ones(len(data))
        if data.weights is not None:
            self._noise /= np.maximum(data.weights, LEAST_WEIGHT)
        self._folds, self._poll = data.folds, poll
        self._order = np.random.default_rng(seed).permutation(len(data))

    def processes(self, count: int) -> GaussianProcess:
        """Return the processes, whose parameters are the most likely ones given all rows."""
        best, inverse = self._fit(np.ones(len(self._Z), bool), LIKELIHOOD_ROWS)
        held_out = [(p, k) for p in range(len(self._folds)) for k in range(count)]
        amplitude, slope, _ = best.variances
        A = np.stack(
            [weights_given_others(inverse, self._Y, self._folds[p] == k) for p, k in held_out]
        )
        return GaussianProcess(
            is_matern=best.is_matern,
            lengths=best.lengths,
            centres=self._Z,
            weights=amplitude * A,
            slopes=slope * (self._Z.T @ A),
            intercepts=A.sum(axis=1),
            held_out=np.array(held_out),
        )

    def out_of_fold(self, count: int) -> Floats:
        """Return (N, K) float32; see `gaussian_process`."""
        Y, predictions = self._Y, np.zeros(self._Y.shape, np.float32)
        part = self._folds[0].astype(np.intp) * PARTS // count
        for number in range(PARTS):
            _, inverse = self._fit(part != number, PART_ROWS)
            A = inverse @ Y
            for folds in self._folds:
                for k in range(count):
                    h = np.flatnonzero(folds == k)
                    inside = part[h] == number
                    if inside.any():
                        residuals = _residuals_given_others(inverse, A, h)
                        predictions[h[inside]] += (Y[h] - residuals)[inside]
        return predictions / np.float32(len(self._folds))

    def _fit(self, seen: NDArray[np.bool_], most: int) -> tuple[Covariance, Array]:
        """Return the most likely covariance given rows that are seen, and the inverse for all."""
        some = self._order[seen[self._order]][:most]
        if not len(some):
            raise np.linalg.LinAlgError("no rows to find the parameters on")
        best = _most_likely(self._Z[some], self._Y[some], self._noise[some], self._poll)
        return best, _inverse(best.matrix(self._Z, self._noise))


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
        A -= inverse[:, held_out] @ _residuals_given_others(inverse, A, held_out)
        A[held_out] = 0.0
    return A


def _residuals_given_others(
    inverse: Array, A: Array, held_out: NDArray[np.bool_] | NDArray[np.intp]
) -> Array:
    """Return y − ŷ of rows held out, given all others: inverse[hh]⁻¹·A[h] with A = inverse·y."""
    residuals = np.linalg.solve(inverse[np.ix_(held_out, held_out)], A[held_out])
    return residuals.astype(np.float64, copy=False)


def _inverse(matrix: Array) -> Array:
    return np.linalg.inv(matrix).astype(np.float64, copy=False)


def _squared_distances(scaled: Array) -> Array:
    squares = np.square(scaled).sum(axis=1)
    distances: Array = squares[:, None] + squares - 2.0 * (scaled @ scaled.T)
    return np.maximum(distances, 0.0, out=distances)
