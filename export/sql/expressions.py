"""The numbers of a vector as expressions of those of the vectors before.

SQLite and PostgreSQL have the functions used here, except that PostgreSQL fails where a result
underflows: `exp` gets no argument below `_LEAST_EXPONENT`.
"""

from collections.abc import Iterator

import numpy as np

from export.graph import (
    Activate,
    Add,
    Affine,
    Blocks,
    Clip,
    Encode,
    Kernel,
    Operation,
    Ramp,
    Scale,
    Unscale,
)
from export.sql.literals import number, real, total
from network import Array, Column
from network import encoding as operations

Vectors = dict[str, list[str]]  # the columns of each vector
_LEAST_EXPONENT = "(-700.0)"
_TURN = number(2.0 * np.pi)
_ACTIVATIONS = {
    "tanh": "tanh({v})",
    "relu": "CASE WHEN {v} < 0 THEN 0.0 ELSE {v} END",
    "sigmoid": "0.5 * (1 + tanh(0.5 * {v}))",
    "gelu": "0.5 * {v} * (1 + tanh(0.7978845608028654 * {v} * (1 + 0.044715 * {v} * {v})))",
    "silu": "0.5 * {v} * (1 + tanh(0.5 * {v}))",
    "sine": "sin({v})",
    "root": "0.5 * {v} * (1 + {v} / sqrt(4 + {v} * {v}))",
    "exp": "exp({v})",
}


def stages(
    operation: Operation, vectors: Vectors, columns: tuple[Column, ...]
) -> Iterator[list[str]]:
    """Yield the expressions of an operation's numbers.

    Expressions other than the last ones are of numbers that the next ones read, as `{v}`.

    Parameters
    ----------
    vectors : the columns of the vectors computed before
    columns : the features
    """
    x = vectors.get(getattr(operation, "x", ""), [])
    match operation:
        case Encode():
            yield _encoded(operation, columns)
        case Scale():
            yield _each("({} - {}) / {}", x, operation.shift, operation.scale)
        case Unscale():
            yield _each("{} * {} + {}", x, operation.scale, operation.shift)
        case Clip():
            limits = zip(operation.least.tolist(), operation.greatest.tolist(), strict=True)
            yield [_limited(v, *each) for v, each in zip(x, limits, strict=True)]
        case Affine():
            yield _product(x, operation.weights, operation.bias)
        case Blocks():
            yield _blocks(x, operation)
        case Activate():
            yield [_ACTIVATIONS[operation.function].format(v=v) for v in x]
        case Ramp():
            yield _each(
                "({} - {}) / {}", [x[c] for c in operation.column], operation.start, operation.size
            )
            yield [f"{_limited('{v}', 0.0, 1.0)} - 0.5"] * operation.width
        case Kernel():
            yield from _kernel(x, operation)
        case Add():
            parts = [vectors[part] for part in operation.parts]
            yield [total(terms) for terms in zip(*parts, strict=True)]


def _each(form: str, x: list[str], *constants: Array) -> list[str]:
    rows = zip(x, *(each.tolist() for each in constants), strict=True)
    return [form.format(v, *map(number, parts)) for v, *parts in rows]


def _limited(v: str, least: float, greatest: float) -> str:
    """Return a number within limits; it stays NULL."""
    cases = [
        f"WHEN {v} {sign} {number(limit)} THEN {number(limit)}"
        for sign, limit in (("<", least), (">", greatest))
        if np.isfinite(limit)
    ]
    return f"CASE {' '.join(cases)} ELSE {v} END" if cases else v


def _product(x: list[str], weights: Array, bias: Array) -> list[str]:
    return [
        total([*(f"{v} * {number(w)}" for v, w in zip(x, column, strict=True)), number(b)])
        for column, b in zip(weights.T.tolist(), bias.tolist(), strict=True)
    ]


def _blocks(x: list[str], operation: Blocks) -> list[str]:
    size = operation.weights.shape[1]
    found: list[str] = []
    for block, weights in enumerate(operation.weights):
        part = slice(block * size, (block + 1) * size)
        found += _product(x[part], weights, operation.bias[part])
    return found


def _kernel(x: list[str], operation: Kernel) -> Iterator[list[str]]:
    centres = operation.centres / operation.lengths
    scaled = [
        f"{v} / {number(each)}" for v, each in zip(x, operation.lengths.tolist(), strict=True)
    ]
    squares = [
        total([f"power({v} - {number(c)}, 2)" for v, c in zip(scaled, centre, strict=True)])
        for centre in centres.tolist()
    ]
    if operation.is_matern:
        yield [f"sqrt(5 * ({each}))" for each in squares]
        decay, form = "-{v}", "(1 + {v} + {v} * {v} / 3) * "
    else:
        yield squares
        decay, form = "-0.5 * {v}", ""
    far = f"{decay} < {_LEAST_EXPONENT}"
    yield [f"CASE WHEN {far} THEN 0.0 ELSE {form}exp({decay}) END"] * operation.width


def _encoded(operation: Encode, columns: tuple[Column, ...]) -> list[str]:
    parts = (operation.operation, operation.shift, operation.scale, operation.mean)
    rows = zip(operation.column.tolist(), *(each.tolist() for each in parts), strict=True)
    inputs: list[str] = []
    for column, kind, *numbers in rows:
        value, if_missing = _input(f"x_{column}", kind, *numbers)
        if columns[column].has_gaps:
            value = f"CASE WHEN missing_{column} = 1 THEN {if_missing} ELSE {value} END"
        inputs.append(real(value))
    return inputs


def _input(x: str, kind: int, shift: float, scale: float, mean: float) -> tuple[str, str]:
    """Return an input and what it is if the cell is missing; it is NULL if the cell is wrong."""
    no, yes = number(-mean), number(1.0 - mean)
    turns = f"(({x} - {number(shift)}) / {number(scale)})"
    match kind:
        case operations.SCALED:
            return f"{turns} - {number(mean)}", "0.0"
        case operations.MISSING:
            return f"CASE WHEN {x} IS NOT NULL THEN {no} END", yes
        case operations.EQUALS:
            is_equal = f"WHEN {x} = {number(shift)} THEN {yes}"
            return f"CASE {is_equal} WHEN {x} IS NOT NULL THEN {no} END", no
    wave = "cos" if kind == operations.COSINE else "sin"
    return f"{wave}({_TURN} * ({turns} - floor({turns} + 0.5))) - {number(mean)}", "0.0"
