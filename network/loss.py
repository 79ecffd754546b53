"""The loss, and the one place that fixes its convention.

L(θ) = 1/(N·K) · Σₙ Σₖ (ŷₙₖ − yₙₖ)²: the mean over the N rows and K targets, without a factor ½.
Targets are scaled, so L = 1 is what predicting their mean would score.
"""

from network.arrays import Array


def mean_squared_error(residuals: Array) -> float:
    """L of the residuals ŷ − y.

    Parameters
    ----------
    residuals : (N, targets) float64, contiguous, N ≥ 1
    """
    flat = residuals.reshape(-1)
    return float(flat @ flat) / flat.size


def mean_squared_error_gradient(residuals: Array, out: Array) -> None:
    """∂L/∂ŷ = 2·(ŷ − y)/(N·K), written to `out`, (N, targets), which may be `residuals`."""
    out[...] = residuals
    out *= 2.0 / residuals.size
