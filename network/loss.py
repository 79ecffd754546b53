"""Losses, and their convention for all of numnet.

L(θ) = Σₙ wₙ Σₖ ρ(ŷₙₖ − yₙₖ) / (K·Σₙ wₙ): the weighted mean over the N rows and K targets, without a
factor ½. The squared loss has ρ(r) = r². Because targets are scaled, a model that always predicts
their mean then has L = 1, if all rows have the same weight. A robust loss takes the scale of the
targets without their outliers.

References
----------
Huber 1964, "Robust Estimation of a Location Parameter".
Koenker & Bassett 1978, "Regression Quantiles"; the rounded kink as in Dabney et al. 2018, eq. 10.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from network.arrays import Array
from network.errors import LossError


class Loss(Protocol):
    """ρ and its derivative, for residuals r = ŷ − y, one row of data per column: (targets, n).

    Attributes
    ----------
    robust : whether the slope is bounded, so that few outliers of the target change little; their
        scale must not change it either
    """

    robust: ClassVar[bool]

    def costs(self, residuals: Array) -> Array:
        """Return ρ(rₖₙ): (targets, n)."""

    def total(self, residuals: Array, weights: Array | None) -> float:
        """Return Σₙ wₙ Σₖ ρ(rₖₙ); weights is (n,) or None for ones."""

    def slope(self, residuals: Array, weights: Array | None) -> None:
        """Replace each residual by wₙ·ρ′(rₖₙ)."""


@dataclass(frozen=True)
class Squared:
    """ρ(r) = r², which fits the mean."""

    robust: ClassVar[bool] = False

    def costs(self, residuals: Array) -> Array:
        """Return rₖₙ²: (targets, n)."""
        return residuals * residuals

    def total(self, residuals: Array, weights: Array | None) -> float:
        """Return Σₙ wₙ Σₖ rₖₙ²."""
        if weights is None:
            return float(np.vdot(residuals, residuals))
        return float(np.vdot(residuals * weights, residuals))

    def slope(self, residuals: Array, weights: Array | None) -> None:
        """Replace each residual by 2·wₙ·rₖₙ."""
        residuals *= 2.0 if weights is None else 2.0 * weights


@dataclass(frozen=True)
class Huber:
    """ρ(r) = r² up to |r| = δ and 2δ|r| − δ² beyond, which bounds the slope of outliers.

    Attributes
    ----------
    delta : δ > 0, in standard deviations of the target, without outliers

    Raises
    ------
    LossError
    """

    robust: ClassVar[bool] = True
    delta: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.delta < np.inf:
            raise LossError(f"δ of the Huber loss must be above 0 and finite, got {self.delta}")

    def costs(self, residuals: Array) -> Array:
        """Return ρ(rₖₙ): (targets, n)."""
        clipped = np.clip(residuals, -self.delta, self.delta)
        # ρ(r) = c·(2r − c) with c = r clipped to ±δ
        costs: Array = clipped * (2.0 * residuals - clipped)
        return costs

    def total(self, residuals: Array, weights: Array | None) -> float:
        """Return Σₙ wₙ Σₖ ρ(rₖₙ)."""
        return _weighted_sum(self.costs(residuals), weights)

    def slope(self, residuals: Array, weights: Array | None) -> None:
        """Replace each residual by 2·wₙ·rₖₙ, clipped to ±2·wₙ·δ."""
        np.clip(residuals, -self.delta, self.delta, out=residuals)
        residuals *= 2.0 if weights is None else 2.0 * weights


@dataclass(frozen=True)
class Quantile:
    """ρ(r) = (1 − q)·r for r > 0 and −q·r for r < 0, which fits the quantile q.

    The kink at 0 is rounded, so that gradients are continuous: |r| is replaced by r²/(2·KINK)
    within ±`KINK`, and by |r| − KINK/2 beyond.

    Attributes
    ----------
    q : in (0, 1)

    Raises
    ------
    LossError
    """

    robust: ClassVar[bool] = True
    q: float = 0.5

    KINK = 1e-3  # standard deviations of the target

    def __post_init__(self) -> None:
        if not 0 < self.q < 1:
            raise LossError(f"the quantile must lie between 0 and 1, got {self.q}")

    def costs(self, residuals: Array) -> Array:
        """Return ρ(rₖₙ): (targets, n)."""
        clipped = np.clip(residuals, -self.KINK, self.KINK)
        # both branches at once, with c = r clipped to ±KINK
        rounded = clipped * (2.0 * residuals - clipped) / (2.0 * self.KINK)
        costs: Array = rounded * np.where(residuals > 0, 1.0 - self.q, self.q)
        return costs

    def total(self, residuals: Array, weights: Array | None) -> float:
        """Return Σₙ wₙ Σₖ ρ(rₖₙ)."""
        return _weighted_sum(self.costs(residuals), weights)

    def slope(self, residuals: Array, weights: Array | None) -> None:
        """Replace each residual by wₙ·ρ′(rₖₙ)."""
        side = np.where(residuals > 0, 1.0 - self.q, self.q)
        np.clip(residuals, -self.KINK, self.KINK, out=residuals)
        residuals *= side / self.KINK
        if weights is not None:
            residuals *= weights


LOSSES: dict[str, Callable[..., Loss]] = {
    "squared": Squared,
    "huber": Huber,
    "quantile": Quantile,
}


def _weighted_sum(costs: Array, weights: Array | None) -> float:
    return float(costs.sum() if weights is None else (costs @ weights).sum())
