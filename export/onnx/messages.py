"""The messages of an ONNX file, with the numbers of their fields in `onnx.proto3`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.onnx.protobuf import message

IR_VERSION = 8
OPSETS = (("", 17), ("ai.onnx.ml", 3))
DOUBLE, TEXT, INT64 = 11, 8, 7  # TensorProto.DataType
ROWS = "N"  # the name of the number of rows

_INT, _INTS, _STRINGS = 2, 7, 8  # AttributeProto.AttributeType

Attribute = int | Sequence[int] | Sequence[str]


def tensor(name: str, array: NDArray[Any]) -> bytes:
    """Return a TensorProto of a float64 or int64 array."""
    is_double = array.dtype.kind == "f"
    content = np.ascontiguousarray(array, "<f8" if is_double else "<i8").tobytes()
    return message((1, array.shape), (2, DOUBLE if is_double else INT64), (8, name), (9, content))


def node(
    kind: str, inputs: Sequence[str], output: str, attributes: Mapping[str, Attribute], domain: str
) -> bytes:
    """Return a NodeProto with one output, whose name is the node's, too."""
    described = (_attribute(name, value) for name, value in attributes.items())
    return message((1, inputs), (2, output), (3, output), (4, kind), (5, described), (7, domain))


def value_info(name: str, kind: int, width: int, text: str = "") -> bytes:
    """Return a ValueInfoProto of a matrix with one row for each row of the input."""
    shape = message((1, [message((2, ROWS)), message((1, width))]))
    return message((1, name), (2, message((1, message((1, kind), (2, shape))))), (3, text))


def model(
    name: str,
    *,
    nodes: Iterable[bytes],
    constants: Iterable[bytes],
    inputs: Iterable[bytes],
    outputs: Iterable[bytes],
    version: int,
    text: str,
    metadata: Mapping[str, str],
) -> bytes:
    """Return a ModelProto, which is the file."""
    graph = message((1, nodes), (2, name), (5, constants), (11, inputs), (12, outputs))
    return message(
        (1, IR_VERSION),
        (2, "numnet"),
        (5, version),
        (6, text),
        (8, (message((1, domain), (2, number)) for domain, number in OPSETS)),
        (14, (message((1, key), (2, value)) for key, value in metadata.items())),
        (7, graph),
    )


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        return message((1, name), (3, value), (20, _INT))
    if value and isinstance(value[0], str):
        return message((1, name), (9, value), (20, _STRINGS))
    return message((1, name), (8, value), (20, _INTS))
