"""The choice of a date's inputs: its trend and its seasons, as far as they carry signal.

A group of inputs is kept if a linear model's leave-one-out error is higher without it.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from network import Array, Column, Encoding
from network.encoding import MISSING, SCALED
from network.rows import sample
from trainer.data.input_encoding import SEASONS

ROWS = 5_000  # of which the errors are computed; sufficient to find a signal
MIN_GAIN = 1e-3  # of the squared error, for a group of inputs to be kept
STRENGTHS = np.logspace(-6.0, 2.0, 17)


def choose_date_inputs(
    columns: Sequence[Column], encoding: Encoding, X: Array, Y: Array
) -> tuple[Encoding, list[str]]:
    """Return the encoding without the inputs of dates that carry no signal, and what was left out.

    Parameters
    ----------
    X : (N, columns) float64, training rows
    Y : (N, targets) float64
    """
    groups = list(_groups(columns, encoding))
    if not groups:
        return encoding, []
    some = sample(len(X), ROWS)
    Z, Y = encoding.encode(X[some]), Y[some]
    kept = np.ones(encoding.inputs, np.bool_)
    error = leave_one_out_error(Z, Y)
    notes = []
    for name, inputs in groups:
        without = kept & ~inputs
        other = leave_one_out_error(Z[:, without], Y) if without.any() else np.inf
        if other <= (1.0 + MIN_GAIN) * error:
            kept, error = without, other
            notes.append(f"{name} carries no signal that a linear model finds, and is not used")
    return _only(encoding, kept), notes


def leave_one_out_error(Z: Array, Y: Array, strengths: Array = STRENGTHS) -> float:
    """Return the mean squared leave-one-out error of ridge regression with the best strength.

    Parameters
    ----------
    Z : (N, I) float64
    Y : (N, K) float64; each target counts in units of its variance
    strengths : of the penalty, per row
    """
    Y = Y - Y.mean(axis=0)
    Y = Y / np.maximum(Y.std(axis=0), np.finfo(np.float64).tiny)
    U, s, _ = np.linalg.svd(Z - Z.mean(axis=0), full_matrices=False)
    projected, squares = U.T @ Y, U**2
    errors = []
    for strength in strengths:
        shrinkage = s**2 / (s**2 + strength * len(Z))
        leverage = 1.0 / len(Z) + squares @ shrinkage
        residuals = (Y - (U * shrinkage) @ projected) / (1.0 - np.minimum(leverage, 0.999))[:, None]
        errors.append(float(np.square(residuals).mean()))
    return min(errors)


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
