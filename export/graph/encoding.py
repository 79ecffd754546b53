"""The operation that computes inputs from cells."""

import numpy as np

from export.graph.operations import Encode
from network import Encoding


def encode(out: str, encoding: Encoding) -> Encode:
    """Return the operation of an encoding of the cells x."""
    column, operation = (each.astype(np.intp) for each in (encoding.column, encoding.operation))
    return Encode(out, "x", column, operation, encoding.shift, encoding.scale, encoding.mean)
