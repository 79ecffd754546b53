"""The graph of a version: its inputs, its operations in order, and its outputs."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from export.graph.operations import Operation
from network import Column


@dataclass(frozen=True, eq=False)
class Graph:
    """What computes a prediction, and the ends of its interval, from the cells of one row.

    It needs the arrays of the model and little memory besides.

    Attributes
    ----------
    columns : the features, in order
    targets : the names of the numbers in each output, in order
    operations : in an order in which they can be computed
    prediction : the name of the vector that is predicted
    ends : the names of the lower and the upper ends of the interval; None without a level
    level : the probability that the interval contains the true value, at least; or None
    """

    columns: tuple[Column, ...]
    targets: tuple[str, ...]
    operations: tuple[Operation, ...]
    prediction: str
    ends: tuple[str, str] | None = None
    level: float | None = None

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the outputs: the prediction, and the ends of its interval, if any."""
        return (self.prediction, *(self.ends or ()))

    @property
    def constants(self) -> int:
        """The number of constant numbers in all operations."""
        values = (value for operation in self for value in vars(operation).values())
        return sum(value.size for value in values if isinstance(value, np.ndarray))

    def __iter__(self) -> Iterator[Operation]:
        """Yield the operations in order."""
        return iter(self.operations)
