"""The operations of a graph in words, with their constants."""

from collections.abc import Callable
from typing import Any

import numpy as np

from export.graph import (
    ACTIVATIONS,
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
    Operation,
    Ramp,
    Scale,
    Unscale,
)
from export.graph.operations import sources
from network.encoding import COSINE, EQUALS, MISSING, SCALED, SINE

WORDS: dict[type, str] = {
    Cells: "The numbers of the row's cells, in the order of `features`; `as_a_number` says how.",
    Encode: "For each of `inputs`: take the number c of its feature, compute `value`, subtract "
    "`mean`. If c is NaN and `value` needs it, the result is 0, without subtracting. In `value`, "
    "t = (c - shift)/scale, and round(t) is the nearest whole number.",
    Scale: "(v[i] - shift[i]) / scale[i] for each number v[i].",
    Unscale: "v[i]*scale[i] + shift[i] for each number v[i].",
    Clip: "Each number v[i], but at least least[i] and at most greatest[i]; null is no limit.",
    Affine: "For each j: bias[j] plus the sum over i of v[i]*weights[i][j].",
    Blocks: "v consists of blocks of equal size s, one for each member m of weights. For each m "
    "and j: bias[m*s + j] plus the sum over i of v[m*s + i]*weights[m][i][j].",
    Activate: "`function` of each number v.",
    Ramp: "For each j: (v[column[j]] - start[j])/size[j], but at least 0 and at most 1, minus 0.5.",
    Kernel: "For each row c of `centres`: `function` of d2, the sum over i of "
    "((v[i] - c[i])/lengths[i])**2.",
    Join: "The numbers of all lists that it is made from, one list after the other.",
    Add: "The sum of the lists that it is made from, number by number.",
}
KERNEL = "exp(-d2/2)"
MATERN = "(1 + s + s*s/3)*exp(-s) with s = sqrt(5*d2)"
VALUES = {
    SCALED: "t",
    MISSING: "1 if c is NaN, else 0",
    EQUALS: "1 if c == shift, else 0",
    SINE: "sin(2*pi*(t - round(t)))",
    COSINE: "cos(2*pi*(t - round(t)))",
}


def name_of(kind: type) -> str:
    """Return the name that the document has for a kind of operation."""
    return kind.__name__.lower()


def step_of(operation: Operation, graph: Graph) -> dict[str, Any]:
    """Return an operation as an object of JSON or of arrays that orjson writes."""
    kind: type = type(operation)
    step = {"name": operation.out, "operation": name_of(kind), "from": list(sources(operation))}
    describe: Callable[..., dict[str, Any]] = _CONSTANTS.get(kind, _arrays)
    return {**step, "numbers": operation.width, **describe(operation, graph)}


def _arrays(operation: Operation, _: Graph) -> dict[str, Any]:
    return {
        name: np.ascontiguousarray(value)
        for name, value in vars(operation).items()
        if isinstance(value, np.ndarray)
    }


def _encode(operation: Encode, graph: Graph) -> dict[str, Any]:
    parts = (operation.column, operation.operation, operation.shift, operation.scale)
    rows = zip(*(each.tolist() for each in (*parts, operation.mean)), strict=True)
    return {
        "inputs": [
            {
                "feature": graph.columns[column].name,
                "column": column,
                "value": VALUES[number],
                "shift": shift,
                "scale": scale,
                "mean": mean,
            }
            for column, number, shift, scale, mean in rows
        ]
    }


def _kernel(operation: Kernel, graph: Graph) -> dict[str, Any]:
    return {"function": MATERN if operation.is_matern else KERNEL, **_arrays(operation, graph)}


_CONSTANTS: dict[type, Callable[..., dict[str, Any]]] = {
    Encode: _encode,
    Kernel: _kernel,
    Activate: lambda operation, _: {"function": ACTIVATIONS[operation.function]},
}
