"""The wire format of Protocol Buffers, as far as ONNX needs it.

A message is the concatenation of its fields. Each field is a number of the schema with the type of
the wire, and its value: an integer as a varint, texts, bytes and messages with their lengths before
them.

References
----------
https://protobuf.dev/programming-guides/encoding
"""

from collections.abc import Iterable
from itertools import chain

_VARINT, _LENGTH = 0, 2

Value = int | str | bytes


def message(*fields: tuple[int, Value | Iterable[Value]]) -> bytes:
    """Return a message.

    Parameters
    ----------
    fields : the number in the schema and the value of each; of a repeated field all values
    """
    parts: list[bytes] = []
    for number, values in fields:
        if isinstance(values, Value):
            parts += _field(number, values)
        else:
            parts += chain.from_iterable(_field(number, value) for value in values)
    return b"".join(parts)


def _field(number: int, value: Value) -> list[bytes]:
    if isinstance(value, int):
        return [_varint(number << 3 | _VARINT), _varint(value)]
    content = value.encode() if isinstance(value, str) else value
    return [_varint(number << 3 | _LENGTH), _varint(len(content)), content]


def _varint(value: int) -> bytes:
    """Return seven bits per byte, the lowest first; all bytes except the last have the top bit."""
    value &= 0xFFFF_FFFF_FFFF_FFFF  # a negative number is its two's complement
    content = bytearray()
    while value > 0x7F:
        content.append(value & 0x7F | 0x80)
        value >>= 7
    content.append(value)
    return bytes(content)
