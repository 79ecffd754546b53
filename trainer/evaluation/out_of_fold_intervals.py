"""The widths of intervals that differ from row to row, and their coverage out of fold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from network import Array, Calibration
from trainer.evaluation.coverage import cross_coverage_by_level
from trainer.evaluation.interval_calibration import LEVELS

LEVEL = 0.9  # of the intervals whose coverage is reported by thirds of the rows


def out_of_fold_intervals(
    calibration: Calibration, Y_hat: Array, residuals: Array, scale: Array, targets: tuple[str, ...]
) -> dict[str, Any]:
    """Return mean half widths and coverage of training rows out of fold, for a card.

    The thirds say where intervals are too narrow or too wide. Over all rows, the coverage is nearly
    the level, because the calibration is of the same rows.

    Parameters
    ----------
    Y_hat, residuals, scale : (N, targets) float64, predictions, y − ŷ and expected sizes of errors,
        out of fold, in random order
    """
    half_widths, coverage = {}, {}
    for level in LEVELS:
        if level <= calibration.highest_level:
            lower, upper = calibration.offsets(level)
            within = _within(residuals, scale, lower, upper)
            means = (scale * calibration.half_widths(level)).mean(axis=0)
            half_widths[str(level)] = dict(zip(targets, means.tolist(), strict=True))
            coverage[str(level)] = dict(zip(targets, within.mean(axis=0).tolist(), strict=True))
    report = {
        "rows": len(Y_hat),
        "highest_level": calibration.highest_level,
        "half_widths": half_widths,
        "coverage_out_of_fold": coverage,
    }
    if len(Y_hat) > 1:
        report["coverage_by_level"] = cross_coverage_by_level(
            Y_hat, residuals, scale, targets, signed=calibration.signed
        )
    if str(LEVEL) not in coverage:
        return report
    lower, upper = calibration.offsets(LEVEL)
    within = _within(residuals, scale, lower, upper)
    half = scale * calibration.half_widths(LEVEL)
    thirds = {
        target: {
            "by_prediction": _thirds(Y_hat[:, k], within[:, k], half[:, k]),
            "by_half_width": _thirds(half[:, k], within[:, k], half[:, k]),
        }
        for k, target in enumerate(targets)
    }
    return {**report, "thirds": {"level": LEVEL, "targets": thirds}}


def _within(residuals: Array, scale: Array, lower: Array, upper: Array) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (lower * scale <= residuals) & (residuals <= upper * scale)
    return found


def _thirds(by: Array, within: NDArray[np.bool_], half_widths: Array) -> list[dict[str, float]]:
    """Return the coverage and the mean half width of each third of the rows."""
    return [
        {
            "from": float(by[rows].min()),
            "to": float(by[rows].max()),
            "coverage": float(within[rows].mean()),
            "half_width": float(half_widths[rows].mean()),
        }
        for rows in np.array_split(np.argsort(by, kind="stable"), min(3, len(by)))
    ]
