"""The network for rivals without one of their own: three matrix products and two tanh."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the rivals' environments have only NumPy
    from network import Model

Array = NDArray[np.float64]
Layers = Sequence[tuple[Array, Array]]


def folded_layers(model: "Model") -> Layers:
    """Return (W, b) per layer of a network from raw features to raw targets."""
    layers = [(W.copy(), b.copy()) for W, b in model.architecture.layers(model.theta)]
    W, b = layers[0]
    W /= model.feature_scaling.scale[:, None]
    b -= model.feature_scaling.shift @ W
    W, b = layers[-1]
    W *= model.target_scaling.scale
    b *= model.target_scaling.scale
    b += model.target_scaling.shift
    return layers


def save(path: Path, layers: Layers) -> None:
    """Write W0, b0, W1, … as .npz."""
    arrays: dict[str, Any] = {}
    for index, (W, b) in enumerate(layers):
        arrays |= {f"W{index}": W, f"b{index}": b}
    np.savez(path, **arrays)


def load(path: str | Path) -> Layers:
    with np.load(path) as file:
        return [(file[f"W{index}"], file[f"b{index}"]) for index in range(len(file) // 2)]


def predict(layers: Layers, X: Array) -> Array:
    """Return Y (N, targets) for X (N, features), with tanh in the hidden layers."""
    *hidden, (W, b) = layers
    for hidden_weights, bias in hidden:
        X = np.tanh(X @ hidden_weights + bias)
    return X @ W + b
