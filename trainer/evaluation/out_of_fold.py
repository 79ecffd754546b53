"""Errors of out-of-fold predictions: each row's by the networks that it did not train."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network import Array, Rows
from network.rows import Z_95
from trainer.evaluation.regression_metrics import regression_metrics


def out_of_fold_metrics(
    Y_hat: Array, rows: Rows, targets: tuple[str, ...], baselines: dict[str, Array]
) -> dict[str, Any]:
    """Return the metrics of out-of-fold predictions, with a confidence interval, for a card.

    The interval takes the rows' squared errors as independent; it contains the RMSE on all rows of
    the same origin with a probability of about 95 %. It is None if it is unknown, because
    nearly all weight is on one row.

    Parameters
    ----------
    Y_hat : (N, targets) float64, predictions for `rows`
    baselines : predictions (N, targets) of simpler models, also out of fold, by their names
    """
    metrics = regression_metrics(Y_hat, rows.Y, targets, rows.weights)
    mean, error = rows.mean(((Y_hat - rows.Y) ** 2).mean(axis=1))
    ends = [max(mean - Z_95 * error, 0.0) ** 0.5, (mean + Z_95 * error) ** 0.5]
    simpler = {
        name: regression_metrics(Y, rows.Y, targets, rows.weights) for name, Y in baselines.items()
    }
    return {
        **metrics,
        "rows": len(rows),
        "rmse_95": ends if math.isfinite(ends[1]) else None,
        "baselines": simpler,
    }


def mean_out_of_fold(rows: Rows, folds: NDArray[np.integer[Any]]) -> Array:
    """Predict each row by the weighted mean of the targets of the rows in other folds.

    Parameters
    ----------
    folds : (N,), the fold of each row
    """
    weights = np.ones(len(rows)) if rows.weights is None else rows.weights
    Y_hat = np.empty_like(rows.Y)
    for fold in np.unique(folds):
        held_out = folds == fold
        others = ~held_out if not held_out.all() else held_out
        Y_hat[held_out] = np.average(rows.Y[others], axis=0, weights=weights[others])
    return Y_hat
