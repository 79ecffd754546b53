"""Which operations a prediction needs, and which only the ends of its interval."""

from export.graph import Graph, Operation
from export.graph.operations import sources


def split(graph: Graph) -> tuple[list[Operation], list[Operation]]:
    """Return the operations that the prediction needs, and the others, each in order."""
    needed = {graph.prediction}
    for operation in reversed(graph.operations):
        if operation.out in needed:
            needed |= set(sources(operation))
    first = [each for each in graph.operations if each.out in needed]
    return first, [each for each in graph.operations if each.out not in needed]
