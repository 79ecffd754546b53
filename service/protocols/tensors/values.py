"""The values of tensors, as JSON or as bytes, for the cells of one feature or of all.

| feature | datatypes |
|---|---|
| number | FP64 and the others of `DATATYPES`; NaN, or null in JSON, is a missing cell |
| boolean | BOOL, or BYTES with words |
| category, date | BYTES |

Bytes have no null: a text that says so, such as the empty one, is a missing cell.

Source: Open Inference Protocol, inference_rest.md; Triton, extension_binary_data.md.
"""

import math
import struct
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network import Array
from service.model.rows.cells.cell import Cell
from service.web.errors import InvalidInference
from service.web.field_errors import listed, shown
from service.web.fields import NUMBERS

MAX_BINARY_BYTES = 2**31
DATATYPES: dict[str, np.dtype[Any]] = {
    "FP64": np.dtype("<f8"),
    "FP32": np.dtype("<f4"),
    "FP16": np.dtype("<f2"),
    **{f"INT{8 * size}": np.dtype(f"<i{size}") for size in (1, 2, 4, 8)},
    **{f"UINT{8 * size}": np.dtype(f"<u{size}") for size in (1, 2, 4, 8)},
}
TEXT_DATATYPES = ("BOOL", "BYTES")
BY_KIND = {  # the first is the one in the metadata
    "number": tuple(DATATYPES),
    "boolean": ("BOOL", "BYTES"),
    "category": ("BYTES",),
    "datetime": ("BYTES",),
}

Tensor = dict[str, Any]


def read_values(
    tensor: Tensor, shape: list[int], cells: Cell | Sequence[Cell], binary: bytes, start: int
) -> tuple[NDArray[Any], int]:
    """Return a tensor's values as numbers in X, flat, and the offset of the next tensor's bytes.

    Parameters
    ----------
    shape : (N,), (N, 1) or (N, features)
    cells : the cell of the tensor's feature, or those of all features, which are numbers
    binary : the bytes that follow the JSON
    start : the offset of this tensor's bytes

    Raises
    ------
    InvalidInference
    """
    cells = [cells] if isinstance(cells, Cell) else cells
    name, datatype = tensor["name"], tensor["datatype"]
    if datatype not in (expected := BY_KIND[cells[0].column.kind]):
        expected_names = (
            " or ".join(expected) if len(expected) < 3 else f"one of {', '.join(expected)}"
        )
        raise InvalidInference(
            f"input {name} has datatype {listed([datatype])}; expected {expected_names}"
        )
    size = tensor["parameters"].get("binary_data_size")
    if (size is None) == ("data" not in tensor):
        wrong = "neither data nor" if size is None else "both data and"
        raise InvalidInference(f"input {name} has {wrong} binary_data_size; expected one of them")
    end = start + (size or 0)
    if datatype in DATATYPES:
        if size is None:
            numbers = _numbers_from_json(tensor, shape, cells)
        else:
            numbers = _numbers_from_bytes(tensor, shape, size, binary, start)
        return _checked(tensor, numbers, cells), end
    if size is None:
        return _from_json(tensor, shape, cells[0]), end
    if datatype == "BOOL":
        return _booleans_from_bytes(tensor, shape, size, binary, start), end
    return _texts_from_bytes(tensor, shape, cells[0], binary[start:end], size), end


def _checked(tensor: Tensor, numbers: NDArray[Any], cells: Sequence[Cell]) -> NDArray[Any]:
    """Return numbers after checking that they are finite, or NaN if that is allowed."""
    valid = np.isfinite(numbers)
    gaps = [cell.column.has_gaps for cell in cells]
    if any(gaps):
        valid |= np.isnan(numbers) & np.resize(gaps, numbers.shape)
    if not valid.all():
        place = int(np.flatnonzero(~valid)[0])
        hint = cells[place % len(cells)].no_gaps if np.isnan(numbers[place]) else ""
        raise InvalidInference(
            f"value {place} of input {tensor['name']} is not a finite number as "
            f"{tensor['datatype']}: {numbers[place]}{hint}"
        )
    return numbers


def _numbers_from_bytes(
    tensor: Tensor, shape: list[int], size: int, binary: bytes, start: int
) -> NDArray[Any]:
    dtype, count = DATATYPES.get(tensor["datatype"], np.dtype("u1")), math.prod(shape)
    if size != count * dtype.itemsize or start + size > len(binary):
        raise InvalidInference(
            f"input {tensor['name']} has binary_data_size {size:,}, and {len(binary) - start:,} "
            f"bytes are there; expected {count * dtype.itemsize:,} for {tensor['datatype']} {shape}"
        )
    return np.frombuffer(binary, dtype, count, start)


