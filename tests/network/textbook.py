"""The definitions as textbooks have them, row by row and independent of the code under test."""

from collections.abc import Callable

import numpy as np

from network import Architecture, Array, Huber, Loss, Quantile, Rows, Squared

Function = Callable[[Array], Array]


def _sigmoid(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    result: Array = np.where(z >= 0, 1.0, e) / (1.0 + e)
    return result


def _gelu_input(z: Array) -> Array:
    result: Array = 2 * np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)
    return result


def _gelu_derivative(z: Array) -> Array:
    gate = _sigmoid(_gelu_input(z))
    result: Array = gate + z * gate * (1 - gate) * 2 * np.sqrt(2 / np.pi) * (1 + 0.134145 * z**2)
    return result


FUNCTIONS: dict[str, Function] = {
    "tanh": lambda z: 2 * _sigmoid(2 * z) - 1,
    "relu": lambda z: np.where(z > 0, z, 0.0),
    "sigmoid": _sigmoid,
    "gelu": lambda z: z * _sigmoid(_gelu_input(z)),
    "silu": lambda z: z * _sigmoid(z),
    "sine": np.sin,
    "identity": lambda z: z,
}
DERIVATIVES: dict[str, Function] = {
    "tanh": lambda z: 4 * _sigmoid(2 * z) * _sigmoid(-2 * z),
    "relu": lambda z: np.where(z > 0, 1.0, 0.0),
    "sigmoid": lambda z: _sigmoid(z) * _sigmoid(-z),
    "gelu": _gelu_derivative,
    "silu": lambda z: _sigmoid(z) + z * _sigmoid(z) * _sigmoid(-z),
    "sine": np.cos,
    "identity": np.ones_like,
}


def cost(loss: Loss, r: Array) -> Array:
    """ρ of each residual; for a loss without a formula here as the loss itself defines it."""
    size = np.abs(r)
    if isinstance(loss, Squared):
        return r**2
    if isinstance(loss, Huber):
        return np.where(size <= loss.delta, r**2, 2 * loss.delta * size - loss.delta**2)
    if isinstance(loss, Quantile):
        kink = loss.KINK
        rounded = np.where(size <= kink, r**2 / (2 * kink), size - kink / 2)
        return np.where(r > 0, 1 - loss.q, loss.q) * rounded
    return np.array([loss.total(np.array([[each]]), None) for each in r.flat]).reshape(r.shape)


def cost_slope(loss: Loss, r: Array) -> Array:
    """ρ′ of each residual; for a loss without a formula here as the loss itself defines it."""
    if isinstance(loss, Squared):
        return 2 * r
    if isinstance(loss, Huber):
        return np.where(np.abs(r) <= loss.delta, 2 * r, 2 * loss.delta * np.sign(r))
    if isinstance(loss, Quantile):
        rounded = np.where(np.abs(r) <= loss.KINK, r / loss.KINK, np.sign(r))
        return np.where(r > 0, 1 - loss.q, loss.q) * rounded
    slopes = r.copy()
    for each in slopes.reshape(-1, 1, 1):
        loss.slope(each, None)
    return slopes


def weights_of(rows: Rows) -> Array:
    return np.ones(len(rows)) if rows.weights is None else rows.weights


def predictions(architecture: Architecture, theta: Array, X: Array) -> Array:
    """Ŷ, (N, targets)."""
    A = X
    *hidden, (W_last, b_last) = architecture.layers(theta)
    for W, b in hidden:
        A = FUNCTIONS[architecture.activation](A @ W + b)
    Y_hat: Array = A @ W_last + b_last
    return Y_hat


def mean_loss(loss: Loss, architecture: Architecture, theta: Array, rows: Rows) -> float:
    """L(θ): the weighted mean over rows and targets."""
    costs = cost(loss, predictions(architecture, theta, rows.X) - rows.Y)
    return float(np.average(costs.mean(axis=1), weights=weights_of(rows)))


def gradient(loss: Loss, architecture: Architecture, theta: Array, rows: Rows) -> Array:
    """∂L/∂θ by the chain rule, all rows in one pass."""
    layers = architecture.layers(theta)
    inputs, slopes = [rows.X], []
    for W, b in layers[:-1]:
        Z = inputs[-1] @ W + b
        inputs.append(FUNCTIONS[architecture.activation](Z))
        slopes.append(DERIVATIVES[architecture.activation](Z))
    w = weights_of(rows)
    delta = cost_slope(loss, predictions(architecture, theta, rows.X) - rows.Y)
    delta = delta * w[:, None] / (architecture.targets * w.sum())
    parts: list[Array] = []
    for index in reversed(range(len(layers))):
        parts = [(inputs[index].T @ delta).ravel(), delta.sum(axis=0), *parts]
        if index:
            delta = delta @ layers[index][0].T * slopes[index - 1]
    return np.concatenate(parts)
