"""A network along straight paths from the mean of its inputs.

The first layer's weighted inputs follow a straight path, too: from b at z = 0 to Wᵀ·z + b. With δ,
the derivative of ŷ with respect to them, ∂ŷ/∂z = W·δ. Therefore only the mean of δ is needed.
"""

import numpy as np

from network.activations import ACTIVATIONS
from network.arrays import Array
from network.explanation.quadrature import gauss_legendre
from network.model import Model

_NODES, _NODES_WITH_KINKS = 15, 63
_MAX_NUMBERS = 262_144  # in an array of a pass, so that it stays in the cache


class NetworkPath:
    """The gradients of a model's predictions with respect to its inputs z.

    Attributes
    ----------
    column : (I,) intp, the feature that each input is computed from
    baseline : (K,) float64, the prediction for z = 0
    rows_per_pass : the most rows that `gradients` takes
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        encoding, scaling = model.encoding, model.target_scaling
        inputs, *outputs = model.architecture.sizes
        self.column = np.arange(inputs) if encoding is None else encoding.column.astype(np.intp)
        self._activation = ACTIVATIONS[model.architecture.activation]
        self._layers = model.architecture.layers(model.theta)
        count = _NODES_WITH_KINKS if self._activation.kinks else _NODES
        nodes, weights = gauss_legendre(count)
        self._nodes = np.append(nodes, 1.0)  # with the path's end
        self._weights = np.zeros((2, count + 1))  # of the mean, and of the end
        self._weights[0, :-1] = weights
        self._weights[1, -1] = 1.0
        output = self._forward(np.zeros((1, outputs[0])))[-1][0]
        self.baseline = scaling.undo(output)
        self.rows_per_pass = max(1, _MAX_NUMBERS // (len(self._nodes) * max(outputs) * outputs[-1]))

    def inputs(self, X: Array) -> tuple[Array, Array]:
        """Return the inputs of rows X (N, features), and their slopes: (N, I) each.

        A slope is the derivative of an input with respect to its feature.
        """
        encoding, scale = self._model.encoding, self._model.feature_scaling.scale
        slopes = np.ones_like(X) if encoding is None else encoding.slopes(X)
        return self._model.inputs(X), slopes / scale

    def gradients(self, Z: Array) -> tuple[Array, Array]:
        """Return ∂ŷₖ/∂zᵢ for rows Z (N, I), and its integral over the path: (N, K, I) each."""
        W = self._layers[0][0]
        path = np.matmul(self._nodes[:, None], np.matmul(Z[:, None], W))  # (N, nodes, H)
        means_and_ends = np.matmul(self._weights, self._backward(self._forward(path)))
        gradients = np.matmul(means_and_ends, W.T)  # (N, K, 2, I)
        gradients *= self._model.target_scaling.scale[:, None, None]
        return gradients[:, :, 1], gradients[:, :, 0] * Z[:, None]

    def _forward(self, path: Array) -> list[Array]:
        """Return all layers' weighted inputs (…, outputs); those of the first without its bias."""
        weighted = [path + self._layers[0][1]]
        for W, b in self._layers[1:]:
            A = np.empty_like(weighted[-1])
            self._activation.function(weighted[-1], A)
            weighted.append(np.matmul(A, W) + b)
        return weighted

    def _backward(self, weighted: list[Array]) -> Array:
        """Return δ (N, K, nodes, H)."""
        targets = weighted[-1].shape[-1]
        delta = np.eye(targets)[:, None]
        for Z, (W, _) in zip(weighted[-2::-1], self._layers[:0:-1], strict=True):
            A, slopes = np.empty_like(Z), np.empty_like(Z)
            self._activation.function(Z, A)
            self._activation.derivative(Z, A, slopes)
            delta = np.matmul(delta, W.T) * slopes[:, None]
        return np.broadcast_to(
            delta, (len(weighted[0]), targets, len(self._nodes), delta.shape[-1])
        )
