"""The networks of an ensemble along straight paths from the mean of their inputs.

As in `network_path`, the weighted inputs of the first hidden layers follow straight paths, if the
ramps do: from those of z = 0 to those of z.

The derivatives along the path are computed in float32. The rounding errors are far smaller than the
quadrature's, and are distributed over the features with it. Those at its end are in float64.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from network.arrays import Array
from network.ensemble.activation import activate_with_slope
from network.ensemble.ensemble import Ensemble
from network.ensemble.weights import Floats
from network.explanation.quadrature import gauss_legendre

_NODES, _WEIGHTS = gauss_legendre(4)  # sufficient for a mean of many smooth functions
_MAX_NUMBERS = 262_144  # in an array of a pass, so that it stays in the cache


class EnsemblePath:
    """The gradients of an ensemble's predictions with respect to its inputs z.

    Attributes
    ----------
    column : (I,) intp, the feature that each input is computed from
    baseline : (K,) float64, the prediction for z = 0
    rows_per_pass : the most rows that `gradients` takes
    """

    def __init__(self, model: Ensemble) -> None:
        self._model, self._stack = model, model.stacked
        self.column: NDArray[np.intp] = model.encoding.column.astype(np.intp)
        mean = np.zeros((1, model.encoding.inputs))
        self.baseline: Array = model.stacked.predict(mean)[0]
        self.rows_per_pass = model.stacked.chunk
        if radial := model.stacked.radial:
            numbers = (len(_NODES) + 1) * radial.centres * len(model.targets)
            self.rows_per_pass = max(1, min(self.rows_per_pass, _MAX_NUMBERS // numbers))
        if forward := model.stacked.forward:
            numbers = len(_NODES) * forward.units * len(model.targets)
            self.rows_per_pass = max(1, min(self.rows_per_pass, _MAX_NUMBERS // numbers))
            M, H, _ = forward.W2.shape
            self._start = forward.weighted_inputs(mean).reshape(1, M, 1, H)
            self._start_parts = [sums.parts(mean)[0] for _, sums in forward.sums]
            layers = [
                forward.W2,
                forward.b2.reshape(M, 1, H),
                model.stacked.last.T.reshape(-1, M, 1, H),
            ]
            self._later: dict[Any, list[Floats]] = {
                np.dtype(kind): [np.ascontiguousarray(each, kind) for each in layers]
                for kind in (np.float32, np.float64)
            }

    def inputs(self, X: Array) -> Array:
        """Return the inputs (N, I) of rows X (N, features)."""
        return self._model.inputs(X)

    def input_slopes(self, X: Array) -> Array:
        """Return the derivative of each input with respect to its feature: (N, I)."""
        Z, (least, greatest) = self._model.encoding.encode(X), self._model.limits
        limited = (least > Z) | (greatest < Z)
        slopes: Array = np.where(limited, 0.0, self._model.encoding.slopes(X))
        return slopes

    def gradients(self, Z: Array) -> tuple[Array, Array]:
        """Return ∂ŷₖ/∂zᵢ for rows Z (N, I), and its integral over the path: (N, K, I) each."""
        forward, radial, skip = self._stack.forward, self._stack.radial, self._stack.slopes.T
        slopes = np.empty((len(Z), *skip.shape))
        slopes[:] = skip
        contributions = slopes * Z[:, None]
        if radial:
            path = np.append(_NODES, 1.0)[:, None, None] * Z
            along = radial.gradients(path.reshape(-1, Z.shape[1]), self._stack.kernel)
            *inner, last = along.reshape(-1, *slopes.shape)
            slopes += last
            for weight, gradients in zip(_WEIGHTS, inner, strict=True):
                contributions += weight * gradients * Z[:, None]
        if not forward:
            return slopes, contributions
        K, end = len(skip), forward.weighted_inputs(Z).reshape(len(Z), *self._start.shape[1:])
        both = np.concatenate([self._means(end), self._ends(end)], axis=1)  # (N, 2·K, units)
        products = np.matmul(both, forward.W.T)
        contributions += products[:, :K] * Z[:, None]
        slopes += products[:, K:]
        for (part, sums), start in zip(forward.sums, self._start_parts, strict=True):
            weights = both[:, :, part].mT
            parts, rates = sums.weighted_parts(Z, weights)
            parts = parts[:, :, :K] - np.matmul(start, weights[:, :, :K])
            contributions[:, :, sums.columns] += parts.mT
            slopes[:, :, sums.columns] += rates[:, :, K:].mT
        return slopes, contributions

    def _ends(self, end: Array) -> Array:
        """Return ∂ŷ/∂(weighted inputs) at the ends of paths (N, M, 1, H): (N, K, units)."""
        delta = self._derivatives(end.copy())
        return _by_units(delta)

    def _means(self, end: Array) -> Array:
        """Return the means of ∂ŷ/∂(weighted inputs) over paths: (N, K, units)."""
        path = (end - self._start) * _NODES[:, None]  # (N, M, nodes, H)
        path += self._start
        delta = self._derivatives(path.astype(np.float32))
        return _by_units(np.matmul(_WEIGHTS.astype(np.float32), delta))

    def _derivatives(self, path: Floats) -> Floats:
        """Return ∂ŷ/∂(weighted inputs) on paths (N, M, nodes, H), which are overwritten.

        The shape of the result is (N, K, M, nodes, H).
        """
        W2, b2, last = self._later[path.dtype]
        first, second, scratch = np.empty((3, *path.shape), path.dtype)
        activate_with_slope(path, first, scratch)
        outputs = np.matmul(path, W2)
        outputs += b2
        activate_with_slope(outputs, second, scratch)
        delta: Floats = np.matmul(second[:, None] * last, W2.mT)
        delta *= first[:, None]
        return delta


def _by_units(delta: Floats) -> Array:
    """Return (N, K, units) float64 for (N, K, M, 1, H) or (N, K, M, H)."""
    units: Array = delta.reshape(*delta.shape[:2], -1).astype(np.float64, copy=False)
    return units
