"""Errors of predictions, in the targets' own units."""

from typing import Any

import numpy as np

from network import Array


def regression_metrics(
    Y_hat: Array, Y: Array, targets: tuple[str, ...], weights: Array | None = None
) -> dict[str, Any]:
    """Return MSE, RMSE, MAE and R² over all targets, and of each target if there are several.

    Means are weighted if there are weights.

    R² = 1 − Σ(y − ŷ)²/Σ(y − ȳ)², the mean over the targets; None if it is undefined, because a
    target is constant in these rows.

    Parameters
    ----------
    Y_hat, Y : (N, targets) float64, N ≥ 1
    weights : (N,) float64, above 0
    """
    squares = np.average((Y_hat - Y) ** 2, axis=0, weights=weights)
    sizes = np.average(np.abs(Y_hat - Y), axis=0, weights=weights)
    mean = np.average(Y, axis=0, weights=weights)
    variances = np.average((Y - mean) ** 2, axis=0, weights=weights)
    defined = variances > 0
    r2 = 1.0 - squares / np.where(defined, variances, 1.0)
    each = {
        name: _entry(float(squares[k]), float(sizes[k]), float(r2[k]) if defined[k] else None)
        for k, name in enumerate(targets)
    }
    overall_r2 = float(r2.mean()) if defined.all() else None
    overall = _entry(float(squares.mean()), float(sizes.mean()), overall_r2)
    return overall if len(targets) == 1 else {**overall, "targets": each}


def share_below(Y_hat: Array, Y: Array, weights: Array | None = None) -> float:
    """Return the share of actual values below their predictions, over all targets."""
    return float(np.average((Y_hat > Y).mean(axis=1), weights=weights))


def _entry(mse: float, mae: float, r2: float | None) -> dict[str, Any]:
    return {"mse": mse, "rmse": mse**0.5, "mae": mae, "r2": r2}
