"""Textbook definitions, which are independent of the code under test."""

from collections.abc import Callable

import numpy as np

from network import ACTIVATIONS, Architecture, Array, Huber, Loss, Quantile, Rows, Squared

Function = Callable[[Array], Array]


def _sigmoid(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    result: Array = np.where(z >= 0, 1.0, e) / (1.0 + e)
    return result


def _gelu_input(z: Array) -> Array:
    result: Array = 2 * np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)
    return result


FORMULAS: dict[str, Function] = {
    "tanh": lambda z: 2 * _sigmoid(2 * z) - 1,
    "relu": lambda z: np.where(z > 0, z, 0.0),
    "sigmoid": _sigmoid,
    "gelu": lambda z: z * _sigmoid(_gelu_input(z)),
    "silu": lambda z: z * _sigmoid(z),
    "sine": np.sin,
    "identity": lambda z: z,
}


def activate(name: str, z: Array) -> Array:
    """Return f(z); an activation without a formula here defines it itself."""
    if name in FORMULAS:
        return FORMULAS[name](z)
    out = np.empty_like(z)
    ACTIVATIONS[name].function(z, out)
    return out


def activation_slope(name: str, z: Array) -> Array:
    """Return the activation's own f′(z), which its tests compare with differences of f."""
    out = np.empty_like(z)
    ACTIVATIONS[name].derivative(z, activate(name, z), out)
    return out


def cost(loss: Loss, r: Array) -> Array:
    """Return ρ of each residual; a loss without a formula here defines it itself."""
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
    """Return ρ′ of each residual; a loss without a formula here defines it itself."""
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


def weighted_inputs(architecture: Architecture, theta: Array, X: Array) -> list[Array]:
    """Return Z of every layer, (N, outputs) each; the last one is Ŷ."""
    (W, b), *later = architecture.layers(theta)
    Z = [X @ W + b]
    for W, b in later:
        Z.append(activate(architecture.activation, Z[-1]) @ W + b)
    return Z


def predictions(architecture: Architecture, theta: Array, X: Array) -> Array:
    """Return Ŷ, (N, targets)."""
    return weighted_inputs(architecture, theta, X)[-1]


def mean_loss(loss: Loss, architecture: Architecture, theta: Array, rows: Rows) -> float:
    """Return L(θ), the weighted mean over rows and targets."""
    costs = cost(loss, predictions(architecture, theta, rows.X) - rows.Y)
    return float(np.average(costs.mean(axis=1), weights=weights_of(rows)))


def gradient(loss: Loss, architecture: Architecture, theta: Array, rows: Rows) -> Array:
    """Return ∂L/∂θ by the chain rule, all rows in one pass."""
    layers = architecture.layers(theta)
    *hidden, Y_hat = weighted_inputs(architecture, theta, rows.X)
    inputs = [rows.X, *(activate(architecture.activation, Z) for Z in hidden)]
    w = weights_of(rows)
    delta = cost_slope(loss, Y_hat - rows.Y)
    delta = delta * w[:, None] / (architecture.targets * w.sum())
    parts: list[Array] = []
    for index in reversed(range(len(layers))):
        parts = [(inputs[index].T @ delta).ravel(), delta.sum(axis=0), *parts]
        if index:
            slopes = activation_slope(architecture.activation, hidden[index - 1])
            delta = delta @ layers[index][0].T * slopes
    return np.concatenate(parts)
