"""The choice of a date's inputs: its trend and its seasons, as far as they carry signal.

A group of inputs is kept if a linear model's leave-one-out error is higher without it. The error is
that of the loss and of the row weights that the model is trained with.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from network import Array, Column, Encoding, Loss, Rows, Scaling, Squared
from network.encoding import MISSING, SCALED
from network.rows import sample
from trainer.data.input_encoding import SEASONS

ROWS = 5_000  # of which the errors are computed; sufficient to find a signal
MIN_GAIN = 1e-3  # of the squared error, for a group of inputs to be kept
REWEIGHTINGS = 5  # of the rows, for a loss that is not squared
LEAST_RESIDUAL = 0.05  # in deviations of the target, so that no row outweighs the others
STRENGTHS = np.logspace(-6.0, 2.0, 17)


def choose_date_inputs(
    columns: Sequence[Column], encoding: Encoding, rows: Rows, loss: Loss
) -> tuple[Encoding, list[str]]:
    """Return the encoding without the inputs of dates that carry no signal, and what was left out.

    Parameters
    ----------
    rows : training rows, unscaled
    loss : that the model is trained for
    """
    groups = list(_groups(columns, encoding))
    if not groups:
        return encoding, []
    some = rows[sample(len(rows), ROWS)]
    Z = encoding.encode(some.X)
    Y = Scaling.of(some.Y, robust=loss.robust).apply(some.Y)
    error_of = leave_one_out_error if isinstance(loss, Squared) else partial(_mean_loss, loss)
    kept = np.ones(encoding.inputs, np.bool_)
    error = error_of(Z, Y, some.weights)
    notes = []
    for name, inputs in groups:
        without = kept & ~inputs
        other = error_of(Z[:, without], Y, some.weights) if without.any() else np.inf
        if other <= (1.0 + MIN_GAIN) * error:
            kept, error = without, other
            notes.append(f"{name} carries no signal that a linear model finds, and is not used")
    return _only(encoding, kept), notes


def leave_one_out_error(
    Z: Array, Y: Array, weights: Array | None = None, strengths: Array = STRENGTHS
) -> float:
    """Return the mean squared leave-one-out error of ridge regression with the best strength.

    Parameters
    ----------
    Z : (N, I) float64
    Y : (N, K) float64; each target counts in units of its variance
    weights : (N,) float64, above 0; None for equal weights
    strengths : of the penalty, per row
    """
    return _leave_one_out(Z, Y, weights, strengths)[1]


def _leave_one_out(
    Z: Array, Y: Array, weights: Array | None, strengths: Array = STRENGTHS
) -> tuple[Array, float]:
    """Return the residuals y − ŷ (N, K) with the best strength for all targets, and their error."""
    shares = np.full(len(Z), 1.0 / len(Z)) if weights is None else weights / weights.sum()
    roots = np.sqrt(shares)[:, None]
    Y = Y - shares @ Y
    deviations = np.sqrt(np.maximum(shares @ Y**2, np.finfo(np.float64).tiny))
    U, s, _ = np.linalg.svd(roots * (Z - shares @ Z), full_matrices=False)
    projected, squares = U.T @ (roots * Y), U**2
    best, least = Y, np.inf
    for strength in strengths:
        shrinkage = s**2 / (s**2 + strength)
        leverage = np.minimum(shares + squares @ shrinkage, 0.999)[:, None]
        residuals = (Y - (U * shrinkage) @ projected / roots) / (1.0 - leverage)
        if (error := float((shares @ (residuals / deviations) ** 2).mean())) < least:
            best, least = residuals, error
    return best, least


def _mean_loss(loss: Loss, Z: Array, Y: Array, weights: Array | None) -> float:
    """Return the mean leave-one-out loss of a linear model that is fitted for this loss.

    It is fitted by iteratively reweighted least squares, with the weights |ρ′(r)/r|, of which the
    mean over the targets is taken.

    Source: Holland & Welsch 1977, "Robust regression using iteratively reweighted least-squares".
    """
    own = np.ones(len(Z)) if weights is None else weights
    r = -_leave_one_out(Z, Y, weights)[0].T
    for _ in range(REWEIGHTINGS):
        far = np.copysign(np.maximum(np.abs(r), LEAST_RESIDUAL), r)
        slopes = far.copy()
        loss.slope(slopes, None)
        r = -_leave_one_out(Z, Y, own * np.abs(slopes / far).mean(axis=0))[0].T
    return float(np.average(loss.costs(r).mean(axis=0), weights=weights))


def _groups(columns: Sequence[Column], encoding: Encoding) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return the inputs of each date by trend and period, in words and as masks (I,)."""
    found = []
    for index, column in enumerate(columns):
        if column.kind != "datetime":
            continue
        own = (encoding.column == index) & (encoding.operation != MISSING)
        scaled = encoding.operation == SCALED
        found.append((f"the trend of {column.name!r}", own & scaled))
        for season, (days, harmonics) in SEASONS.items():
            periods = [days / harmonic for harmonic in range(1, harmonics + 1)]
            inputs = own & ~scaled & np.isin(encoding.scale, periods)
            found.append((f"the time of {season} in {column.name!r}", inputs))
    return [(name, inputs) for name, inputs in found if inputs.any()]


def _only(encoding: Encoding, kept: NDArray[np.bool_]) -> Encoding:
    parts = ("column", "operation", "shift", "scale", "mean")
    return replace(encoding, **{name: getattr(encoding, name)[kept] for name in parts})
