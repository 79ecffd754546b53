"""Errors of predictions for rows that a model was not trained on, beside simpler models."""

import math
from typing import Any

import numpy as np

from network import Array, Rows
from network.rows import Z_95
from trainer.evaluation.regression_metrics import regression_metrics


def judged_metrics(
    Y_hat: Array, rows: Rows, targets: tuple[str, ...], baselines: dict[str, Array]
) -> dict[str, Any]:
    """Return the metrics of predictions, with a confidence interval, for a card.

    The interval takes the rows' squared errors as independent; it contains the RMSE on all rows of
    the same origin with a probability of about 95 %. It is None if it is unknown, because
    nearly all weight is on one row.

    Parameters
    ----------
    Y_hat : (N, targets) float64, predictions for `rows`, which the model was not trained on
    baselines : predictions (N, targets) of simpler models, not trained on them either, by their
        names; those that are not finite are left out
    """
    metrics = regression_metrics(Y_hat, rows.Y, targets, rows.weights)
    mean, error = rows.mean(((Y_hat - rows.Y) ** 2).mean(axis=1))
    ends = [max(mean - Z_95 * error, 0.0) ** 0.5, (mean + Z_95 * error) ** 0.5]
    simpler = {
        name: regression_metrics(Y, rows.Y, targets, rows.weights)
        for name, Y in baselines.items()
        if np.isfinite(((Y - rows.Y) ** 2).sum())
    }
    return {
        **metrics,
        "rows": len(rows),
        "rmse_95": ends if math.isfinite(ends[1]) else None,
        "baselines": simpler,
    }
