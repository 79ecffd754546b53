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
from network.errors import InputError

_LEAST_WIDTH = 1e-5  # of a bin, relative to its distance from 0, so that float32 can resolve it


@dataclass(frozen=True, eq=False)
class Ramps:
    """Bins of inputs, ordered by input and then by position, which adjoin each other.

    Attributes
    ----------
    column : (R,) integers, the input of each ramp
    start, width : (R,) float64, the lower edge of the bin and its width, in units of the input

    Raises
    ------
    InputError
        arrays of different lengths, bins out of order, or numbers out of range.
    """

    column: NDArray[np.intp]
    start: Array
    width: Array

    def __post_init__(self) -> None:
        freeze(self, "start", "width")
        column = np.array(self.column, np.intp)
        column.setflags(write=False)
        object.__setattr__(self, "column", column)
        if column.ndim != 1 or not column.shape == self.start.shape == self.width.shape:
            raise InputError("the parts of ramps must be vectors of one length")
        if not (np.isfinite(self.start).all() and np.isfinite(self.width).all()):
            raise InputError("the edges of ramps must be finite")
        same = np.diff(column) == 0
        if (np.diff(column) < 0).any() or (np.diff(self.start)[same] <= 0).any():
            raise InputError("ramps must be ordered by column, and then by their edges")
        if (column < 0).any() or (self.width <= 0).any():
            raise InputError("ramps must have columns of 0 or more and widths above 0")

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
            quantiles = np.quantile(Z[:, each].astype(float), np.linspace(0.0, 1.0, bins + 1))
            edges = [quantiles[0]]
            for edge in quantiles[1:]:
                if edge - edges[-1] > _LEAST_WIDTH * max(abs(edge), abs(edges[-1])):
                    edges.append(edge)
            column += [each] * (len(edges) - 1)
            start += edges[:-1]
            width += np.diff(edges).tolist()
        return cls(np.array(column, np.intp), np.array(start), np.array(width))

    def encode(self, Z: Array) -> Array:
        """Return the ramps (n, R) of inputs Z (n, I)."""
        encoded: Array = np.clip((Z[:, self.column] - self.start) / self.width, 0.0, 1.0) - 0.5
        return encoded
