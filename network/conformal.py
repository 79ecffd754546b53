"""Prediction intervals by split conformal prediction.

Suppose that the calibration rows, which the training never used, and a new row are exchangeable.
Then the new row's |y − ŷ| has every rank among all n + 1 with the same probability. If q is the
⌈(n + 1)·level⌉-th smallest |y − ŷ| of the calibration rows, the interval ŷ ± q therefore contains y
with a probability of at least `level`, for any model and any noise.

Sources
    Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World, chapter 4: inductive
        conformal predictors.
    Lei, G'Sell, Rinaldo, Tibshirani & Wasserman (2018), Distribution-free predictive inference for
        regression, JASA 113: algorithm 2 and theorem 2.2.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np

from network.arrays import Array, freeze
from network.errors import InputError, LevelError

MAX_SCORE = 1e200  # so that the ends of an interval are finite if the prediction is


@dataclass(frozen=True, eq=False)
class Calibration:
    """The scores of a model's calibration rows: their absolute residuals.

    Attributes
    ----------
    scores : (n, targets) float64, |y − ŷ| in the targets' units, each column ascending

    Raises
    ------
    InputError
        scores that have another shape or order, or are below 0 or above `MAX_SCORE`.
    """

    scores: Array

    def __post_init__(self) -> None:
        freeze(self, "scores")
        if self.scores.ndim != 2 or 0 in self.scores.shape:
            raise InputError(f"scores have shape {self.scores.shape}; expected (n, targets), n ≥ 1")
        if not ((self.scores >= 0) & (self.scores <= MAX_SCORE)).all():
            raise InputError(f"scores must be 0 or more, and up to {MAX_SCORE:g}")
        if (self.scores[1:] < self.scores[:-1]).any():
            raise InputError("scores must ascend")

    @classmethod
    def of(cls, Y_hat: Array, Y: Array) -> Self:
        """Return the calibration by predictions for rows that the training never used.

        Parameters
        ----------
        Y_hat, Y : (n, targets) float64, n ≥ 1; predicted and observed
        """
        return cls(np.sort(np.abs(Y - Y_hat), axis=0))

    def __len__(self) -> int:
        """Return n, the number of calibration rows."""
        return len(self.scores)

    @property
    def highest_level(self) -> float:
        """Return n/(n + 1), the highest level that n scores can guarantee."""
        return len(self) / (len(self) + 1)

    def half_widths(self, level: float) -> Array:
        """Return q for each target: ŷ ± q contains y with a probability of at least `level`.

        The probability is that of each target by itself. That all targets of a row are within their
        intervals at the same time is less probable.

        Parameters
        ----------
        level : between 0 and 1, in decimal notation: 0.9 of 10 rows is 9 rows

        Returns
        -------
        q : (targets,) float64, in the targets' units

        Raises
        ------
        LevelError
            a level that is not between 0 and 1, or is higher than `highest_level`.
        """
        if not 0.0 < level < 1.0:
            raise LevelError(f"level must be above 0 and below 1, got {level}")
        if level > self.highest_level:
            rows = "1 row" if len(self) == 1 else f"{len(self)} rows"
            most = math.floor(1e4 * self.highest_level) / 1e4
            raise LevelError(f"level must be at most {most}, as the model was calibrated on {rows}")
        rank = math.ceil(Fraction(repr(float(level))) * (len(self) + 1))
        q: Array = self.scores[min(rank, len(self)) - 1]  # level may round up to n/(n + 1)
        return q
