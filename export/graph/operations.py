"""The operations of a graph. Each one computes a vector of float64 numbers, for one row.

`out` is the vector's name, which is an identifier in every language. All other texts are names of
vectors computed before. The numbers are constants, and always finite unless stated otherwise.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from network import Array, Column

ACTIVATIONS = {
    "tanh": "tanh(v)",
    "relu": "max(v, 0)",
    "sigmoid": "(1 + tanh(v/2))/2",
    "gelu": "v*(1 + tanh(0.7978845608028654*v*(1 + 0.044715*v*v)))/2",
    "silu": "v*(1 + tanh(v/2))/2",
    "sine": "sin(v)",
    "root": "v*(1 + v/sqrt(4 + v*v))/2",
    "exp": "exp(v)",
}


@dataclass(frozen=True, eq=False)
class Cells:
    """The row's cells as numbers, as `network.column` defines them. Always the first operation.

    A number is itself, a boolean 0 or 1, a date its days since 1970-01-01 in UTC, a category the
    index of its text in `values`, or −1 if its text is not there. A missing cell is NaN.
    """

    out: str
    columns: tuple[Column, ...]

    @property
    def width(self) -> int:
        return len(self.columns)


@dataclass(frozen=True, eq=False)
class Encode:
    """Inputs zᵢ of the columns' numbers c = x[column[i]]; `network.encoding` names the operations.

    | operation | zᵢ + mean[i] |
    |---|---|
    | 0 `SCALED` | (c − shift[i])/scale[i] |
    | 1 `MISSING` | 1 if c is NaN, else 0 |
    | 2 `EQUALS` | 1 if c = shift[i], else 0 |
    | 3 `SINE` | sin(2π·(t − round(t))) of t = (c − shift[i])/scale[i] |
    | 4 `COSINE` | cos of the same |

    If c is NaN, zᵢ is 0 for `SCALED`, `SINE` and `COSINE`. A half may be rounded up or down.
    """

    out: str
    x: str
    column: NDArray[np.intp]
    operation: NDArray[np.intp]
    shift: Array
    scale: Array
    mean: Array

    @property
    def width(self) -> int:
        return len(self.column)


@dataclass(frozen=True, eq=False)
class Scale:
    """(x − shift)/scale, number by number."""

    out: str
    x: str
    shift: Array
    scale: Array

    @property
    def width(self) -> int:
        return len(self.shift)


@dataclass(frozen=True, eq=False)
class Unscale:
    """x·scale + shift, number by number."""

    out: str
    x: str
    scale: Array
    shift: Array

    @property
    def width(self) -> int:
        return len(self.shift)


@dataclass(frozen=True, eq=False)
class Clip:
    """min(max(x, least), greatest), number by number; −∞ and ∞ where there is no limit."""

    out: str
    x: str
    least: Array
    greatest: Array

    @property
    def width(self) -> int:
        return len(self.least)


@dataclass(frozen=True, eq=False)
class Affine:
    """Σᵢ x[i]·weights[i, j] + bias[j] for each j."""

    out: str
    x: str
    weights: Array
    bias: Array

    @property
    def width(self) -> int:
        return len(self.bias)


@dataclass(frozen=True, eq=False)
class Blocks:
    """The same for each block m of x: Σᵢ x[m·H + i]·weights[m, i, j] + bias[m·H + j].

    `weights` has the shape (M, H, H), x and the result have M·H numbers.
    """

    out: str
    x: str
    weights: Array
    bias: Array

    @property
    def width(self) -> int:
        return len(self.bias)


@dataclass(frozen=True, eq=False)
class Activate:
    """A function of each number v; `ACTIVATIONS` has its formula."""

    out: str
    x: str
    function: str
    width: int


@dataclass(frozen=True, eq=False)
class Ramp:
    """min(max((x[column[j]] − start[j])/size[j], 0), 1) − ½ for each j."""

    out: str
    x: str
    column: NDArray[np.intp]
    start: Array
    size: Array

    @property
    def width(self) -> int:
        return len(self.column)


@dataclass(frozen=True, eq=False)
class Kernel:
    """The covariance of x with each centre j, by d² = Σᵢ ((x[i] − centres[j, i])/lengths[i])².

    It is exp(−d²/2), or if `is_matern` (1 + s + s²/3)·exp(−s) with s = √5·d.
    """

    out: str
    x: str
    centres: Array
    lengths: Array
    is_matern: bool

    @property
    def width(self) -> int:
        return len(self.centres)


@dataclass(frozen=True, eq=False)
class Join:
    """The numbers of one vector, then those of the next."""

    out: str
    parts: tuple[str, ...]
    width: int


@dataclass(frozen=True, eq=False)
class Add:
    """The sum of vectors of the same width."""

    out: str
    parts: tuple[str, ...]
    width: int


Operation = (
    Cells
    | Encode
    | Scale
    | Unscale
    | Clip
    | Affine
    | Blocks
    | Activate
    | Ramp
    | Kernel
    | Join
    | Add
)


def sources(operation: Operation) -> tuple[str, ...]:
    """Return the names of the vectors that an operation reads."""
    match operation:
        case Cells():
            return ()
        case Join() | Add():
            return operation.parts
        case _:
            return (operation.x,)
