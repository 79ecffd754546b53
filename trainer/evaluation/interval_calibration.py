"""How wide a model's prediction intervals are, and how many of other rows they hold."""

from typing import Any

from network import Array, Calibration, Rows

MAX_ROWS = 5_000  # the coverage at level 0.9 is then known to ± 0.004
LEVELS = (0.5, 0.8, 0.9, 0.95)


def calibrate(Y_hat: Array, test: Rows) -> Calibration:
    """The scores of the test rows, or of as many of them as a version keeps.

    The test rows had no part in the training, not even in when it stopped, and come in the order of
    their hashes: the first ones are as good as drawn at random. Each counts once, whatever it
    weighs.

    Parameters
    ----------
    Y_hat : (N, targets) float64, the predictions for them
    """
    return Calibration.of(Y_hat[:MAX_ROWS], test.Y[:MAX_ROWS])


def calibration_report(
    calibration: Calibration, Y_hat: Array, other: Rows, targets: tuple[str, ...]
) -> dict[str, Any]:
    """For the card: half widths by level and target, and the share of other rows within them.

    Parameters
    ----------
    Y_hat : (N, targets) float64, the predictions for the other rows
    other : that had no part in the calibration
    """
    half_widths, coverage = {}, {}
    for level in LEVELS:
        if level <= calibration.highest_level:
            q = calibration.half_widths(level)
            within = (abs(other.Y - Y_hat) <= q).mean(axis=0)
            half_widths[str(level)] = dict(zip(targets, q.tolist(), strict=True))
            coverage[str(level)] = dict(zip(targets, within.tolist(), strict=True))
    return {
        "rows": len(calibration),
        "half_widths": half_widths,
        "coverage_of_validation_rows": coverage,
    }
