"""A report on the test rows, as numbers that any front end can plot."""

from typing import Any

import numpy as np

from network import Array

POINTS = 200  # pairs of predicted and actual values
BINS = 30
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def residual_report(Y_hat: Array, Y: Array, targets: tuple[str, ...]) -> dict[str, Any]:
    """Return predicted and actual values and the distribution of the residuals ŷ − y, per target.

    Parameters
    ----------
    Y_hat, Y : (N, targets) float64, N ≥ 1, in random order; the first `POINTS` are in the report
    """
    return {
        name: {
            "actual": Y[:POINTS, k].tolist(),
            "predicted": Y_hat[:POINTS, k].tolist(),
            "residuals": _distribution(Y_hat[:, k] - Y[:, k]),
        }
        for k, name in enumerate(targets)
    }


def _distribution(residuals: Array) -> dict[str, Any]:
    least, greatest = float(residuals.min()), float(residuals.max())
    edges = np.linspace(least, greatest, BINS + 1)
    # not `np.histogram`, which refuses bins too narrow for float64, as with equal residuals
    bins = np.clip(np.searchsorted(edges, residuals, side="right") - 1, 0, BINS - 1)
    return {
        "quantiles": {str(q): float(np.quantile(residuals, q)) for q in QUANTILES},
        "histogram": {
            "edges": edges.tolist(),
            "counts": np.bincount(bins, minlength=BINS).tolist(),
        },
    }
