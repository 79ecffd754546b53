"""The rows that an ensemble is trained on, and the inputs of its models."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from network.ensemble.piecewise_linear import Ramps
from network.ensemble.weights import Floats

Integers = NDArray[np.integer[Any]]
CHUNK = 8192  # rows per pass over all rows
MAX_RAMPS = 1 << 24  # numbers that are kept for all rows; more are computed batch by batch


@dataclass(frozen=True, eq=False)
class Data:
    """Rows with encoded inputs, scaled targets and their folds.

    Attributes
    ----------
    X : (N, I) float32 or float64, the inputs; with `encode`, (N, F) rows to be encoded
    Y : (N, K) float32 or float64, scaled targets
    folds : (P, N) integers, the fold of each row in each partition, from 0
    continuous : (I,) bool, which inputs get a piecewise-linear encoding
    weights : (N,) not negative and with mean 1; None if every row has weight 1
    encode : maps rows (n, F) to inputs (n, I), so that the inputs of all rows need not be in memory
    """

    X: Floats
    Y: Floats
    folds: Integers
    continuous: NDArray[np.bool_]
    weights: Floats | None = None
    encode: Callable[[Floats], Floats] | None = None

    def __len__(self) -> int:
        return len(self.Y)

    @property
    def inputs(self) -> int:
        """Return I."""
        return len(self.continuous)

    @property
    def targets(self) -> int:
        """Return K."""
        return int(self.Y.shape[1])

    def weights_of(self, rows: Integers | slice) -> Floats | None:
        """Return the weights of the rows, or None if all are 1."""
        return None if self.weights is None else self.weights[rows]

    def gather(self, rows: Integers, out: Floats) -> None:
        """Write the inputs of the rows (n,) to out (n, I)."""
        if self.encode is None and out.dtype == self.X.dtype:
            self.X.take(rows, 0, out, "clip")  # with "raise", NumPy would copy `out`
        else:
            out[:] = self.take(rows)

    def take(self, rows: Integers | slice) -> Floats:
        """Return the inputs of the rows: (n, I)."""
        return self.encode(self.X[rows]) if self.encode else self.X[rows]

    def chunks(self, step: int = 1) -> Iterator[slice]:
        """Yield slices that together are all rows, or every `step`-th row."""
        for start in range(0, len(self), CHUNK * step):
            yield slice(start, min(start + CHUNK * step, len(self)), step)


class Inputs:
    """The inputs of a model: those of the data and their ramps.

    Ramps are computed as clip(zᵀ·A + c, −½, ½), where each column of A has one number. This takes
    less time than to copy each input to the places of its ramps.

    Attributes
    ----------
    ramps : may be empty
    """

    def __init__(self, data: Data, ramps: Ramps, dtype: DTypeLike = np.float32) -> None:
        self.data, self.ramps = data, ramps
        A = np.zeros((data.inputs, len(ramps)))
        A[ramps.column, np.arange(len(ramps))] = 1.0 / ramps.width
        self._A = A.astype(dtype)
        self._c = (-ramps.start / ramps.width - 0.5).astype(dtype)
        self._kept = None
        if len(data) * len(ramps) <= MAX_RAMPS:
            self._kept = np.empty((len(data), len(ramps)), dtype)
            for part in data.chunks():
                self._encode(data.take(part).astype(dtype, copy=False), self._kept[part])

    def gather(self, rows: Integers, Z: Floats, R: Floats) -> None:
        """Write the inputs and the ramps of the rows (n,) to Z (n, I) and R (n, ramps)."""
        self.data.gather(rows, Z)
        if self._kept is None:
            self._encode(Z, R)
        else:
            self._kept.take(rows, 0, R, "clip")

    def _encode(self, Z: Floats, R: Floats) -> None:
        np.matmul(Z, self._A, out=R)
        R += self._c
        np.maximum(R, -0.5, out=R)
        np.minimum(R, 0.5, out=R)
