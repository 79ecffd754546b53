"""Many rows as a NumPy array file (.npy): requests' read, answers' written. Never a pickle."""

import io
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray
from werkzeug.exceptions import BadRequest

from network import Array
from registry.npy_header import read_npy_header
from service.model.current_version import Served
from service.model.row_reader import Inputs
from service.web.bodies import ROWS_AT_A_TIME
from service.web.errors import MAX_ERRORS

MEDIA_TYPE = "application/x-npy"


def read(inputs: Inputs, body: bytes) -> Array:
    """The matrix (N, features), in the order of the features, of an array of numbers.

    Raises
    ------
    BadRequest, InvalidInput
    """
    try:
        header = read_npy_header(body)
    except ValueError as error:
        raise BadRequest(f"the body is no .npy file: {error}") from None
    shape, dtype = header.shape, header.dtype
    features = inputs.model.features
    if dtype.kind not in "fiu" or dtype.itemsize > 8:
        raise _wrong(inputs, f"holds {dtype}; expected numbers of up to 8 bytes, as float64")
    if len(shape) != 2 or shape[1] != len(features) or not shape[0]:
        expected = f"(N, {len(features)}), N ≥ 1: {', '.join(features)}"
        raise _wrong(inputs, f"has the shape {shape}; expected {expected}")
    if header.data_bytes != (size := len(body) - header.start):
        raise BadRequest(
            f"the body is no .npy file: it has {size} bytes of data; "
            f"{shape} of {dtype} takes {header.data_bytes}"
        )
    data = np.ndarray(shape, dtype, body, header.start, order=header.order)
    X = np.ascontiguousarray(data, np.float64)
    if not (finite := np.isfinite(X)).all():
        raise inputs.invalid(
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
    served: Served,
    Y: Array,
    outside: NDArray[np.bool_],
    columns: Sequence[str],
    rows: int = ROWS_AT_A_TIME,
) -> Iterator[bytes]:
    """The array Y alone.

    Parameters
    ----------
    outside : (N, features), the values outside the range seen in training
    Y, columns : (N, columns) float64, and what would name the columns
    rows : how many are written at a time
    """
    header = io.BytesIO()
    npy_format.write_array_header_1_0(header, npy_format.header_data_from_array_1_0(Y))
    yield header.getvalue()
    for start in range(0, len(Y), rows):
        yield Y[start : start + rows].tobytes()


def _wrong(inputs: Inputs, what: str) -> Exception:
    return inputs.invalid([{"pointer": "", "detail": f"the array {what}"}])
