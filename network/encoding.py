"""The inputs of a network, computed from columns of numbers, categories, dates and gaps.

Each input is the result of an operation on one column x, minus its mean in training:

| operation | result | if x is missing |
|---|---|---|
| `SCALED` | (x − shift)/scale | the mean |
| `MISSING` | 0 | 1 |
| `EQUALS` | 1 if x = shift, else 0 | 0 |
| `SINE`, `COSINE` | of 2π·(x − shift)/scale | the mean |
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from network.arrays import Array, freeze
from network.errors import InputError

SCALED, MISSING, EQUALS, SINE, COSINE = range(5)
OPERATIONS = 5
CHUNK = 65_536  # rows at a time


@dataclass(frozen=True, eq=False)
class Encoding:
    """A map from rows of columns to rows of finite inputs.

    Attributes
    ----------
    columns : the number of columns
    column : (I,), the index of the column that each input is computed from
    operation : (I,), see above
    shift, scale : (I,); every scale is above 0
    mean : (I,), of the operation's results in training

    Raises
    ------
    InputError
        arrays of different lengths, or numbers that are out of range.
    """

    columns: int
    column: Array
    operation: Array
    shift: Array
    scale: Array
    mean: Array
    _source: NDArray[np.intp] = field(init=False, repr=False)
    _waves: NDArray[np.intp] = field(init=False, repr=False)
    _equals: NDArray[np.intp] = field(init=False, repr=False)
    _missing: NDArray[np.intp] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        freeze(self, "column", "operation", "shift", "scale", "mean")
        parts = (self.column, self.operation, self.shift, self.scale, self.mean)
        if self.column.ndim != 1 or len({part.shape for part in parts}) != 1:
            raise InputError(
                f"the parts of an encoding must be vectors of one length, "
                f"got shapes {', '.join(str(part.shape) for part in parts)}"
            )
        if not all(np.isfinite(part).all() for part in parts) or not (self.scale > 0).all():
            raise InputError("the parts of an encoding must be finite, and every scale above 0")
        for part, limit in ((self.column, self.columns), (self.operation, OPERATIONS)):
            if not np.isin(part, np.arange(limit)).all():
                raise InputError(f"an encoding must refer to columns or operations below {limit}")
        object.__setattr__(self, "_source", self.column.astype(np.intp))
        for name, operations in (
            ("_waves", (SINE, COSINE)),
            ("_equals", (EQUALS,)),
            ("_missing", (MISSING,)),
        ):
            object.__setattr__(self, name, np.flatnonzero(np.isin(self.operation, operations)))

    @classmethod
    def of(cls, columns: int, inputs: Sequence[tuple[int, int, float, float]]) -> Self:
        """Return the encoding with these inputs: (column, operation, shift, scale) each; mean 0."""
        column, operation, shift, scale = np.array(inputs, dtype=np.float64).reshape(-1, 4).T
        return cls(columns, column, operation, shift, scale, np.zeros(len(column)))

    def centred(self, X: Array) -> Self:
        """Return the encoding with the means of training rows X (N, columns)."""
        total, count = np.zeros(self.inputs), np.zeros(self.inputs)
        zeros_count = np.isin(self.operation, (MISSING, EQUALS))  # of missing cells
        for start in range(0, len(X), CHUNK):
            part = X[start : start + CHUNK]
            total += self.encode(part).sum(axis=0)
            present = ~np.isnan(part[:, self._source])
            count += (present | zeros_count).sum(axis=0)
        return replace(self, mean=self.mean + total / np.maximum(count, 1.0))

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return len(self.column)

    @property
    def continuous(self) -> NDArray[np.bool_]:
        """Which inputs (I,) are scaled columns."""
        scaled: NDArray[np.bool_] = self.operation == SCALED
        return scaled

    @property
    def scaled_columns(self) -> NDArray[np.bool_]:
        """Which columns (columns,) a scaled input is computed from."""
        return np.isin(np.arange(self.columns), self.column[self.continuous])

    def encode(self, X: Array) -> Array:
        """Return the inputs (N, I) of rows X (N, columns); no row's bits depend on another row."""
        x = X.take(self._source, axis=1)  # in C order, so that rows are contiguous
        Z: Array = x - self.shift
        Z /= self.scale
        if len(waves := self._waves):
            turns = Z[:, waves]
            turns -= np.round(turns)  # exact; a sine of few turns is accurate
            turns *= 2.0 * np.pi
            Z[:, waves] = np.where(self.operation[waves] == SINE, np.sin(turns), np.cos(turns))
        if len(equals := self._equals):
            Z[:, equals] = x[:, equals] == self.shift[equals]
        if len(missing := self._missing):
            Z[:, missing] = np.isnan(x[:, missing])
        Z -= self.mean
        gaps = np.isnan(x)
        if gaps.any():
            Z[gaps & np.isnan(Z)] = 0.0
        return Z

    def slopes(self, X: Array) -> Array:
        """Return the derivatives (N, I) of the inputs with respect to their columns in X.

        They are 0 for a missing cell, and for inputs that jump.
        """
        x = X.take(self._source, axis=1)
        rates = np.where(self.operation == SCALED, 1.0 / self.scale, 0.0)
        slopes: Array = np.where(np.isnan(x), 0.0, rates)
        if len(waves := self._waves):
            rate = 2.0 * np.pi / self.scale[waves]
            turns = (x[:, waves] - self.shift[waves]) / self.scale[waves]
            turns = 2.0 * np.pi * (turns - np.round(turns))
            slope = np.where(self.operation[waves] == SINE, np.cos(turns), -np.sin(turns))
            slopes[:, waves] = np.where(np.isnan(turns), 0.0, rate * slope)
        return slopes
