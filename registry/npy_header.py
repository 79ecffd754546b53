"""The header of a NumPy array file (.npy), read from bytes of unknown origin."""

import io
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.lib import format as npy

_USUAL_BYTES = 256  # of a header
_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


@dataclass(frozen=True)
class NpyHeader:
    """What a file declares; the data need not agree with it.

    Attributes
    ----------
    shape : lengths from 0 to the size of the file
    order : of the data, row by row or column by column
    start : offset of the data in the file, in bytes
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: Literal["C", "F"]
    start: int

    @property
    def data_bytes(self) -> int:
        """The size of the data that shape and type need."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_npy_header(content: bytes) -> NpyHeader:
    """Read the header of a file of version 1 or 2, without allocating what it declares.

    Raises
    ------
    ValueError
        the header is not one, or declares a length greater than the size of the file.
    """
    try:
        start = _data_start(content)
        parse = _parse if start <= _USUAL_BYTES else _parse.__wrapped__
        shape, by_column, dtype = parse(content[:start])
    except Exception as error:
        # NumPy evaluates the header as a Python literal; hostile ones raise errors of any kind
        raise ValueError("its header is not one of version 1 or 2") from error
    if not all(type(length) is int and 0 <= length <= len(content) for length in shape):
        raise ValueError("its shape declares more data than it has")
    return NpyHeader(shape, dtype, "F" if by_column else "C", start)


def _data_start(content: bytes) -> int:
    """Return the offset of the data, as the file says.

    Source: numpy.lib.format, "Format Version 1.0" and "Format Version 2.0".
    """
    lengths = {b"\x01\x00": 2, b"\x02\x00": 4}  # bytes of the header's length, by version
    first, size = 8, lengths[content[6:8]]
    return first + size + int.from_bytes(content[first : first + size], "little")


@lru_cache(1024)  # models of one kind have arrays of the same shapes
def _parse(header: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    file = io.BytesIO(header)
    return _READERS[npy.read_magic(file)](file)
