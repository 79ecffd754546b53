"""Simpler models, to compare a model with: the mean, and a linear model."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from network import Array, Rows

MAX_ROWS = 10_000  # that the linear model is fitted to
MAX_INPUTS = 300  # beyond, it takes too long
_RIDGE = 1e-9  # relative to the variance of the inputs, so that collinear ones do no harm


def baseline_predictions(train: Rows, Z_train: Array, Z_test: Array) -> dict[str, Array]:
    """Return the predictions (N, targets) of simpler models for test rows, by their names.

    The linear model is fitted by least squares to the first `MAX_ROWS` training rows. It is left
    out if there are more than `MAX_INPUTS` inputs.

    Parameters
    ----------
    train : in random order
    Z_train, Z_test : (rows, I) float64, the scaled inputs of the training and of the test rows
    """
    mean = np.average(train.Y, axis=0, weights=train.weights)
    found = {"mean": np.tile(mean, (len(Z_test), 1))}
    if Z_train.shape[1] <= MAX_INPUTS:
        found["linear"] = _linear(train[:MAX_ROWS], Z_train[:MAX_ROWS], Z_test)
    return found


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


def _linear(train: Rows, Z_train: Array, Z_test: Array) -> Array:
    """Return the predictions of a linear model; only its intercept is without a penalty."""
    weights = np.ones(len(train)) if train.weights is None else train.weights
    shares = weights / weights.sum()
    centre, mean = shares @ Z_train, shares @ train.Y
    Z, Y = Z_train - centre, train.Y - mean
    covariance = (shares[:, None] * Z).T @ Z
    covariance += _RIDGE * (np.trace(covariance) or 1.0) * np.eye(len(covariance))
    slopes = np.linalg.solve(covariance, (shares[:, None] * Z).T @ Y)
    predicted: Array = (Z_test - centre) @ slopes + mean
    return predicted
