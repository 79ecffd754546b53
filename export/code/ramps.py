"""The product of ramps with weights, which needs few of the weights.

As in `network.ensemble.forward_pass`, let P[t] = V[0] + … + V[t − 1] − ½·ΣV for every edge t of the
bins of an input, where V are the weights of its ramps. A value in bin t at the fraction f of it
contributes (1 − f)·P[t] + f·P[t + 1].
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.graph import Affine, Join, Operation, Ramp
from export.graph.operations import sources
from network import Array


@dataclass(frozen=True, eq=False)
class RampProduct:
    """Σᵢ x[i]·weights[i, j] + bias[j] + what the ramps contribute.

    Attributes
    ----------
    column : (C,), the inputs that have ramps
    first : (C + 1,), the number of the first ramp of each; those of the c-th are first[c] to
        first[c + 1] − 1
    start, size : of all ramps
    sums : P, (ramps + C, width): those of the c-th input begin in the row first[c] + c
    """

    out: str
    x: str
    weights: Array
    bias: Array
    column: NDArray[np.intp]
    first: NDArray[np.intp]
    start: Array
    size: Array
    sums: Array

    @property
    def width(self) -> int:
        """The length of the result."""
        return len(self.bias)


def with_ramp_products(operations: Iterable[Operation]) -> list[Operation | RampProduct]:
    """Return operations with each ramp, join and product replaced by one operation.

    A vector that is read elsewhere, too, is kept.
    """
    operations = list(operations)
    by_name = {each.out: each for each in operations}
    readers = Counter(name for each in operations for name in sources(each))
    found: list[Operation | RampProduct] = []
    replaced: set[str] = set()
    for operation in operations:
        match operation, by_name.get(getattr(operation, "x", "")):
            case Affine(), Join(parts=(x, name)) as join if readers[join.out] == 1:
                ramp = by_name[name]
                if isinstance(ramp, Ramp) and ramp.x == x and readers[ramp.out] == 1:
                    found.append(_product(operation, x, ramp))
                    replaced |= {join.out, ramp.out}
                    continue
        found.append(operation)
    return [each for each in found if each.out not in replaced]


def reads(operation: Operation | RampProduct) -> tuple[str, ...]:
    """Return the names of the vectors that an operation reads."""
    return (operation.x,) if isinstance(operation, RampProduct) else sources(operation)


def _product(product: Affine, x: str, ramp: Ramp) -> RampProduct:
    inputs = len(product.weights) - ramp.width
    column, first = np.unique(ramp.column, return_index=True)
    sums = []
    for V in np.split(product.weights[inputs:], first[1:]):
        total = np.vstack([np.zeros(product.width), np.cumsum(V, axis=0)])
        sums.append(total - 0.5 * total[-1])
    return RampProduct(
        product.out,
        x,
        product.weights[:inputs],
        product.bias,
        column,
        np.append(first, ramp.width),
        ramp.start,
        ramp.size,
        np.concatenate(sums),
    )
