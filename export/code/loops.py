"""A graph as loops over arrays of numbers, in the syntax that C and JavaScript share.

The vector of an operation is the array `v_` + its name, and its constants are arrays whose names
begin with that of the vector. Matrices are flat, row by row.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.code.ramps import RampProduct
from export.code.steps import Step
from export.code.tables import number
from export.graph import (
    Activate,
    Add,
    Affine,
    Blocks,
    Clip,
    Encode,
    Join,
    Kernel,
    Ramp,
    Scale,
    Unscale,
)
from network.encoding import COSINE, EQUALS, MISSING, SCALED


@dataclass(frozen=True)
class Dialect:
    """What differs between the languages.

    Attributes
    ----------
    counter, variable, constant : what begins the declaration of a counter, of a number, and of a
        number that stays as it is
    functions : what the names of mathematical functions begin with
    """

    counter: str
    variable: str
    constant: str
    functions: str

    def loop(self, counter: str, count: int) -> str:
        """Return the head of a loop."""
        return f"for ({self.counter} {counter} = 0; {counter} < {count}; {counter}++)"

    def activation(self, function: str) -> str:
        """Return the formula of a function of v."""
        f = self.functions
        return {
            "tanh": f"{f}tanh(v)",
            "relu": "v < 0 ? 0 : v",
            "sigmoid": f"0.5 * (1 + {f}tanh(0.5 * v))",
            "gelu": f"0.5 * v * (1 + {f}tanh(0.7978845608028654 * v * (1 + 0.044715 * v * v)))",
            "silu": f"0.5 * v * (1 + {f}tanh(0.5 * v))",
            "sine": f"{f}sin(v)",
            "root": f"0.5 * v * (1 + v / {f}sqrt(4 + v * v))",
            "exp": f"{f}exp(v)",
        }[function]


_TURN = number(2.0 * np.pi)


def vector(name: str) -> str:
    """Return the name of an operation's array."""
    return f"v_{name}"


def tables(operation: Step) -> dict[str, NDArray[Any]]:
    """Return the constants of an operation that its statements read, by the names of their arrays.

    Those of `Encode` are in its statements.
    """
    match operation:
        case Encode():
            constants = {}
        case Kernel():  # so that the inner loop has no division, and goes through memory in order
            centres = (operation.centres / operation.lengths).T
            constants = {"lengths": operation.lengths, "centres": centres}
        case _:
            constants = vars(operation)
    v = vector(operation.out)
    arrays = ((name, each) for name, each in constants.items() if isinstance(each, np.ndarray))
    return {f"{v}_{name}": each for name, each in arrays}


def statements(operation: Step, widths: Mapping[str, int], dialect: Dialect) -> Iterator[str]:
    """Yield the lines that compute an operation's array.

    Parameters
    ----------
    widths : of the vectors, by name
    """
    v, loop = vector(operation.out), dialect.loop
    match operation:
        case Encode():
            yield from _encoding(operation, dialect)
        case Affine():
            yield from _product(operation, dialect)
        case RampProduct():
            yield from _product(operation, dialect)
            yield from _ramps(operation, dialect)
        case Blocks():
            yield from _blocks(operation, dialect)
        case Kernel():
            yield from _kernel(operation, dialect)
        case Join():
            yield from _joined(operation, widths, dialect)
        case Add():
            terms = " + ".join(f"{vector(part)}[j]" for part in operation.parts)
            yield f"{loop('j', operation.width)} {v}[j] = {terms};"
        case Activate():
            yield f"{loop('j', operation.width)} {{"
            yield f"  {dialect.constant} v = {vector(operation.x)}[j];"
            yield f"  {v}[j] = {dialect.activation(operation.function)};"
            yield "}"
        case Scale() | Unscale() | Clip() | Ramp():
            yield from _elementwise(operation, dialect)


def _elementwise(operation: Scale | Unscale | Clip | Ramp, dialect: Dialect) -> Iterator[str]:
    v, x = vector(operation.out), f"{vector(operation.x)}[j]"
    yield f"{dialect.loop('j', operation.width)} {{"
    match operation:
        case Scale():
            yield f"  {v}[j] = ({x} - {v}_shift[j]) / {v}_scale[j];"
        case Unscale():
            yield f"  {v}[j] = {x} * {v}_scale[j] + {v}_shift[j];"
        case Clip():
            yield f"  {dialect.constant} v = {x} < {v}_least[j] ? {v}_least[j] : {x};"
            yield f"  {v}[j] = v > {v}_greatest[j] ? {v}_greatest[j] : v;"
        case Ramp():
            x = f"{vector(operation.x)}[{v}_column[j]]"
            yield f"  {dialect.constant} v = ({x} - {v}_start[j]) / {v}_size[j];"
            yield f"  {v}[j] = (v < 0 ? 0 : v > 1 ? 1 : v) - 0.5;"
    yield "}"


