"""Scaling of features and targets to mean 0 and standard deviation 1, as a part of the model."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from network.arrays import Array, freeze
from network.errors import ScalingError


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
    def of(cls, data: Array) -> Self:
        """Return the scaling by the columns' means and deviations; a constant column has scale 1.

        Parameters
        ----------
        data : (N, columns) float64, N ≥ 1
        """
        constant = (data == data[:1]).all(axis=0)
        with np.errstate(all="ignore"):
            shift = np.where(constant, data[0], data.mean(axis=0))
            deviation = data.std(axis=0)
        return cls(shift, np.where(constant | (deviation == 0), 1.0, deviation))

    def apply(self, data: Array) -> Array:
        """Return a scaled copy of (N, columns)."""
        scaled: Array = data - self.shift
        scaled /= self.scale
        return scaled
