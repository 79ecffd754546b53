"""A version's computation as a short list of operations, from which other forms are written."""

from export.graph.building import graph_of
from export.graph.graph import Graph
from export.graph.operations import (
    ACTIVATIONS,
    Activate,
    Add,
    Affine,
    Blocks,
    Cells,
    Clip,
    Encode,
    Join,
    Kernel,
    Operation,
    Ramp,
    Scale,
    Unscale,
)

__all__ = [
    "ACTIVATIONS",
    "Activate",
    "Add",
    "Affine",
    "Blocks",
    "Cells",
    "Clip",
    "Encode",
    "Graph",
    "Join",
    "Kernel",
    "Operation",
    "Ramp",
    "Scale",
    "Unscale",
    "graph_of",
]
