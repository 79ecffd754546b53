"""The nodes of each operation of a graph, for a matrix with one row per row of the input.

onnxruntime has no kernels for float64 of `Erf`, `OneHot` and `Softplus`, which are not used.
"""

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np

from export.graph import (
    Activate,
    Add,
    Affine,
    Blocks,
    Clip,
    Encode,
    Join,
    Kernel,
    Operation,
    Ramp,
    Scale,
    Unscale,
)
from export.graph.operations import sources
from export.onnx.messages import DOUBLE
from export.onnx.nodes import Nodes
from network.encoding import COSINE, EQUALS, MISSING, SCALED, SINE


def add_operation(nodes: Nodes, operation: Operation) -> None:
    """Add the nodes of any operation except `Cells`."""
    inputs = [nodes.tensors[name] for name in sources(operation)]
    nodes.tensors[operation.out] = _OPERATIONS[type(operation)](nodes, operation, *inputs)


def _affine(nodes: Nodes, op: Affine, x: str) -> str:
    return nodes.add("Add", nodes.add("MatMul", x, op.weights), op.bias)


def _blocks(nodes: Nodes, op: Blocks, x: str) -> str:
    members, size, _ = op.weights.shape
    blocks = nodes.add("Reshape", x, np.array([0, members, size]))  # 0 is the number of rows
    by_member = nodes.add("Transpose", blocks, perm=[1, 0, 2])
    product = nodes.add("MatMul", by_member, op.weights)
    by_row = nodes.add("Transpose", product, perm=[1, 0, 2])
    return nodes.add("Add", nodes.add("Reshape", by_row, np.array([0, op.width])), op.bias)


def _clip(nodes: Nodes, op: Clip, x: str) -> str:
    return nodes.add("Min", nodes.add("Max", x, op.least), op.greatest)


def _ramp(nodes: Nodes, op: Ramp, x: str) -> str:
    distance = nodes.add("Sub", nodes.add("Gather", x, op.column, axis=1), op.start)
    passed = nodes.add("Div", distance, op.size)
    return nodes.add("Sub", nodes.add("Min", nodes.add("Max", passed, 0.0), 1.0), 0.5)


def _kernel(nodes: Nodes, op: Kernel, x: str) -> str:
    # d² = |z|² − 2·z·c + |c|² needs no array of (rows, centres, inputs)
    centres = op.centres / op.lengths
    z = nodes.add("Div", x, op.lengths)
    products = nodes.add("MatMul", z, -2.0 * centres.T)
    squares = nodes.add("ReduceSumSquare", z, axes=[1], keepdims=1)
    distances = nodes.add("Add", nodes.add("Add", products, squares), (centres**2).sum(axis=1))
    positive = nodes.add("Max", distances, 0.0)
    if not op.is_matern:
        return nodes.add("Exp", nodes.add("Mul", positive, -0.5))
    s = nodes.add("Sqrt", nodes.add("Mul", positive, 5.0))
    square = nodes.add("Div", nodes.add("Mul", s, s), 3.0)
    sum_ = nodes.add("Add", nodes.add("Add", s, 1.0), square)
    return nodes.add("Mul", sum_, nodes.add("Exp", nodes.add("Neg", s)))


def _encode(nodes: Nodes, op: Encode, x: str) -> str:
    """Add the inputs of each operation, and put them in order."""
    parts, order = [], []
    for number in np.unique(op.operation).tolist():
        which = np.flatnonzero(op.operation == number)
        c = nodes.add("Gather", x, op.column[which], axis=1)
        found = _ENCODINGS[number](nodes, c, op.shift[which], op.scale[which])
        centred = nodes.add("Sub", found, op.mean[which])
        if number in (SCALED, SINE, COSINE):
            centred = nodes.add("Where", nodes.add("IsNaN", c), 0.0, centred)
        parts.append(centred)
        order += which.tolist()
    return nodes.add("Gather", nodes.add("Concat", *parts, axis=1), np.argsort(order), axis=1)


def _scaled(nodes: Nodes, c: str, shift: Any, scale: Any) -> str:
    return nodes.add("Div", nodes.add("Sub", c, shift), scale)


def _angle(nodes: Nodes, c: str, shift: Any, scale: Any) -> str:
    turns = _scaled(nodes, c, shift, scale)
    return nodes.add("Mul", nodes.add("Sub", turns, nodes.add("Round", turns)), 2.0 * pi)


_ENCODINGS: dict[int, Callable[[Nodes, str, Any, Any], str]] = {
    SCALED: _scaled,
    MISSING: lambda nodes, c, *_: nodes.add("Cast", nodes.add("IsNaN", c), to=DOUBLE),
    EQUALS: lambda nodes, c, shift, _: nodes.add("Cast", nodes.add("Equal", c, shift), to=DOUBLE),
    SINE: lambda nodes, *c: nodes.add("Sin", _angle(nodes, *c)),
    COSINE: lambda nodes, *c: nodes.add("Cos", _angle(nodes, *c)),
}


def _gate(nodes: Nodes, v: str, u: str) -> str:
    """v·(1 + u)/2."""
    return nodes.add("Mul", v, nodes.add("Mul", nodes.add("Add", u, 1.0), 0.5))


def _gelu(nodes: Nodes, v: str) -> str:
    cubic = nodes.add("Mul", nodes.add("Mul", v, v), 0.044715)
    inner = nodes.add("Mul", nodes.add("Add", cubic, 1.0), v)
    return _gate(nodes, v, nodes.add("Tanh", nodes.add("Mul", inner, sqrt(2.0 / pi))))


def _root(nodes: Nodes, v: str) -> str:
    root = nodes.add("Sqrt", nodes.add("Add", nodes.add("Mul", v, v), 4.0))
    return _gate(nodes, v, nodes.add("Div", v, root))


FUNCTIONS: dict[str, Callable[[Nodes, str], str]] = {
    "tanh": lambda nodes, v: nodes.add("Tanh", v),
    "relu": lambda nodes, v: nodes.add("Relu", v),
    "sigmoid": lambda nodes, v: nodes.add("Sigmoid", v),
    "gelu": _gelu,
    "silu": lambda nodes, v: nodes.add("Mul", v, nodes.add("Sigmoid", v)),
    "sine": lambda nodes, v: nodes.add("Sin", v),
    "root": _root,
    "exp": lambda nodes, v: nodes.add("Exp", v),
}

_OPERATIONS: dict[type, Callable[..., str]] = {
    Encode: _encode,
    Scale: lambda nodes, op, x: nodes.add("Div", nodes.add("Sub", x, op.shift), op.scale),
    Unscale: lambda nodes, op, x: nodes.add("Add", nodes.add("Mul", x, op.scale), op.shift),
    Clip: _clip,
    Affine: _affine,
    Blocks: _blocks,
    Activate: lambda nodes, op, x: FUNCTIONS[op.function](nodes, x),
    Ramp: _ramp,
    Kernel: _kernel,
    Join: lambda nodes, op, *parts: nodes.add("Concat", *parts, axis=1),
    Add: lambda nodes, op, *parts: nodes.add("Sum", *parts),
}
