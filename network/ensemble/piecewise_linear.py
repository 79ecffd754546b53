"""Piecewise-linear encoding of numbers: one ramp for each bin between two quantiles.

The ramp of the bin [e, e + w] is clip((z − e)/w, 0, 1) − ½.

References
----------
Gorishniy, Rubachev & Babenko 2022, "On Embeddings for Numerical Features in Tabular Deep
Learning", section 3.2.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from network.arrays import Array, freeze
from network.ensemble.weights import Floats

_LEAST_WIDTH = 1e-5  # of a bin, relative to its distance from 0, so that float32 can resolve it


@dataclass(frozen=True, eq=False)
class Ramps:
    """Bins of the inputs, ordered by input and then by position.

    Attributes
    ----------
    column : (R,) intp, the input of each ramp
    start, width : (R,) float64, the lower edge of the bin and its width, in units of the input
    """

    column: NDArray[np.intp]
    start: Array
    width: Array

    def __post_init__(self) -> None:
        freeze(self, "start", "width")
        column = np.array(self.column, np.intp)
        column.setflags(write=False)
        object.__setattr__(self, "column", column)

    def __len__(self) -> int:
        return len(self.column)

    @classmethod
    def none(cls) -> Self:
        """Return no ramps."""
        return cls(np.empty(0, np.intp), np.empty(0), np.empty(0))

    @classmethod
    def between_quantiles(cls, Z: Floats, columns: NDArray[np.intp], bins: int) -> Self:
        """Return at most `bins` ramps for each of the columns, between quantiles of Z (N, I)."""
        column, start, width = [], [], []
        for each in columns:
            edges = np.unique(
                np.quantile(Z[:, each].astype(float), np.linspace(0.0, 1.0, bins + 1))
            )
            kept = [edges[0]]
            for edge in edges[1:]:
                if edge - kept[-1] > _LEAST_WIDTH * max(abs(edge), abs(kept[-1])):
                    kept.append(edge)
            column += [each] * (len(kept) - 1)
            start += kept[:-1]
            width += np.diff(kept).tolist()
        return cls(np.array(column, np.intp), np.array(start), np.array(width))
