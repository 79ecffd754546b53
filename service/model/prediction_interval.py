"""Prediction intervals: they contain the true value with a given probability."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from network import Array, Calibration
from service.model.prediction import Prediction, RowPrediction
from service.web.fields import Number

ALL = slice(None)


class Level(Number):
    """A probability, neither 0 nor 1."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(below=1.0, **kwargs)


@dataclass(frozen=True, eq=False)
class Interval:
    """An interval around each prediction. For some models its width differs from row to row.

    Attributes
    ----------
    level : the probability that an interval contains the true value, at least
    offsets : (2, targets) float64, of the lower and the upper end from the prediction, in units of
        the expected size of its error
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

    def lower(self, prediction: Prediction, rows: slice = ALL) -> Array:
        """Return the lower ends for some predictions: (n, targets)."""
        return self._end(0, prediction, rows)

    def upper(self, prediction: Prediction, rows: slice = ALL) -> Array:
        """Return the upper ends for some predictions: (n, targets)."""
        return self._end(1, prediction, rows)

    def ends_of_row(self, prediction: RowPrediction) -> list[list[float]]:
        """Return the lower and the upper ends for one prediction; the same bits, but faster."""
        scale = prediction.scale or [1.0] * len(prediction.y)
        return [
            [
                y + offset * size
                for y, offset, size in zip(prediction.y, offsets, scale, strict=True)
            ]
            for offsets in self._offsets
        ]

    def with_ends(self, prediction: Prediction, rows: slice) -> Array:
        """Return some predictions and both ends: (n, targets, 3)."""
        Y, ends = prediction.Y[rows], (self._end(end, prediction, rows) for end in (0, 1))
        return np.stack([Y, *ends], axis=2)

    def _end(self, end: int, prediction: Prediction, rows: slice) -> Array:
        offset = self.offsets[end]
        if prediction.scale is not None:
            offset = offset * prediction.scale[rows]
        found: Array = prediction.Y[rows] + offset
        return found
