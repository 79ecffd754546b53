"""Combinations of values that training had not, even if each value is inside its range.

The inputs z of a row are mapped to u = Wᵀ·z, so that every column counts alike and no inputs are
correlated: |u − v| is a Mahalanobis distance. A few hundred training rows represent all. A row is
familiar if it is inside the ball around any of them.

Rows are dense in some places and sparse in others. Therefore the radius of a ball is proportional
to the distance between its centre and a near neighbour. The factor is the smallest one for which
`FAMILIAR` of the training rows are inside the ball of another row.

References
----------
Tax 2001, "One-class classification": descriptions of data by the distances of nearest neighbours.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from network.arrays import Array, freeze
from network.errors import InputError

FAMILIAR = 0.995
ROWS = 4096  # that the balls are fitted to
CENTRES = 512
MAX_CENTRE_NUMBERS = 65_536  # so that the file of a model with many inputs stays small
MAX_DIMENSIONS = 256  # of u; more inputs are projected at random
CHUNK = 512  # rows per pass, so that their distances stay in the cache

_NEIGHBOUR = 5
_LEAST_VARIANCE = 0.1  # added to the variance in every direction
_LEAST_SQUARE = 1e-6  # of a radius
_ROUNDING = 1e-9  # of the squares that are subtracted, far above rounding errors
_UNDERFLOW = 1e-30  # in float32
_FLOAT32 = 2.0 * np.finfo(np.float32).eps  # the same in float32, for each term of a sum


@dataclass(frozen=True, eq=False)
class Familiarity:
    """Balls around representative training rows.

    Attributes
    ----------
    projection : W, (I, D) float64
    centres : (R, D) float64
    squared_radii : (R,) float64

    Raises
    ------
    InputError
        arrays that do not fit each other, numbers that are not finite, or negative squares.
    """

    projection: Array
    centres: Array
    squared_radii: Array
    _slopes: Array = field(init=False, repr=False)
    _intercepts: Array = field(init=False, repr=False)
    _both: NDArray[np.float32] = field(init=False, repr=False)
    _largest: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = "projection", "centres", "squared_radii"
        freeze(self, *names)
        arrays = [getattr(self, name) for name in names]
        shapes = [array.shape for array in arrays]
        if not _fit(*shapes):
            raise InputError(
                f"{', '.join(names)} have the shapes {', '.join(map(str, shapes))}; "
                f"expected (I, D), (R, D) and (R,)"
            )
        if not all(np.isfinite(each).all() for each in arrays) or (self.squared_radii < 0).any():
            raise InputError(f"{', '.join(names)} must be finite, and squared radii not below 0")
        # |u − c|² > r² for every centre c if and only if |u|² > max (2·c·u + r² − |c|²)
        object.__setattr__(self, "_slopes", np.ascontiguousarray(2.0 * self.centres.T))
        squares = (self.centres * self.centres).sum(axis=1)
        object.__setattr__(self, "_intercepts", self.squared_radii - squares)
        both = np.vstack((self._slopes, self._intercepts)).astype(np.float32)
        object.__setattr__(self, "_both", both)
        largest = float(2.0 * squares.max() + self.squared_radii.max())
        object.__setattr__(self, "_largest", largest)

    @classmethod
    def of(cls, Z: Array, column: NDArray[Any], rng: np.random.Generator) -> Self:
        """Return the balls that training rows need.

        Parameters
        ----------
        Z : (N, I) float64, N ≥ 1, inputs with mean 0 of training rows; `ROWS` of them are used
        column : (I,), the number of the column that each input is computed from
        """
        Z = Z[rng.permutation(len(Z))[:ROWS]]
        projection = _projection(Z, column.astype(np.intp), rng)
        U = Z @ projection
        centres = U[: min(CENTRES, MAX_CENTRE_NUMBERS // U.shape[1])]
        squares = _squared_distances(centres, U)
        neighbour = min(_NEIGHBOUR, len(U) - 1)
        sizes = np.partition(squares, neighbour, axis=1)[:, neighbour]
        sizes += 0.1 * np.median(sizes) + _LEAST_SQUARE
        squares /= sizes[:, None]
        if len(U) > 1:
            np.fill_diagonal(squares, np.inf)  # no row is measured by its own ball
        needed = np.sort(squares.min(axis=0))
        factor = needed[min(math.ceil(FAMILIAR * (len(U) + 1)), len(U)) - 1]
        return cls(projection, centres, np.maximum(factor * sizes, _LEAST_SQUARE))

    @property
    def inputs(self) -> int:
        """The number of inputs, I."""
        return len(self.projection)

    def unfamiliar(self, Z: Array) -> NDArray[np.bool_]:
        """Return which rows of inputs Z (N, I) are outside all balls: (N,).

        A row's result is the same alone and in any batch.
        """
        found = np.empty(len(Z), dtype=bool)
        with np.errstate(all="ignore"):
            for start in range(0, len(Z), CHUNK):
                found[start : start + CHUNK] = self._unfamiliar(Z[start : start + CHUNK])
        return found

    def unfamiliar_row(self, z: Array) -> bool:
        """Return whether one row of inputs z (I,) is outside all balls; faster for one row.

        NumPy's warnings of an overflow are the caller's.
        """
        u = z.dot(self.projection)
        bounds = u.dot(self._slopes)
        bounds += self._intercepts
        margin = float(u.dot(u)) - float(bounds[bounds.argmax()])
        return not margin <= 0.0  # a margin that is not a number is outside, too

    def _unfamiliar(self, Z: Array) -> NDArray[np.bool_]:
        """Decide most rows in float32, in a third of the time, and the others in float64."""
        U = Z @ self.projection
        bounds = np.hstack((U, np.ones((len(U), 1)))).astype(np.float32) @ self._both
        squares = (U * U).sum(axis=1)
        margins = squares - bounds.max(axis=1)
        found: NDArray[np.bool_] = margins > 0.0
        rounding = _FLOAT32 * (len(self._both) + 3) * (squares + self._largest) + _UNDERFLOW
        left = np.flatnonzero(~(np.isfinite(margins) & (abs(margins) > rounding)))
        if len(left):
            found[left] = self._unfamiliar_precisely(Z[left], U[left], squares[left])
        return found

    def _unfamiliar_precisely(self, Z: Array, U: Array, squares: Array) -> NDArray[np.bool_]:
        bounds = U @ self._slopes
        bounds += self._intercepts
        margins = squares - bounds.max(axis=1)
        found: NDArray[np.bool_] = ~(margins <= 0.0)
        # The rounding errors of a product of matrices depend on their shapes. Where they could
        # decide, a row is computed as if it were alone.
        for row in np.flatnonzero(~(abs(margins) > _ROUNDING * (squares + self._largest))):
            found[row] = self.unfamiliar_row(Z[row])
        return found


def _projection(Z: Array, column: NDArray[np.intp], rng: np.random.Generator) -> Array:
    """Return W (I, D)."""
    # A column of many inputs counts as one of variance 1. A rare category does not count more.
    weights = np.maximum(np.bincount(column, Z.var(axis=0)), 1.0)[column] ** -0.5
    if len(weights) <= MAX_DIMENSIONS:
        W = np.diag(weights)
    else:
        W = rng.normal(0.0, MAX_DIMENSIONS**-0.5, (len(weights), MAX_DIMENSIONS))
        W *= weights[:, None]
    U = Z @ W
    variances, Q = np.linalg.eigh(U.T @ U / len(U))
    # more for few rows, because they leave directions without variance by chance
    variances += max(_LEAST_VARIANCE, len(variances) / len(U))
    projection: Array = W @ (Q / np.sqrt(variances))
    return projection


def _squared_distances(centres: Array, U: Array) -> Array:
    """Return |c − u|² for all pairs: (R, N)."""
    squares = centres @ U.T
    squares *= -2.0
    squares += (centres * centres).sum(axis=1)[:, None]
    squares += (U * U).sum(axis=1)
    return np.maximum(squares, 0.0, out=squares)


def _fit(projection: tuple[int, ...], centres: tuple[int, ...], radii: tuple[int, ...]) -> bool:
    match projection, centres, radii:
        case (inputs, dimensions), (rows, others), (count,):
            return dimensions == others and rows == count and min(inputs, dimensions, rows) > 0
    return False
