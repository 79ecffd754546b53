"""How a model does on its test rows, in numbers that any front end can draw."""

from typing import Any

import numpy as np

from network import Array

POINTS = 200  # of predicted against actual
BINS = 30
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def test_report(Y_hat: Array, Y: Array, targets: tuple[str, ...]) -> dict[str, Any]:
    """Predicted against actual, and the distribution of the residuals ŷ − y, for each target.

    Parameters
    ----------
    Y_hat, Y : (N, targets) float64, N ≥ 1, in random order; the first `POINTS` are shown
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
    # `np.histogram` refuses bins too narrow for float64, as of residuals that are all equal
    bins = np.clip(np.searchsorted(edges, residuals, side="right") - 1, 0, BINS - 1)
    return {
        "quantiles": {str(q): float(np.quantile(residuals, q)) for q in QUANTILES},
        "histogram": {
            "edges": edges.tolist(),
            "counts": np.bincount(bins, minlength=BINS).tolist(),
        },
    }
