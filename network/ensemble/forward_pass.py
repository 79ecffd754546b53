"""The forward pass of all networks of an ensemble, to their last hidden layer.

It is fast for one row, and a row has the same bits alone and in any batch: every product is that of
a vector and a matrix of a fixed shape, and hence the same BLAS call.

The ramps need no product with all their weights. With P[t] = V[0] + … + V[t − 1] − ½·ΣV kept for
every edge t of an input's bins, a value in bin t at the fraction f contributes
(1 − f)·P[t] + f·P[t + 1].
"""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from network.arrays import Array
from network.ensemble.activation import activate
from network.ensemble.parts import Networks
from network.ensemble.piecewise_linear import Ramps
from network.ensemble.weights import Floats

_CHUNK = 32  # rows at a time, so that the outputs of all layers stay in the cache
_CHUNK_NUMBERS = 1 << 19  # of P, for the rows of a chunk


class ForwardPass:
    """All members of some models, joined. Safe to share between threads.

    Attributes
    ----------
    members, units : M and M·H, the units in each hidden layer of all members
    W : (I, units) float64, from the inputs to the first hidden layers
    W2, b2 : (M, H, H) and (units,) float64, from the first to the second hidden layers
    sums : for the units in a slice, the products with the ramps
    chunk : rows that should be computed at a time
    """

    def __init__(self, models: Sequence[Networks]) -> None:
        weights = [each.weights for each in models]
        self._H = models[0].shape.hidden
        self.W: Array = np.concatenate([_beside(w.s[:, :, None] * w.W) for w in weights], axis=1)
        self._b1 = np.concatenate([w.b1.ravel() for w in weights])
        self.W2: Array = np.concatenate([w.W2 for w in weights])
        self.b2: Array = np.concatenate([w.b2.ravel() for w in weights])
        self.members, self.units = len(self.W2), len(self._b1)
        self.sums: list[tuple[slice, RunningSums]] = []
        end = 0
        for model in models:
            start, end = end, end + model.weights.b1.size
            if len(model.ramps):
                sums = RunningSums(model.ramps, _beside(model.weights.V))
                self.sums.append((slice(start, end), sums))
        gathered = sum(sums.numbers for _, sums in self.sums)
        self.chunk = max(1, min(_CHUNK, _CHUNK_NUMBERS // max(1, gathered)))

    def hidden(self, Z: Array) -> Array:
        """Return the outputs of the second hidden layers (n, 1, units) for inputs Z (n, I)."""
        A = self.weighted_inputs(Z)
        scratch = np.empty_like(A)
        activate(A, scratch)
        hidden = np.empty_like(A)
        if len(A) == 1:  # one call for all members
            size = (self.members, 1, self._H)
            np.matmul(A.reshape(size), self.W2, out=hidden.reshape(size))
        else:  # member by member, so that the weights of each are read once
            for m, W2 in enumerate(self.W2):
                units = slice(m * self._H, (m + 1) * self._H)
                np.matmul(A[:, :, units], W2, out=hidden[:, :, units])
        hidden += self.b2
        activate(hidden, scratch)
        return hidden

    def weighted_inputs(self, Z: Array) -> Array:
        """Return those of the first hidden layers (n, 1, units) for inputs Z (n, I)."""
        A: Array = np.matmul(Z[:, None, :], self.W)
        A += self._b1
        for part, sums in self.sums:
            A[:, :, part] += sums.products(Z)
        return A


class RunningSums:
    """The running sums P of the weights V from the ramps to the units of a layer.

    Attributes
    ----------
    columns : the inputs that have ramps
    numbers : those that are read for a row
    """

    def __init__(self, ramps: Ramps, V: Array) -> None:
        self._column = ramps.column
        self.columns, self._first = np.unique(ramps.column, return_index=True)
        self._start, self._width = ramps.start, ramps.width
        self._lists = [
            (column, start.tolist(), width.tolist(), first + number)
            for number, (column, first, start, width) in enumerate(
                zip(
                    self.columns.tolist(),
                    self._first.tolist(),
                    np.split(self._start, self._first[1:]),
                    np.split(self._width, self._first[1:]),
                    strict=True,
                )
            )
        ]
        # each column has one edge more than bins
        edges = []
        for weights in np.split(V, self._first[1:]):
            sums = np.concatenate((np.zeros((1, V.shape[1])), np.cumsum(weights, axis=0)))
            edges.append(sums - 0.5 * sums[-1])
        P = np.concatenate(edges)
        self._extra = np.arange(len(self.columns))
        # the rows t and t + 1, without a copy
        self._pairs = np.lib.stride_tricks.sliding_window_view(P, 2, axis=0).transpose(0, 2, 1)
        self.numbers = 2 * len(self.columns) * V.shape[1]

    def products(self, Z: Array) -> Array:
        """Return rᵀ·V (n, 1, units) for the ramps r of inputs Z (n, I)."""
        if len(Z) == 1:
            edges, coefficients = self._one_row(Z[0].tolist())
        else:
            ramp, f = self._bins(Z)
            edges = ramp + self._extra
            np.maximum(f, 0.0, out=f)  # less overhead than `clip`
            np.minimum(f, 1.0, out=f)
            coefficients = np.empty((len(Z), 1, 2 * len(self.columns)))
            coefficients[:, 0, 0::2] = 1.0 - f
            coefficients[:, 0, 1::2] = f
        P = self._pairs[edges].reshape(len(Z), coefficients.shape[2], -1)
        products: Array = np.matmul(coefficients, P)
        return products

    def _one_row(self, z: list[float]) -> tuple[NDArray[np.intp], Array]:
        """Return the lower edges in P of the bins that z is in, and the coefficients of the edges.

        For so few numbers, Python is faster than NumPy; the bits are the same.
        """
        edges: list[int] = []
        coefficients: list[float] = []
        for column, start, width, first in self._lists:
            bin_ = max(bisect_right(start, z[column]) - 1, 0)
            f = (z[column] - start[bin_]) / width[bin_]
            f = 0.0 if f < 0.0 else 1.0 if f > 1.0 else f
            edges.append(first + bin_)
            coefficients += (1.0 - f, f)
        return np.array(edges), np.array([[coefficients]])

    def parts(self, Z: Array) -> Array:
        """Return the columns' parts of rᵀ·V, for inputs Z (n, I): (n, columns, units)."""
        ramp, f = self._bins(Z)
        f = np.clip(f, 0.0, 1.0)[:, :, None, None]
        P = self._pairs[ramp + self._extra]
        parts: Array = (np.concatenate([1.0 - f, f], axis=2) * P).sum(axis=2)
        return parts

    def weighted_parts(self, Z: Array, weights: Array) -> tuple[Array, Array]:
        """Return the columns' parts of rᵀ·V·w and their derivatives: (n, columns, K) each.

        Parameters
        ----------
        weights : (n, units, K), w
        """
        ramp, f = self._bins(Z)
        P = self._pairs[ramp + self._extra].reshape(len(Z), 2 * len(self.columns), -1)
        edges = np.matmul(P, weights).reshape(len(Z), len(self.columns), 2, -1)
        rises = edges[:, :, 1] - edges[:, :, 0]
        rates = np.where((f >= 0.0) & (f <= 1.0), 1.0 / self._width[ramp], 0.0)[:, :, None]
        return edges[:, :, 0] + np.clip(f, 0.0, 1.0)[:, :, None] * rises, rates * rises

    def _bins(self, Z: Array) -> tuple[NDArray[np.intp], Array]:
        """Return the ramp that each column's value is in, and its fraction of it: (n, columns).

        Before the first bin the fraction is below 0, and behind the last one above 1.
        """
        passed = Z.take(self._column, axis=1) >= self._start
        count = np.add.reduceat(passed, self._first, axis=1, dtype=np.intp)
        ramp = self._first + np.maximum(count - 1, 0)
        f = Z.take(self.columns, axis=1)
        f -= self._start[ramp]
        f /= self._width[ramp]
        return ramp, f


def _beside(matrices: Floats) -> Array:
    """Return (inputs, M·outputs) for matrices (M, inputs, outputs)."""
    beside: Array = np.ascontiguousarray(np.concatenate(matrices, axis=1), dtype=np.float64)
    return beside
