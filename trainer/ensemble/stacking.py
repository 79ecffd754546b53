"""Stacking: the convex combination of models with the least out-of-fold loss.

References
----------
Wolpert 1992, "Stacked Generalization".
Breiman 1996, "Stacked Regressions": weights that are not negative.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from network import Array, Loss
from network.ensemble.weights import Floats
from trainer.ensemble.data import Integers

LEAST_WEIGHT = 0.02  # a smaller weight does not pay for the time of its model
STACKED_ROWS = 100_000  # sufficient for the weights of a few models
CHUNK = 65_536  # rows at a time
_SWEEPS = 50
_TOLERANCE = 1e-4
_GOLDEN = (5.0**0.5 - 1.0) / 2.0


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Predictions for training rows, each by members that have not seen the row.

    Attributes
    ----------
    networks : (J, P, N, K) float32, of each model of networks, by its member for each partition
    others : (N, K) float32 of each model without networks
    """

    networks: Floats
    others: Sequence[Floats]

    def of_models(self, rows: Integers | slice) -> Floats:
        """Return each model's predictions for some rows: (models, n, K), the others last."""
        means = self.networks[:, :, rows].mean(axis=1)
        return np.concatenate((means, *(each[None, rows] for each in self.others)))

    def stacked(self, weights: Array) -> Floats:
        """Return the stack's predictions (N, K) float32.

        Parameters
        ----------
        weights : (models, K)
        """
        predictions = np.zeros(self.networks.shape[2:], np.float32)
        for start in range(0, len(predictions), CHUNK):
            rows = slice(start, start + CHUNK)
            predictions[rows] = (self.of_models(rows) * weights[:, None]).sum(axis=0)
        return predictions


def stack(predictions: Array, y: Array, weights: Array | None, loss: Loss) -> Array:
    """Return weights w ≥ 0 with Σw = 1.

    Shift weight between two models at a time, until no pair gains by it; the loss is convex in w.

    Parameters
    ----------
    predictions : (J, N), of each model for rows that it has not seen
    y : (N,), the target
    weights : (N,) of the rows; None for ones
    """
    w = np.full(len(predictions), 1.0 / len(predictions))
    for _ in range(_SWEEPS):
        before = w.copy()
        for i, j in combinations(range(len(w)), 2):
            residuals, change = w @ predictions - y, predictions[i] - predictions[j]

            def total(t: float, r: Array = residuals, d: Array = change) -> float:
                return loss.total((r + t * d)[None], weights)

            t = _least(total, -w[i], w[j])
            w[i] += t
            w[j] -= t
        if np.abs(w - before).max() < _TOLERANCE:
            break
    w[w < LEAST_WEIGHT] = 0.0
    w /= w.sum()
    return w


def _least(f: Callable[[float], float], low: float, high: float) -> float:
    """Return where a convex function on [low, high] is least, by golden-section search."""
    ends = low, high
    a, b = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_a, at_b = f(a), f(b)
    while high - low > _TOLERANCE / 10:
        if at_a <= at_b:
            high, b, at_b = b, a, at_a
            a = high - _GOLDEN * (high - low)
            at_a = f(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + _GOLDEN * (high - low)
            at_b = f(b)
    return min((0.5 * (low + high), *ends), key=f)
