"""Prediction intervals: they contain the true value with a given probability."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from network import Array, Calibration
from service.web.fields import Number


class Level(Number):
    """A probability, neither 0 nor 1."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(below=1.0, **kwargs)


@dataclass(frozen=True, eq=False)
class Interval:
    """An interval around each prediction, of the same width for all predictions of a target.

    Attributes
    ----------
    level : the probability that an interval contains the true value, at least
    offsets : (2, targets) float64, of the lower and the upper end from the prediction
    """

    level: float
    offsets: Array
    _offsets: list[list[float]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_offsets", self.offsets.tolist())

    @staticmethod
    @lru_cache(64)  # clients ask for the same level again and again
    def of_level(calibration: Calibration, level: float) -> "Interval":
        """Return the interval of a level.

        Raises
        ------
        LevelError
        """
        return Interval(level, calibration.offsets(level))

    def lower(self, Y: Array) -> Array:
        """Return the lower ends for predictions Y (…, targets)."""
        lower: Array = Y + self.offsets[0]
        return lower

    def upper(self, Y: Array) -> Array:
        """Return the upper ends for predictions Y (…, targets)."""
        upper: Array = Y + self.offsets[1]
        return upper

    def ends_of_row(self, y: list[float]) -> list[list[float]]:
        """Return the lower and the upper ends for one prediction; the same bits, but faster."""
        return [
            [value + offset for value, offset in zip(y, offsets, strict=True)]
            for offsets in self._offsets
        ]

    def with_ends(self, Y: Array) -> Array:
        """Return the predictions and both ends: (N, targets, 3)."""
        return np.stack([Y, self.lower(Y), self.upper(Y)], axis=2)
