"""Scaling of features and targets to mean 0 and standard deviation 1, as a part of the model."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from network.arrays import Array, freeze
from network.errors import ScalingError

FENCE = 10.0
LEAST_PRECISE = 1e-140  # the square of a smaller deviation underflows
LEAST = 1e-290  # of a deviation that is not taken as 0, so that its reciprocal is finite
_SHARES = (0.25, 0.1, 0.05, 0.01)  # of the rows on either side, until the rest has a width


@dataclass(frozen=True, eq=False)
class Scaling:
    """x ↦ (x − shift)/scale, column by column.

    Attributes
    ----------
    shift, scale : (columns,) float64, in the units of the data; scale > 0

    Raises
    ------
    ScalingError
        arrays of different shapes, numbers that are not finite, or a scale that is not positive.
    """

    shift: Array
    scale: Array

    def __post_init__(self) -> None:
        freeze(self, "shift", "scale")
        if self.shift.ndim != 1 or self.shift.shape != self.scale.shape:
            raise ScalingError(
                f"shift and scale must be vectors of the same length, "
                f"got shapes {self.shift.shape} and {self.scale.shape}"
            )
        if not (np.isfinite(self.shift).all() and np.isfinite(self.scale).all()):
            raise ScalingError("shift and scale must be finite")
        if not (self.scale > 0).all():
            raise ScalingError("every scale must be above 0")

    @classmethod
    def of(cls, data: Array, *, robust: bool = False) -> Self:
        """Return the scaling by the columns' means and deviations; a constant column has scale 1.

        Parameters
        ----------
        data : (N, columns) float64, N ≥ 1
        robust : whether outliers, beyond `FENCE` times the distance of the quartiles, do not count
        """
        if robust:
            columns = [cls.of(_without_outliers(column)[:, None]) for column in data.T]
            return cls(
                *(
                    np.concatenate([getattr(each, name) for each in columns])
                    for name in ("shift", "scale")
                )
            )
        constant = (data == data[:1]).all(axis=0)
        with np.errstate(all="ignore"):
            shift = np.where(constant, data[0], data.mean(axis=0))
            deviation = data.std(axis=0)
        for column in np.flatnonzero(~constant & (deviation < LEAST_PRECISE)):
            deviation[column] = standard_deviation(data[:, column])
        return cls(shift, np.where(constant | (deviation == 0), 1.0, deviation))

    def apply(self, data: Array) -> Array:
        """Return a scaled copy of (N, columns)."""
        scaled: Array = data - self.shift
        scaled /= self.scale
        return scaled

    def undo(self, scaled: NDArray[np.floating[Any]]) -> Array:
        """Return what scaled columns (N, columns) are in the units of the data, in float64."""
        return scaled * self.scale + self.shift


def standard_deviation(values: Array) -> float:
    """Return the standard deviation of values (N,), also if their squares underflow."""
    with np.errstate(all="ignore"):
        deviation = float(values.std())
        if not deviation < LEAST_PRECISE:
            return deviation
        unit = float(np.abs(values - values.mean()).max())
        deviation = unit * float((values / unit).std()) if unit else 0.0
    return deviation if deviation >= LEAST else 0.0


def _without_outliers(values: Array) -> Array:
    """Return those of the values (N,) that are not outliers.

    If many values are the same, as in counts with zeros, the quartiles may be. Then quantiles
    further out measure the width.
    """
    for share in _SHARES:
        low, high = np.quantile(values, (share, 1.0 - share), method="nearest")
        if width := high - low:
            kept: Array = values[(values >= low - FENCE * width) & (values <= high + FENCE * width)]
            return kept
    return values
