"""The calibration of a model's prediction intervals, and their coverage on other rows."""

from typing import Any

import numpy as np

from network import Array, Calibration, Rows
from trainer.evaluation.coverage import coverage_by_level

MAX_ROWS = 5_000  # the coverage at level 0.9 is then known to ± 0.004
LEVELS = (0.5, 0.8, 0.9, 0.95)


def calibrate(Y_hat: Array, test: Rows, *, signed: bool = False) -> Calibration:
    """Return the calibration from the first `MAX_ROWS` test rows.

    The test rows are independent of the training, including its early stopping. They are ordered by
    their hashes, so that the first ones are as good as a random sample. Weights are ignored.

    Parameters
    ----------
    Y_hat : (N, targets) float64, the predictions for the test rows
    signed : for a model of a quantile, which is not in the middle of the values
    """
    return Calibration.of(Y_hat[:MAX_ROWS], test.Y[:MAX_ROWS], signed=signed)


def calibration_report(
    calibration: Calibration, Y_hat: Array, other: Rows, targets: tuple[str, ...]
) -> dict[str, Any]:
    """Return half widths by level and target, and the share of other rows within them, for a card.

    Parameters
    ----------
    Y_hat : (N, targets) float64, the predictions for the other rows
    other : rows that were not used for the calibration
    """
    half_widths, coverage = {}, {}
    for level in LEVELS:
        if level <= calibration.highest_level:
            q = calibration.half_widths(level)
            lower, upper = calibration.offsets(level)
            residuals = other.Y - Y_hat
            within = ((lower <= residuals) & (residuals <= upper)).mean(axis=0)
            half_widths[str(level)] = dict(zip(targets, q.tolist(), strict=True))
            coverage[str(level)] = dict(zip(targets, within.tolist(), strict=True))
    return {
        "rows": len(calibration),
        "half_widths": half_widths,
        "coverage_of_validation_rows": coverage,
        "coverage_by_level": coverage_by_level(
            calibration, other.Y - Y_hat, np.ones_like(Y_hat), targets
        ),
    }
