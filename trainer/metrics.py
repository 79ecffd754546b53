"""How far predictions are from the truth, in the targets' own units."""

from typing import Any

import numpy as np

from network import Array


def regression_metrics(
    Y_hat: Array, Y: Array, targets: tuple[str, ...], weights: Array | None = None
) -> dict[str, Any]:
    """MSE, RMSE and R² over all targets, and of each one where there are several.

    Means are weighted where there are weights.

    R² = 1 − Σ(y − ŷ)²/Σ(y − ȳ)², the mean over the targets; None where it is not defined (a
    target that is constant in these rows).

    Parameters
    ----------
    Y_hat, Y : (N, targets) float64, N ≥ 1
    weights : (N,) float64, above 0
    """
    squares = np.average((Y_hat - Y) ** 2, axis=0, weights=weights)
    mean = np.average(Y, axis=0, weights=weights)
    variances = np.average((Y - mean) ** 2, axis=0, weights=weights)
    defined = variances > 0
    r2 = 1.0 - squares / np.where(defined, variances, 1.0)
    each = {
        name: _entry(float(mse), float(r2[k]) if defined[k] else None)
        for k, (name, mse) in enumerate(zip(targets, squares, strict=True))
    }
    overall = _entry(float(squares.mean()), float(r2.mean()) if defined.all() else None)
    return overall if len(targets) == 1 else {**overall, "targets": each}


def _entry(mse: float, r2: float | None) -> dict[str, Any]:
    return {"mse": mse, "rmse": mse**0.5, "r2": r2}
