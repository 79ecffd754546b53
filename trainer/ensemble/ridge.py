"""Ridge regression in closed form, with the strength that the exact leave-one-out error selects.

The intercept is not penalised. A row's leave-one-out residual is r/(1 − h) with the leverage h. If
there are more inputs than rows, the rows are first expressed in an orthonormal basis of their
span, which changes no prediction.

References
----------
Hoerl & Kennard 1970, "Ridge Regression: Biased Estimation for Nonorthogonal Problems".
Allen 1974, "The Relationship between Variable Selection and Data Augmentation and a Method for
Prediction": the leave-one-out error in closed form.
"""

import numpy as np

from network import Array
from network.ensemble.parts import Linear
from network.ensemble.weights import Floats
from trainer.ensemble.data import CHUNK, Data, Integers

STRENGTHS = np.logspace(-6.0, 2.0, 33)  # λ, per unit of the rows' weight
LEAVE_ONE_OUT_ROWS = 100_000  # sufficient to select a strength
MAX_COLUMNS = 2000  # of the basis; beyond, the closed form takes too long
_SMALLEST_EIGENVALUE = 1e-12  # relative to the largest


def ridge(data: Data, count: int) -> Linear | None:
    """Fit a linear model for every fold of every partition, on the rows outside the fold.

    The strength is selected for each target, on all rows. Return None if both the rows and the
    inputs are too many.

    Parameters
    ----------
    count : of the folds of each partition, some of which may be empty
    """
    if min(len(data), data.inputs) > MAX_COLUMNS:
        return None
    basis = _span(data.take(slice(None)).astype(float)) if data.inputs > len(data) else None
    moments = [_moments(data, folds, count, basis) for folds in data.folds]
    total = moments[0].sum(axis=0)
    strengths = _strengths(data, basis, total)
    held_out = [(p, k) for p, folds in enumerate(moments) for k in range(len(folds))]
    fits = np.stack([_solve(total - moments[p][k], strengths) for p, k in held_out])
    slopes = fits[:, 1:] if basis is None else basis @ fits[:, 1:]
    return Linear(fits[:, 0], slopes, np.array(held_out))


def out_of_fold(linear: Linear, data: Data, rows: Integers) -> Floats:
    """Return, for rows (n,), the mean prediction of the models that have not seen it: (n, K)."""
    Y = np.zeros((len(rows), data.targets), np.float32)
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        Z, y = data.take(part), Y[start : start + CHUNK]
        for (p, k), intercept, slopes in zip(
            linear.held_out, linear.intercepts, linear.slopes, strict=True
        ):
            inside = data.folds[p, part] == k
            y[inside] += Z[inside] @ slopes + intercept
    return Y / np.float32(len(data.folds))


def _span(Z: Array) -> Array:
    """Return an orthonormal basis (I, r) of the span of the rows Z (N, I), for N < I."""
    eigenvalues, U = np.linalg.eigh(Z @ Z.T)
    kept = eigenvalues > _SMALLEST_EIGENVALUE * eigenvalues[-1]
    basis: Array = Z.T @ (U[:, kept] / np.sqrt(eigenvalues[kept]))
    return basis


def _inputs(data: Data, part: slice, basis: Array | None) -> Array:
    Z = data.take(part).astype(np.float64)
    return Z if basis is None else Z @ basis


def _moments(data: Data, folds: Integers, count: int, basis: Array | None) -> Array:
    """Return Σ w·(1, z, y)ᵀ(1, z, y) over the rows of each fold: (folds, 1 + r + K, 1 + r + K)."""
    columns = 1 + (data.inputs if basis is None else basis.shape[1]) + data.targets
    moments = np.zeros((count, columns, columns))
    for part in data.chunks():
        Z = _inputs(data, part, basis)
        rows = np.concatenate((np.ones((len(Z), 1)), Z, data.Y[part]), axis=1)
        weights = data.weights_of(part)
        weighted = rows if weights is None else rows * weights[:, None]
        for fold in range(len(moments)):
            inside = folds[part] == fold
            moments[fold] += weighted[inside].T @ rows[inside]
    return moments


def _strengths(data: Data, basis: Array | None, total: Array) -> Array:
    """Return the strength for each target: (K,)."""
    weight, c = total[0, 0], len(total) - data.targets
    mean, target_mean = np.split(total[0, 1:] / weight, [c - 1])
    covariance = total[1:c, 1:c] - weight * np.outer(mean, mean)
    eigenvalues, Q = np.linalg.eigh(covariance)
    coefficients = Q.T @ (total[1:c, c:] - weight * np.outer(mean, target_mean))
    shrinkage = 1.0 / (np.maximum(eigenvalues, 0.0)[:, None] + STRENGTHS * weight)
    errors = np.zeros((data.targets, len(STRENGTHS)))
    for part in data.chunks(-(-len(data) // LEAVE_ONE_OUT_ROWS)):
        T = (_inputs(data, part, basis) - mean) @ Q
        w = data.weights_of(part)
        w = np.ones(len(T)) if w is None else w.astype(np.float64)
        inverse_leverage = 1.0 - w[:, None] * (1.0 / weight + (T * T) @ shrinkage)
        for k in range(data.targets):
            r = (data.Y[part, k] - target_mean[k])[:, None] - T @ (
                coefficients[:, k, None] * shrinkage
            )
            r /= inverse_leverage
            errors[k] += w @ (r * r)
    best: Array = STRENGTHS[errors.argmin(axis=1)] * weight
    return best


def _solve(moments: Array, strengths: Array) -> Array:
    """Return the intercept and the slopes for each target: (1 + r, K)."""
    c = len(moments) - len(strengths)
    fits = np.empty((c, len(strengths)))
    for k, strength in enumerate(strengths):
        penalty = np.full(c, strength)
        penalty[0] = 0.0
        fits[:, k] = np.linalg.solve(moments[:c, :c] + np.diag(penalty), moments[:c, c + k])
    return fits
