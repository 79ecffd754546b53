"""Prediction intervals by conformal prediction.

Suppose that the calibration rows, which the training never used, and a new row are exchangeable.
Then the new row's score |y − ŷ|/σ has every rank among all n + 1 with the same probability. If q is
the ⌈(n + 1)·level⌉-th smallest score of the calibration rows, the interval ŷ ± q·σ therefore
contains y with a probability of at least `level`, for any model and any noise. σ is the scale that
the model expects for a row's error, or 1 for a model without scales.

A model of a quantile is not in the middle of the values. Its scores are signed, (y − ŷ)/σ, and the
ends of an interval are ŷ plus two quantiles of the scores, times σ, with (1 − level)/2 beyond each.

If the scores are of out-of-fold predictions, members of the model have seen the other rows, and the
probability holds approximately.

Sources
    Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World, chapter 4: inductive
        conformal predictors.
    Lei, G'Sell, Rinaldo, Tibshirani & Wasserman (2018), Distribution-free predictive inference for
        regression, JASA 113: algorithm 2, theorem 2.2, and section 5.2 for σ.
    Romano, Patterson & Candès (2019), Conformalized quantile regression, NeurIPS 32: theorem 2 for
        each end by itself.
    Vovk (2015), Cross-conformal predictors, Annals of Mathematics and Artificial Intelligence 74.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np

from network.arrays import Array, freeze
from network.errors import InputError, LevelError

MAX_SCORE = 1e200  # so that the ends of an interval are finite if the prediction is
MAX_SCORES = 5_000  # that are kept; the coverage at level 0.9 is then known to ± 0.004


@dataclass(frozen=True, eq=False)
class Calibration:
    """The scores of a model's calibration rows: their residuals, relative to their scales.

    Attributes
    ----------
    scores : (n, targets) float64, |y − ŷ|/σ, each column ascending
    signed : whether the scores are (y − ŷ)/σ instead

    Raises
    ------
    InputError
        scores that have another shape or order, absolute scores below 0, or scores whose size is
        above `MAX_SCORE`.
    """

    scores: Array
    signed: bool = False

    def __post_init__(self) -> None:
        freeze(self, "scores")
        if self.scores.ndim != 2 or 0 in self.scores.shape:
            raise InputError(f"scores have shape {self.scores.shape}; expected (n, targets), n ≥ 1")
        least, bounds = (-MAX_SCORE, f"from {-MAX_SCORE:g}") if self.signed else (0.0, "0 or more")
        if not ((self.scores >= least) & (self.scores <= MAX_SCORE)).all():
            raise InputError(f"scores must be {bounds}, and up to {MAX_SCORE:g}")
        if (self.scores[1:] < self.scores[:-1]).any():
            raise InputError("scores must ascend")

    @classmethod
    def of(
        cls, Y_hat: Array, Y: Array, scale: Array | None = None, *, signed: bool = False
    ) -> Self:
        """Return the calibration by predictions for rows that the model, or its part, has not seen.

        Of more than `MAX_SCORES` rows, quantiles of the scores are kept. They are rounded so that
        intervals are not too short, and guarantee levels up to those of `MAX_SCORES` rows.

        Parameters
        ----------
        Y_hat, Y : (n, targets) float64, n ≥ 1; predicted and observed
        scale : (n, targets) float64, above 0, as the model expects it for each row; None for 1
        signed : for a model of a quantile
        """
        residuals = Y - Y_hat if scale is None else (Y - Y_hat) / scale
        scores = np.sort(residuals if signed else np.abs(residuals), axis=0)
        if len(scores) > MAX_SCORES:
            ranks = np.arange(1, MAX_SCORES + 1) * (len(scores) + 1) / (MAX_SCORES + 1)
            lower = signed * (MAX_SCORES // 2)
            ranks = np.append(np.floor(ranks[:lower]), np.ceil(ranks[lower:]))
            scores = scores[ranks.astype(np.intp) - 1]
        return cls(scores, signed)

    def __len__(self) -> int:
        """Return n, the number of scores."""
        return len(self.scores)

    @property
    def highest_level(self) -> float:
        """Return the highest level that n scores can guarantee: n/(n + 1), or less if signed."""
        return (len(self) - self.signed) / (len(self) + 1)

    def offsets(self, level: float) -> Array:
        """Return a and b for each target: ŷ + a·σ ≤ y ≤ ŷ + b·σ with at least this probability.

        The probability is that of each target by itself. That all targets of a row are within their
        intervals at the same time is less probable.

        Parameters
        ----------
        level : between 0 and 1, in decimal notation: 0.9 of 10 rows is 9 rows

        Returns
        -------
        offsets : (2, targets) float64, a and b; a = −b unless signed

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
        exact = Fraction(repr(float(level)))
        share = (1 + exact) / 2 if self.signed else exact
        rank = min(math.ceil(share * (len(self) + 1)), len(self))  # `level` may have been rounded
        upper = self.scores[rank - 1]
        return np.stack([self.scores[-rank] if self.signed else -upper, upper])

    def half_widths(self, level: float) -> Array:
        """Return half of the interval's width at σ = 1 for each target; see `offsets`."""
        lower, upper = self.offsets(level)
        half: Array = upper if not self.signed else (upper - lower) / 2.0
        return half
