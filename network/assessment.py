"""Predictions together with what the model knows of them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from network.arrays import Array


@dataclass(frozen=True, eq=False)
class Assessment:
    """The assessment of N rows.

    Attributes
    ----------
    Y : (N, targets) float64, the predictions, with the bits of `predict`
    scale : (N, targets) float64, the expected size of the errors, in the targets' units, by which
        a `Calibration` makes intervals; None if it was not asked for, or is 1 for every row
    unfamiliar : (N,), which rows are unlike all training rows; None if the model cannot tell
    """

    Y: Array
    scale: Array | None
    unfamiliar: NDArray[np.bool_] | None


class RowAssessment(NamedTuple):
    """The assessment of one row; see `Assessment`.

    Attributes
    ----------
    y : one number for each target
    scale : (targets,) float64
    """

    y: list[float]
    scale: Array | None
    unfamiliar: bool | None
