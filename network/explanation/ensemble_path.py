"""The networks of an ensemble along straight paths from the mean of their inputs.

As in `network_path`, the weighted inputs of the first hidden layers follow straight paths, if the
ramps do: from those of z = 0 to those of z.
"""

import numpy as np
from numpy.typing import NDArray

from network.arrays import Array
from network.ensemble.activation import activate_with_slope
from network.ensemble.ensemble import Ensemble
from network.explanation.quadrature import gauss_legendre

_NODES, _WEIGHTS = gauss_legendre(4)  # sufficient for a mean of many smooth functions
_POINTS = np.append(_NODES, 1.0)  # with the path's end
_SHARES = np.array([[*_WEIGHTS, 0.0], [0.0] * len(_NODES) + [1.0]])  # of the mean, and of the end
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
            numbers = len(_POINTS) * radial.centres * len(model.targets)
            self.rows_per_pass = max(1, min(self.rows_per_pass, _MAX_NUMBERS // numbers))
        if forward := model.stacked.forward:
            numbers = len(_POINTS) * forward.units * len(model.targets)
            self.rows_per_pass = max(1, min(self.rows_per_pass, _MAX_NUMBERS // numbers))
            M, H, _ = forward.W2.shape
            self._start = forward.weighted_inputs(mean).reshape(1, M, 1, H)
            self._start_parts = [sums.parts(mean)[0] for _, sums in forward.sums]
            self._b2 = forward.b2.reshape(M, 1, H)
            self._last = model.stacked.last.T.reshape(-1, M, 1, H)

    def inputs(self, X: Array) -> tuple[Array, Array]:
        """Return the inputs of rows X (N, features), and their slopes: (N, I) each.

        A slope is the derivative of an input with respect to its feature.
        """
        unlimited = self._model.encoding.encode(X)
        Z = np.clip(unlimited, *self._model.limits)
        slopes = self._model.encoding.slopes(X)
        slopes[unlimited != Z] = 0.0
        return Z, slopes

    def gradients(self, Z: Array) -> tuple[Array, Array]:
        """Return ∂ŷₖ/∂zᵢ for rows Z (N, I), and its integral over the path: (N, K, I) each."""
        forward, radial, skip = self._stack.forward, self._stack.radial, self._stack.slopes.T
        slopes = np.empty((len(Z), *skip.shape))
        slopes[:] = skip
        contributions = slopes * Z[:, None]
        if radial:
            along = radial.gradients(Z, self._stack.kernel, _POINTS, _SHARES)
            contributions += along[:, :, 0] * Z[:, None]
            slopes += along[:, :, 1]
        if not forward:
            return slopes, contributions
        means, ends = self._means_and_ends(forward.weighted_inputs(Z), forward.W2)
        contributions += np.matmul(means, forward.W.T) * Z[:, None]
        slopes += np.matmul(ends, forward.W.T)
        K = len(skip)
        for (part, sums), start in zip(forward.sums, self._start_parts, strict=True):
            weights = np.concatenate([means[:, :, part], ends[:, :, part]], axis=1).mT
            parts, rates = sums.weighted_parts(Z, weights)
            parts = parts[:, :, :K] - np.matmul(start, weights[:, :, :K])
            contributions[:, :, sums.columns] += parts.mT
            slopes[:, :, sums.columns] += rates[:, :, K:].mT
        return slopes, contributions

    def _means_and_ends(self, end: Array, W2: Array) -> tuple[Array, Array]:
        """Return ∂ŷ/∂(weighted inputs): their means over paths, and those at the paths' ends.

        Parameters
        ----------
        end : (N, 1, units), the weighted inputs at the ends
        W2 : (M, H, H)

        Returns
        -------
        means, ends : (N, K, units) each
        """
        path = end.reshape(len(end), *self._start.shape[1:]) - self._start
        path = path * _POINTS[:, None]  # (N, M, nodes, H)
        path += self._start
        first, second, scratch = np.empty((3, *path.shape))
        activate_with_slope(path, first, scratch)
        outputs = np.matmul(path, W2)
        outputs += self._b2
        activate_with_slope(outputs, second, scratch)
        delta = np.matmul(second[:, None] * self._last, W2.mT)
        delta *= first[:, None]
        means, ends = np.moveaxis(np.matmul(_SHARES, delta), 3, 0)
        return means.reshape(*delta.shape[:2], -1), ends.reshape(*delta.shape[:2], -1)