def _product(operation: Affine | RampProduct, dialect: Dialect) -> Iterator[str]:
    v, x, outputs = vector(operation.out), vector(operation.x), operation.width
    yield f"{dialect.loop('j', outputs)} {v}[j] = {v}_bias[j];"
    yield f"{dialect.loop('i', len(operation.weights))} {{"
    yield f"  {dialect.constant} x = {x}[i];"
    yield f"  {dialect.loop('j', outputs)} {v}[j] += x * {v}_weights[i * {outputs} + j];"
    yield "}"


def _ramps(operation: RampProduct, dialect: Dialect) -> Iterator[str]:
    v, x, outputs = vector(operation.out), vector(operation.x), operation.width
    yield f"{dialect.loop('c', len(operation.column))} {{"
    yield f"  {dialect.counter} r = {v}_first[c];"
    yield f"  {dialect.constant} x = {x}[{v}_column[c]];"
    yield f"  while (r + 1 < {v}_first[c + 1] && x >= {v}_start[r + 1]) r++;"
    yield f"  {dialect.constant} u = (x - {v}_start[r]) / {v}_size[r];"
    yield f"  {dialect.constant} f = u < 0 ? 0 : u > 1 ? 1 : u;"
    yield f"  {dialect.loop('j', outputs)} {{"
    yield f"    {v}[j] += (1 - f) * {v}_sums[(r + c) * {outputs} + j]"
    yield f"      + f * {v}_sums[(r + c + 1) * {outputs} + j];"
    yield "  }"
    yield "}"


def _blocks(operation: Blocks, dialect: Dialect) -> Iterator[str]:
    v, x = vector(operation.out), vector(operation.x)
    blocks, size, _ = operation.weights.shape
    yield f"{dialect.loop('j', operation.width)} {v}[j] = {v}_bias[j];"
    yield f"{dialect.loop('m', blocks)} {{"
    yield f"  {dialect.loop('i', size)} {{"
    yield f"    {dialect.constant} x = {x}[m * {size} + i];"
    yield f"    {dialect.loop('j', size)} {{"
    yield f"      {v}[m * {size} + j] += x * {v}_weights[(m * {size} + i) * {size} + j];"
    yield "    }"
    yield "  }"
    yield "}"


def _kernel(operation: Kernel, dialect: Dialect) -> Iterator[str]:
    v, x, f = vector(operation.out), vector(operation.x), dialect.functions
    count, inputs = operation.centres.shape
    yield f"{dialect.loop('j', count)} {v}[j] = 0;"
    yield f"{dialect.loop('i', inputs)} {{"
    yield f"  {dialect.constant} x = {x}[i] / {v}_lengths[i];"
    yield f"  {dialect.loop('j', count)} {{"
    yield f"    {dialect.constant} u = x - {v}_centres[i * {count} + j];"
    yield f"    {v}[j] += u * u;"
    yield "  }"
    yield "}"
    yield f"{dialect.loop('j', count)} {{"
    if operation.is_matern:
        yield f"  {dialect.constant} s = {f}sqrt(5 * {v}[j]);"
        yield f"  {v}[j] = (1 + s + s * s / 3) * {f}exp(-s);"
    else:
        yield f"  {v}[j] = {f}exp(-0.5 * {v}[j]);"
    yield "}"


def _joined(operation: Join, widths: Mapping[str, int], dialect: Dialect) -> Iterator[str]:
    start = 0
    for part in operation.parts:
        place = f"{start} + j" if start else "j"
        line = f"{vector(operation.out)}[{place}] = {vector(part)}[j];"
        yield f"{dialect.loop('j', widths[part])} {line}"
        start += widths[part]


def _encoding(operation: Encode, dialect: Dialect) -> Iterator[str]:
    """Yield one statement for each input; c ≠ c for a missing cell."""
    v, x, f = vector(operation.out), vector(operation.x), dialect.functions
    for j, parts in enumerate(
        zip(
            operation.column,
            operation.operation,
            *(each.tolist() for each in (operation.shift, operation.scale, operation.mean)),
            strict=True,
        )
    ):
        column, kind, *numbers = parts
        c, (shift, scale, mean) = f"{x}[{column}]", map(number, numbers)
        if kind == EQUALS:
            yield f"{v}[{j}] = ({c} == {shift} ? 1 : 0) - ({mean});"
        elif kind == MISSING:
            yield f"{v}[{j}] = ({c} != {c} ? 1 : 0) - ({mean});"
        elif kind == SCALED:
            yield f"{v}[{j}] = {c} != {c} ? 0 : ({c} - ({shift})) / {scale} - ({mean});"
        else:
            wave = f"{f}cos" if kind == COSINE else f"{f}sin"
            turns = f"{v}[{j}]"
            yield f"{turns} = ({c} - ({shift})) / {scale};"
            yield f"{turns} -= {f}floor({turns} + 0.5);"
            yield f"{turns} = {c} != {c} ? 0 : {wave}({_TURN} * {turns}) - ({mean});"
