"""The values of a graph, operation by operation as their documentation says, with NumPy."""

from collections.abc import Callable

import numpy as np

from export.graph import (
    Activate,
    Add,
    Affine,
    Blocks,
    Cells,
    Clip,
    Encode,
    Graph,
    Join,
    Kernel,
    Ramp,
    Scale,
    Unscale,
)
from export.graph.operations import sources
from network import Array

FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "relu": lambda v: np.maximum(v, 0.0),
    "sigmoid": lambda v: (1.0 + np.tanh(v / 2.0)) / 2.0,
    "gelu": lambda v: v * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * v * (1.0 + 0.044715 * v * v))) / 2,
    "silu": lambda v: v * (1.0 + np.tanh(v / 2.0)) / 2.0,
    "sine": np.sin,
    "root": lambda v: v * (1.0 + v / np.sqrt(4.0 + v * v)) / 2.0,
    "exp": np.exp,
}


def values_of(graph: Graph, X: Array) -> dict[str, Array]:
    """Return every vector of a graph by its name, (N, width) for rows X (N, features)."""
    values: dict[str, Array] = {}
    for operation in graph:
        read = [values[name] for name in sources(operation)] or [X]
        found = VALUES[type(operation)](operation, *read)
        assert found.shape == (len(X), operation.width)
        values[operation.out] = found
    return values


def _encode(op: Encode, x: Array) -> Array:
    c = x[:, op.column]
    scaled = (c - op.shift) / op.scale
    angle = 2.0 * np.pi * (scaled - np.round(scaled))
    results = [scaled, np.isnan(c), c == op.shift, np.sin(angle), np.cos(angle)]
    z = np.choose(op.operation, results) - op.mean
    return np.where(np.isnan(c) & np.isin(op.operation, (0, 3, 4)), 0.0, z)


def _blocks(op: Blocks, x: Array) -> Array:
    blocks = x.reshape(len(x), len(op.weights), -1)
    found: Array = np.einsum("nmi,mij->nmj", blocks, op.weights).reshape(len(x), -1) + op.bias
    return found


def _kernel(op: Kernel, x: Array) -> Array:
    differences = (x[:, None, :] - op.centres) / op.lengths
    squares = (differences**2).sum(axis=2)
    s = np.sqrt(5.0 * squares)
    found: Array = (1.0 + s + s * s / 3.0) * np.exp(-s) if op.is_matern else np.exp(-squares / 2.0)
    return found


VALUES: dict[type, Callable[..., Array]] = {
    Cells: lambda op, X: X,
    Encode: _encode,
    Scale: lambda op, x: (x - op.shift) / op.scale,
    Unscale: lambda op, x: x * op.scale + op.shift,
    Clip: lambda op, x: np.minimum(np.maximum(x, op.least), op.greatest),
    Affine: lambda op, x: x @ op.weights + op.bias,
    Blocks: _blocks,
    Activate: lambda op, x: FUNCTIONS[op.function](x),
    Ramp: lambda op, x: np.clip((x[:, op.column] - op.start) / op.size, 0.0, 1.0) - 0.5,
    Kernel: _kernel,
    Join: lambda op, *parts: np.concatenate(parts, axis=1),
    Add: lambda op, *parts: np.sum(parts, axis=0),
}
