"""Gaussian processes with a length for each input, as functions of the inputs.

The covariance of two rows is amplitude·k(d) + slope·zᵀz′ + 1, where
d² = Σᵢ (zᵢ − z′ᵢ)²/lengthᵢ², and k is one of

    squared exponential   exp(−d²/2)
    Matérn, ν = 5/2       (1 + √5·d + 5·d²/3)·exp(−√5·d)

The mean of a process, given training rows c, is Σⱼ wⱼ·k(d(z, cⱼ)) + slopesᵀ·z + intercept: a
network with one hidden layer, which has a radial unit for each of them.

References
----------
Rasmussen & Williams 2006, "Gaussian Processes for Machine Learning", eqs. 2.25 and 4.17.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network.arrays import Array, freeze
from network.ensemble.parts import check_array, check_held_out
from network.errors import InputError


@dataclass(frozen=True, eq=False)
class GaussianProcess:
    """The means of processes that have the same covariance, given different rows.

    Attributes
    ----------
    is_matern : whether k is Matérn's
    lengths : (I,) float64, of each input
    centres : (C, I) float64, the inputs of the training rows
    weights : (M, C, K) float64, of each member, by the centre and the target
    slopes, intercepts : (M, I, K) and (M, K) float64
    held_out : (M, 2) integers, the partition and the fold whose rows each member is not given

    Raises
    ------
    InputError
        arrays that do not fit each other, or numbers that are out of range.
    """

    is_matern: bool
    lengths: Array
    centres: Array
    weights: Array
    slopes: Array
    intercepts: Array
    held_out: NDArray[np.integer[Any]]

    def __post_init__(self) -> None:
        freeze(self, "lengths", "centres", "weights", "slopes", "intercepts")
        if self.weights.ndim != 3 or self.centres.ndim != 2:
            raise InputError("a Gaussian process needs a matrix of centres and weights (M, C, K)")
        (count, inputs), (members, _, targets) = self.centres.shape, self.weights.shape
        check_held_out(self.held_out, members)
        for array, expected in (
            (self.lengths, (inputs,)),
            (self.centres, (count, inputs)),
            (self.weights, (members, count, targets)),
            (self.slopes, (members, inputs, targets)),
            (self.intercepts, (members, targets)),
        ):
            check_array(array, expected)
        if not (self.lengths > 0).all():
            raise InputError("the lengths of a Gaussian process must be above 0")

    def predict_member(self, member: int, Z: Array) -> Array:
        """Return one member's predictions (n, K) for inputs Z (n, I)."""
        k = Radial(self).covariances(Z)[:, 0]
        Y: Array = k @ self.weights[member] + Z @ self.slopes[member] + self.intercepts[member]
        return Y


class Radial:
    """The covariances k of rows with the centres of a process.

    Every product is one of a vector and a matrix of a fixed shape, so that the bits for a row do
    not depend on the other rows.
    """

    def __init__(self, process: GaussianProcess) -> None:
        self._is_matern = process.is_matern
        self._inverse_lengths = 1.0 / process.lengths
        self._centres = process.centres * self._inverse_lengths
        self._doubled = np.ascontiguousarray(-2.0 * self._centres.T)
        self._squares = np.square(self._centres).sum(axis=1)

    @property
    def centres(self) -> int:
        """The number of centres, C."""
        return len(self._centres)

    def covariances(self, Z: Array) -> Array:
        """Return k (n, 1, C) for inputs Z (n, I)."""
        squares, _ = self._distances(Z)
        return covariance(squares, self._is_matern)

    def gradients(self, Z: Array, weights: Array, points: Array, shares: Array) -> Array:
        """Return derivatives of Σⱼ wⱼ·k at α·z, as S sums over some α: (n, K, S, I).

        Parameters
        ----------
        weights : (C, K), w
        points, shares : (nodes,) and (S, nodes), α and its share of each sum
        """
        squares, scaled = self._distances(Z, points[:, None])
        slopes = covariance_and_slope(squares, self._is_matern)[1]
        # ∂d²/∂zᵢ = 2·(α·zᵢ − cᵢ)/lengthᵢ²
        towards_z = np.matmul(np.matmul(shares * points, slopes), weights).mT[:, :, :, None]
        from_centres = np.matmul(shares, slopes)[:, None] * weights.T[:, None]
        gradients: Array = towards_z * scaled[:, None] - np.matmul(from_centres, self._centres)
        gradients *= 2.0 * self._inverse_lengths
        return gradients

    def _distances(self, Z: Array, points: Array | float = 1.0) -> tuple[Array, Array]:
        """Return squared distances at α·z, and the inputs in units of the lengths.

        Parameters
        ----------
        points : (nodes, 1), α

        Returns
        -------
        squares, scaled : (n, nodes, C) and (n, 1, I)
        """
        scaled: Array = Z[:, None, :] * self._inverse_lengths
        squares: Array = np.matmul(scaled, self._doubled) * points
        squares += self._squares
        squares += np.matmul(scaled, scaled.transpose(0, 2, 1)) * points * points
        np.maximum(squares, 0.0, out=squares)
        return squares, scaled


def covariance(squares: Array, is_matern: bool) -> Array:
    """Return k for squared distances d²."""
    if not is_matern:
        return np.exp(-0.5 * squares)
    k: Array = 5.0 * squares
    distances = np.sqrt(k)
    k /= 3.0
    k += distances
    k += 1.0
    np.negative(distances, distances)
    k *= np.exp(distances, distances)
    return k


def covariance_and_slope(squares: Array, is_matern: bool) -> tuple[Array, Array]:
    """Return k and ∂k/∂(d²) for squared distances d²."""
    if not is_matern:
        k: Array = np.exp(-0.5 * squares)
        return k, -0.5 * k
    distances = np.sqrt(5.0 * squares)
    # ∂k/∂(d²) = −5/6·(1 + √5·d)·exp(−√5·d), and k = 5/3·d²·exp(−√5·d) − 6/5·∂k/∂(d²)
    decay = np.exp(-distances)
    distances += 1.0
    distances *= decay
    k = squares * (5.0 / 3.0)
    k *= decay
    k += distances
    distances *= -5.0 / 6.0
    return k, distances
