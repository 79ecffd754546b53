"""Rows of data: features, targets and weights."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from network.arrays import Array

LEAST_EFFECTIVE = 1.99  # rows, so that two of equal weight are enough
Z_95 = 1.959964  # standard deviations of a normal distribution that contain 95 %


@dataclass(frozen=True, eq=False)
class Rows:
    """Observations, one per row.

    Attributes
    ----------
    X : (N, features) float64
    Y : (N, targets) float64
    weights : (N,) float64, not negative; None if every row has weight 1
    """

    X: Array
    Y: Array
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, which: Any) -> Self:
        """Return the rows that a slice or an array of indices selects."""
        weights = None if self.weights is None else self.weights[which]
        return type(self)(self.X[which], self.Y[which], weights)

    @property
    def total_weight(self) -> float:
        """Return Σₙ wₙ, which is N without weights."""
        return len(self) if self.weights is None else float(self.weights.sum())

    @property
    def effective_count(self) -> float:
        """Return (Σₙ wₙ)²/Σₙ wₙ², which is N for equal weights and 1 if one row has all weight.

        Source: Kish 1965, "Survey Sampling".
        """
        if self.weights is None:
            return len(self)
        shares = self.weights / self.total_weight
        return 1.0 / float(shares @ shares)

    def mean(self, values: Array) -> tuple[float, float]:
        """Return the weighted mean of independent values (N,), and its standard error.

        The error is infinite if fewer than `LEAST_EFFECTIVE` rows carry the weight: one value says
        nothing about the spread.
        """
        mean = float(np.average(values, weights=self.weights))
        if self.effective_count < LEAST_EFFECTIVE:
            return mean, math.inf
        shares = 1.0 / len(self) if self.weights is None else self.weights / self.total_weight
        parts = shares * (values - mean)
        size = float(np.abs(parts).max()) or 1.0  # so that no square overflows
        return mean, size * float(np.sqrt(np.square(parts / size).sum()))

    def blocks(self, size: int) -> Iterator[Self]:
        """Yield all rows in order, in blocks of at most `size`."""
        for start in range(0, len(self), size):
            yield self[start : start + size]


def sample(rows: int, size: int) -> NDArray[np.intp]:
    """Return the indices of at most `size` of the rows, in order: the same ones in every call.

    They are drawn at random: rows at equal distances might all be of one hour or weekday.
    """
    if rows <= size:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, size, replace=False, shuffle=False))
