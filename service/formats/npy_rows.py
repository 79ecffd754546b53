"""Rows and predictions as NumPy array files (.npy) in request and response bodies. No pickles."""

import io
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.lib import format as npy
from werkzeug.exceptions import BadRequest

from network import Array
from registry.npy_header import read_npy_header
from service.model.prediction import Prediction
from service.model.row_reader import RowReader
from service.web.errors import MAX_ERRORS, InvalidInput
from service.web.responses import ROWS_AT_A_TIME

MEDIA_TYPE = "application/x-npy"


def read(reader: RowReader, body: bytes) -> Array:
    """Read the matrix (N, features), with columns in the order of the model's features.

    Raises
    ------
    BadRequest, InvalidInput
    """
    try:
        header = read_npy_header(body)
    except ValueError as error:
        raise BadRequest(f"the body is not a .npy file: {error}") from None
    shape, dtype = header.shape, header.dtype
    features = reader.model.features
    if dtype.kind not in "fiu" or dtype.itemsize > 8:
        raise _wrong_array(reader, f"holds {dtype}; expected numbers of up to 8 bytes, as float64")
    if len(shape) != 2 or shape[1] != len(features) or not shape[0]:
        expected = f"(N, {len(features)}), N ≥ 1: {', '.join(features)}"
        raise _wrong_array(reader, f"has the shape {shape}; expected {expected}")
    if header.data_bytes != (size := len(body) - header.start):
        raise BadRequest(
            f"the body is not a .npy file: it has {size} bytes of data; "
            f"{shape} of {dtype} takes {header.data_bytes}"
        )
    data = np.ndarray(shape, dtype, body, header.start, order=header.order)
    X = np.ascontiguousarray(data, np.float64)
    if not (finite := np.isfinite(X)).all():
        raise reader.invalid(
            [
                {
                    "pointer": f"/instances/{row}/{column}",
                    "detail": f"must be a finite number, got {X[row, column]}",
                }
                for row, column in np.argwhere(~finite)[:MAX_ERRORS].tolist()
            ]
        )
    return X


def write(
    prediction: Prediction,
    columns: Sequence[str],
    Y: Array,
    rows_at_a_time: int = ROWS_AT_A_TIME,
) -> Iterator[bytes]:
    """Yield the parts of a file with the array Y (N, columns) alone."""
    header = io.BytesIO()
    npy.write_array_header_1_0(header, npy.header_data_from_array_1_0(Y))
    yield header.getvalue()
    for start in range(0, len(Y), rows_at_a_time):
        yield Y[start : start + rows_at_a_time].tobytes()


def _wrong_array(reader: RowReader, reason: str) -> InvalidInput:
    return reader.invalid([{"pointer": "", "detail": f"the array {reason}"}])
