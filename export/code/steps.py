"""The operations that programs compute, and which of them only the ends of an interval need."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from export.code.ramps import RampProduct, reads, with_ramp_products
from export.graph import Cells, Graph, Operation

Step = Operation | RampProduct


@dataclass(frozen=True, eq=False)
class Steps:
    """The operations of a graph after the first, which is `Cells`, each in order.

    Attributes
    ----------
    of_prediction : those that the prediction needs
    of_ends : the others, which the ends of the interval need
    """

    of_prediction: tuple[Step, ...]
    of_ends: tuple[Step, ...]

    @classmethod
    def of(cls, graph: Graph) -> Self:
        """Return the steps of a graph."""
        steps = with_ramp_products(graph)
        needed = {graph.prediction}
        for step in reversed(steps):
            if step.out in needed:
                needed |= set(reads(step))
        computed = [each for each in steps if not isinstance(each, Cells)]
        return cls(
            tuple(each for each in computed if each.out in needed),
            tuple(each for each in computed if each.out not in needed),
        )

    def __iter__(self) -> Iterator[Step]:
        """Yield all, in an order in which they can be computed."""
        yield from self.of_prediction
        yield from self.of_ends