def _booleans_from_bytes(
    tensor: Tensor, shape: list[int], size: int, binary: bytes, start: int
) -> NDArray[Any]:
    numbers = _numbers_from_bytes(tensor, shape, size, binary, start)
    if not (valid := numbers <= 1).all():
        place = int(np.flatnonzero(~valid)[0])
        raise InvalidInference(
            f"value {place} of input {tensor['name']} must be 0 or 1 as BOOL, got {numbers[place]}"
        )
    return numbers


def _texts_from_bytes(
    tensor: Tensor, shape: list[int], cell: Cell, content: bytes, size: int
) -> Array:
    """Return the numbers of texts, each after its length in four bytes."""
    name, count, texts, place = tensor["name"], math.prod(shape), list[str](), 0
    try:
        for _ in range(count):
            (length,) = struct.unpack_from("<I", content, place)
            place += 4 + length
            if place > len(content):
                break
            texts.append(content[place - length : place].decode())
    except struct.error:
        place = -1
    except UnicodeDecodeError:
        raise InvalidInference(f"value {len(texts)} of input {name} is not UTF-8") from None
    if not place == size == len(content):
        raise InvalidInference(
            f"input {name} has binary_data_size {size:,}; expected {count:,} texts, each after its "
            f"length in 4 bytes, for BYTES {shape}"
        )
    x = cell.convert_texts(texts)
    if x is None:
        values = [cell.from_text(text) for text in texts]
        raise _wrong_value(tensor, cell, values)
    return x


def _from_json(tensor: Tensor, shape: list[int], cell: Cell) -> Array:
    """Return the numbers of texts or booleans."""
    data = _flat(tensor, shape)
    expected = str if tensor["datatype"] == "BYTES" else bool
    x = cell.convert_all(data)
    if x is None or not set(map(type, data)) <= {expected, type(None)}:
        raise _wrong_value(tensor, cell, data, expected)
    return x


def _wrong_value(
    tensor: Tensor, cell: Cell, values: Sequence[Any], expected: type | None = None
) -> InvalidInference:
    """Return the exception for the first wrong value."""
    place = next(
        index
        for index, value in enumerate(values)
        if cell.convert(value) is None or type(value) not in (expected or type(value), type(None))
    )
    return InvalidInference(f"value {place} of input {tensor['name']} {cell.wrong(values[place])}")


def _numbers_from_json(tensor: Tensor, shape: list[int], cells: Sequence[Cell]) -> NDArray[Any]:
    """Return numbers from JSON, and NaN for null."""
    name, dtype = tensor["name"], DATATYPES[tensor["datatype"]]
    data = _flat(tensor, shape)
    allowed, what = (NUMBERS, "finite") if dtype.kind == "f" else ({int}, "whole")
    if dtype.kind == "f" and any(cell.column.has_gaps for cell in cells):
        data = [math.nan if value is None else value for value in data]
    if not set(map(type, data)) <= allowed:
        place = next(place for place, value in enumerate(data) if type(value) not in allowed)
        raise InvalidInference(
            f"value {place} of input {name} must be a {what} number, got {shown(data[place])}"
        )
    try:
        with np.errstate(over="ignore"):  # an overflow is reported as not finite
            return np.array(data, dtype)
    except OverflowError:
        raise InvalidInference(
            f"data of input {name} has a number outside the range of {tensor['datatype']}"
        ) from None


def _flat(tensor: Tensor, shape: list[int]) -> list[Any]:
    """Return values from JSON, flat or nested."""
    name, data = tensor["name"], tensor["data"]
    if type(data) is not list:
        raise InvalidInference(f"data of input {name} must be a list, got {shown(data)}")
    if len(shape) == 2 and list in map(type, data):
        if len(data) != shape[0] or any(
            type(row) is not list or len(row) != shape[1] for row in data
        ):
            raise InvalidInference(f"data of input {name} is not nested as its shape {shape} says")
        data = list(chain.from_iterable(data))
    if len(data) != math.prod(shape):
        raise InvalidInference(
            f"data of input {name} has {len(data):,} values; expected {math.prod(shape):,} for "
            f"shape {shape}"
        )
    return data
