"""How sure a prediction is: split conformal intervals around it.

Where calibration rows that the training never used, and a fresh row, are as good as drawn from one
population in random order, the fresh row's |y − ŷ| is as likely to come first, second, … or last
among all n + 1. So with q the ⌈(n + 1)·level⌉-th smallest of the calibration rows' |y − ŷ|, the
interval ŷ ± q holds y with a probability of at least `level`, whatever the model and the noise.

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

MAX_SCORE = 1e200  # so that the ends of an interval are finite where the prediction is


@dataclass(frozen=True, eq=False)
class Calibration:
    """The scores of a model's calibration rows.

    Attributes
    ----------
    scores : (n, targets) float64, |y − ŷ| in the targets' units; each column ascends

    Raises
    ------
    InputError
        scores of another shape or order, below 0, or above `MAX_SCORE`.
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
        """From predictions for rows that the training never used, and the truth.

        Parameters
        ----------
        Y_hat, Y : (n, targets) float64, n ≥ 1
        """
        return cls(np.sort(np.abs(Y - Y_hat), axis=0))

    def __len__(self) -> int:
        """n, the number of calibration rows."""
        return len(self.scores)

    @property
    def highest_level(self) -> float:
        """n/(n + 1): beyond it no score is large enough."""
        return len(self) / (len(self) + 1)

    def half_widths(self, level: float) -> Array:
        """q for each target: ŷ ± q holds a fresh row's y with a probability of at least `level`.

        Each target's interval is right for that target; that all of a row's hold at once is less
        probable.

        Parameters
        ----------
        level : between 0 and 1, taken as the decimal that it is written as: 0.9 of 10 is 9

        Returns
        -------
        q : (targets,) float64, in the targets' units

        Raises
        ------
        LevelError
            a level that is no probability between 0 and 1, or too high for so few rows.
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
