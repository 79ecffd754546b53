"""Rows that a model was not trained on, with its predictions for them.

They are for pictures of how good a version is, and no prediction depends on them.

| member | |
|---|---|
| `held_out_rows` | (n,) float64: the rows' positions in the table, from 0 |
| `held_out_actual`, `held_out_predicted` | (n, targets) float64 |
| `held_out_inputs` | (k, features) float64, of the first k ≤ n rows; NaN is a missing cell |
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from network import Array, InputError, Rows
from registry.archive import Members

ROWS, ACTUAL, PREDICTED, INPUTS = HELD_OUT = (
    "held_out_rows",
    "held_out_actual",
    "held_out_predicted",
    "held_out_inputs",
)
MAX_ROWS = 1_000
MAX_INPUT_ROWS = 256
MAX_INPUT_NUMBERS = 32_768  # so that the file of a model with many features stays small


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Rows that a model was not trained on, a random sample of them.

    Attributes
    ----------
    rows : (n,) float64, their positions in the table, from 0
    actual, predicted : (n, targets) float64, n ≥ 1
    inputs : (k, features) float64, unscaled, of the first k ≤ n rows

    Raises
    ------
    InputError
        shapes that do not fit, or more than `MAX_ROWS` rows.
    """

    rows: Array
    actual: Array
    predicted: Array
    inputs: Array

    def __post_init__(self) -> None:
        n = len(self.actual) if self.actual.ndim == 2 else 0
        if self.rows.shape != (n,) or self.predicted.shape != self.actual.shape:
            raise InputError(
                f"held-out rows have shapes {self.rows.shape}, {self.actual.shape} and "
                f"{self.predicted.shape}; expected (n,), (n, targets) and (n, targets)"
            )
        if not 1 <= n <= MAX_ROWS:
            raise InputError(f"the file has {n} held-out rows; expected 1 to {MAX_ROWS:,}")
        if self.inputs.ndim != 2 or len(self.inputs) > n:
            raise InputError(
                f"{INPUTS} has shape {self.inputs.shape}; expected at most {n} rows of features"
            )

    @classmethod
    def of(cls, rows: Rows, numbers: NDArray[np.integer[Any]], predicted: Array) -> Self:
        """Return the first rows, as many as a file keeps.

        Parameters
        ----------
        rows : unscaled, in random order
        numbers : (N,), their positions in the table
        predicted : (N, targets) float64
        """
        n = MAX_ROWS
        k = min(n, MAX_INPUT_ROWS, max(1, MAX_INPUT_NUMBERS // max(1, rows.X.shape[1])))
        return cls(numbers[:n].astype(np.float64), rows.Y[:n], predicted[:n], rows.X[:k])

    def members(self) -> Members:
        """Return the members of a version's file."""
        return dict(
            zip(HELD_OUT, (self.rows, self.actual, self.predicted, self.inputs), strict=True)
        )


def held_out_of(members: Members, features: int, targets: int) -> HeldOut | None:
    """Return the held-out rows of a file; None if it has none, as files of earlier releases.

    Raises
    ------
    InputError
    """
    if ROWS not in members:
        return None
    found = HeldOut(*(members[name] for name in HELD_OUT))
    widths = found.actual.shape[1], found.inputs.shape[1]
    if widths != (targets, features):
        raise InputError(
            f"the held-out rows have {widths[0]} targets and {widths[1]} features; "
            f"expected {targets} and {features}"
        )
    return found
