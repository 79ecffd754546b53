"""The header of a NumPy array file (.npy), read from bytes of unknown origin."""

import io
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.lib import format as npy

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
    file = io.BytesIO(content)
    try:
        shape, by_column, dtype = _READERS[npy.read_magic(file)](file)
    except Exception as error:
        # NumPy evaluates the header as a Python literal; hostile ones raise errors of any kind
        raise ValueError("its header is not one of version 1 or 2") from error
    if not all(type(length) is int and 0 <= length <= len(content) for length in shape):
        raise ValueError("its shape declares more data than it has")
    return NpyHeader(shape, dtype, "F" if by_column else "C", file.tell())
