"""Rows and predictions as NumPy array files (.npy) in request and response bodies. No pickles."""

import io
import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from werkzeug.exceptions import BadRequest

from network import Array
from registry.npy_header import read_npy_header
from service.formats.table_columns import TableColumns
from service.model.prediction import Prediction
from service.model.rows.blocks import collect_blocks
from service.model.rows.cells.cell import Cell
from service.model.rows.columns import converted
from service.model.rows.reader import RowReader
from service.web.errors import InvalidInput
from service.web.responses import ROWS_AT_A_TIME

MEDIA_TYPE = "application/x-npy"


def read(reader: RowReader, body: bytes, *, any_columns: bool = False) -> NDArray[Any]:
    """Read the matrix (N, features), of float64 or of the body's own type of numbers.

    The array is (N, features), with columns in the order of the model's features, or has one row
    of named fields per row. If not all features are numbers, its cells may be texts.

    Parameters
    ----------
    any_columns : whether fields of any other name are ignored

    Raises
    ------
    BadRequest, InvalidInput
    """
    try:
        header = read_npy_header(body)
    except ValueError as error:
        raise BadRequest(f"the body is not a .npy file: {error}") from None
    shape, dtype = header.shape, header.dtype
    _check(reader, shape, dtype)
    if header.data_bytes != (size := len(body) - header.start):
        raise BadRequest(
            f"the body is not a .npy file: it has {size} bytes of data; "
            f"{shape} of {dtype} takes {header.data_bytes}"
        )
    data = np.ndarray(shape, dtype, body, header.start, order=header.order)
    if reader.only_numbers and not dtype.names:
        return reader.array(converted(data))
    order = list[int | None]()
    if dtype.names:
        ignored = frozenset(dtype.names) if any_columns else reader.others
        order = reader.column_order(list(dtype.names), ignored)
    blocks = (data[start : start + ROWS_AT_A_TIME] for start in range(0, len(data), ROWS_AT_A_TIME))
    return collect_blocks(
        reader.refusals,
        len(reader.cells),
        ((len(block), partial(_matrix, reader, block, order)) for block in blocks),
    )


def write(
    prediction: Prediction, columns: TableColumns, rows_at_a_time: int = ROWS_AT_A_TIME
) -> Iterator[bytes]:
    """Yield the parts of a file with the numbers of the columns alone."""
    header = io.BytesIO()
    described = {"descr": "<f8", "fortran_order": False, "shape": columns.shape}
    npy.write_array_header_1_0(header, described)
    yield header.getvalue()
    for start in range(0, columns.shape[0], rows_at_a_time):
        yield columns.numbers(slice(start, start + rows_at_a_time)).astype("<f8").tobytes()


def _check(reader: RowReader, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Check type and shape before the data is used."""
    features = reader.model.features
    kinds = "fiu" if reader.only_numbers else "fiuU"
    fields = [field for field, *_ in (dtype.fields or {}).values()]
    if fields and not reader.only_numbers:
        if wrong := [each for each in fields if not _is_column(each)]:
            expected = "fields of numbers, texts, booleans and dates"
            raise _wrong_array(reader, f"has a field of {wrong[0]}; expected {expected}")
        if len(shape) != 1 or not shape[0]:
            expected = "(N,), N ≥ 1, for an array with fields"
            raise _wrong_array(reader, f"has the shape {shape}; expected {expected}")
        return
    if dtype.kind not in kinds or not _is_column(dtype):
        expected = "numbers of up to 8 bytes, as float64"
        expected += "" if reader.only_numbers else "; or texts, as <U20; or one field per feature"
        raise _wrong_array(reader, f"holds {dtype}; expected {expected}")
    if len(shape) != 2 or shape[1] != len(features) or not shape[0]:
        expected = f"(N, {len(features)}), N ≥ 1: {', '.join(features)}"
        raise _wrong_array(reader, f"has the shape {shape}; expected {expected}")


def _is_column(dtype: np.dtype[Any]) -> bool:
    size = dtype.itemsize
    return (
        not dtype.shape
        and (dtype.kind == "U" or (dtype.kind in "fiubM" and size <= 8))
        and size > 0
    )


def _matrix(
    reader: RowReader, block: NDArray[Any], order: list[int | None], *, first: int
) -> Array:
    """Return the matrix (n, features) of rows of numbers, of texts, or with named fields.

    Parameters
    ----------
    order : the index of each feature's field; None for one of missing cells
    first : the index of the first of these rows in the body
    """
    names = block.dtype.names
    if not names and block.dtype.kind != "U":
        return reader.array(np.ascontiguousarray(block, np.float64), first=first)
    columns = list(block.T)
    if names:
        columns = [None if each is None else block[names[each]] for each in order]
    values = [
        [None] * len(block) if column is None else _values(cell, column)
        for cell, column in zip(reader.cells, columns, strict=True)
    ]
    return reader.matrix(list(map(list, zip(*values, strict=True))), "/instances", first=first)


def _values(cell: Cell, column: NDArray[Any]) -> list[Any]:
    """Return a column as JSON values."""
    if column.dtype.kind == "M":
        column = np.where(np.isnat(column), "", np.datetime_as_string(column))
    values: list[Any] = column.tolist()
    if column.dtype.kind == "U":
        return [cell.from_text(text) for text in values]
    if column.dtype.kind == "f":
        return [None if math.isnan(value) else value for value in values]
    return values


def _wrong_array(reader: RowReader, reason: str) -> InvalidInput:
    return reader.refusals.invalid([{"pointer": "", "detail": f"the array {reason}"}])
