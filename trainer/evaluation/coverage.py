"""How many rows are within their prediction intervals, by the intervals' level."""

from typing import Any

import numpy as np

from network import Array, Calibration

LEVELS = tuple(round(0.05 * step, 2) for step in range(1, 20))


def coverage_by_level(
    calibration: Calibration, residuals: Array, scale: Array, targets: tuple[str, ...]
) -> dict[str, Any]:
    """Return the share of rows within their intervals by level and target, for a card.

    Parameters
    ----------
    residuals : (N, targets) float64, y − ŷ of rows that the calibration has not seen
    scale : (N, targets) float64, the expected sizes of the errors
    """
    levels = [level for level in LEVELS if level <= calibration.highest_level]
    shares = [_within(calibration, level, residuals, scale) for level in levels]
    return _document(levels, np.array(shares).reshape(-1, len(targets)), len(residuals), targets)


def cross_coverage_by_level(
    Y_hat: Array, residuals: Array, scale: Array, targets: tuple[str, ...], *, signed: bool
) -> dict[str, Any]:
    """Return the same for one set of rows, each half by the scores of the other half.

    Parameters
    ----------
    Y_hat, residuals, scale : (N, targets) float64, N ≥ 2, in random order
    """
    halves = slice(0, None, 2), slice(1, None, 2)
    found = [
        (Calibration.of(Y_hat[own], Y_hat[own] + residuals[own], scale[own], signed=signed), other)
        for own, other in (halves, halves[::-1])
    ]
    most = min(calibration.highest_level for calibration, _ in found)
    levels = [level for level in LEVELS if level <= most]
    shares = [
        np.mean([_within(each, level, residuals[of], scale[of]) for each, of in found], axis=0)
        for level in levels
    ]
    return _document(levels, np.array(shares).reshape(-1, len(targets)), len(residuals), targets)


def _within(calibration: Calibration, level: float, residuals: Array, scale: Array) -> Array:
    lower, upper = calibration.offsets(level)
    within = (lower * scale <= residuals) & (residuals <= upper * scale)
    share: Array = within.mean(axis=0)
    return share


def _document(
    levels: list[float], shares: Array, rows: int, targets: tuple[str, ...]
) -> dict[str, Any]:
    by_target = dict(zip(targets, shares.T.tolist(), strict=True))
    return {"rows": rows, "levels": levels, "targets": by_target}
