"""Errors of predictions, and coverage and scores of prediction intervals.

Sources
    Gneiting & Raftery (2007), Strictly proper scoring rules, prediction, and estimation, JASA 102:
        the interval score, equation 43.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LEVEL = 0.9


def rmse(y: Array, y_hat: Array) -> float:
    """Return the root of the mean squared error of predictions (N,)."""
    return float(np.sqrt(np.mean((y - y_hat) ** 2)))


def within(y: Array, interval: Array) -> NDArray[np.bool_]:
    """Return which y (N,) are in their intervals (N, 2)."""
    low, high = interval.T
    covered: NDArray[np.bool_] = (low <= y) & (y <= high)
    return covered


def thirds(interval: Array) -> NDArray[np.intp]:
    """Return for each interval (N, 2) whether it is of the narrowest third, 0, to the widest, 2.

    Intervals of equal width are counted in the order of the rows.
    """
    order = np.argsort(interval[:, 1] - interval[:, 0], kind="stable")
    found = np.empty(len(order), np.intp)
    found[order] = np.arange(len(order)) * 3 // len(order)
    return found


def interval_score(y: Array, interval: Array, level: float = LEVEL) -> float:
    """Return the mean width plus 2/(1 − level) times the mean distance of y to its interval."""
    low, high = interval.T
    missed = np.maximum(low - y, 0.0) + np.maximum(y - high, 0.0)
    return float(np.mean(high - low + 2.0 / (1.0 - level) * missed))
