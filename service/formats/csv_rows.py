"""Many rows as CSV with a header line (RFC 4180): requests' read, answers' written."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from werkzeug.exceptions import BadRequest

from network import Array
from service.model.current_version import Served
from service.model.row_reader import Inputs
from service.web.bodies import ROWS_AT_A_TIME, undecodable
from service.web.errors import MAX_ERRORS
from service.web.fields import Error, read_number

MEDIA_TYPE = "text/csv"


def read(inputs: Inputs, body: bytes) -> Array:
    """The matrix (N, features) of a body whose header names each feature once, in any order.

    Raises
    ------
    BadRequest, InvalidInput
    """
    if where := undecodable(body):
        raise BadRequest(f"the body is no CSV: {where}")
    text = body.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise BadRequest("the body is empty; expected CSV, with a line for each row")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        X = _numbers(text.partition("\n")[2], inputs.order_among(header))
        return _checked(inputs, header, reader) if X is None else X
    except csv.Error as error:
        raise BadRequest(f"the body is no CSV: line {reader.line_num}: {error}") from None


def write(
    served: Served,
    Y: Array,
    outside: NDArray[np.bool_],
    columns: Sequence[str],
    rows: int = ROWS_AT_A_TIME,
) -> Iterator[bytes]:
    """The columns of Y, and one with the features that are outside their range.

    Parameters
    ----------
    outside : (N, features), the values outside the range seen in training
    Y, columns : (N, columns) float64, and the columns' names
    rows : how many are written at a time
    """
    features = served.inputs.model.features
    yield _lines([[*columns, "extrapolating"]])
    for start in range(0, len(Y), rows):
        part = slice(start, start + rows)
        found = outside[part]
        names = [""] * len(found)
        for row in np.flatnonzero(found.any(axis=1)):
            names[row] = ";".join(np.array(features)[found[row]])
        yield _lines(zip(*Y[part].T.tolist(), names, strict=True))


def write_predictions(Y: Array, rows: int = ROWS_AT_A_TIME) -> Iterator[bytes]:
    """A column for each target, without a header."""
    for start in range(0, len(Y), rows):
        yield _lines(Y[start : start + rows].tolist())


def with_header(inputs: Inputs, body: bytes) -> bytes:
    """The body; where it begins with numbers, below a header with the features in their order."""
    text = body.removeprefix(codecs.BOM_UTF8)
    first = re.split(rb"[\r\n]", text, maxsplit=1)[0].decode(errors="replace")
    if all(isinstance(read_number(cell), float) for cell in first.split(",")):
        return _lines([inputs.model.features]) + text
    return body


def _lines(rows: Iterable[Iterable[object]]) -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()


def _numbers(text: str, order: list[int]) -> Array | None:
    """All cells at once; None where any of them might be wrong, or is quoted."""
    if '"' in text or not text.strip():
        return None
    try:
        table = np.loadtxt(io.StringIO(text), delimiter=",", comments=None, ndmin=2)
    except ValueError:
        return None
    if table.shape[1] != len(order) or not np.isfinite(table).all():
        return None
    return np.ascontiguousarray(table[:, order])


def _checked(inputs: Inputs, header: list[str], reader: Iterator[list[str]]) -> Array:
    """Row by row, through the schema, which names what is wrong."""
    rows: list[list[float]] = []
    errors: list[Error] = []
    for cells in filter(None, reader):
        row, wrong = _row(inputs, header, cells, f"/instances/{len(rows)}")
        rows.append(row)
        errors += wrong
        if len(errors) >= MAX_ERRORS:
            break
    if not rows:
        errors = [{"pointer": "", "detail": "must have at least one row below the header"}]
    if errors:
        raise inputs.invalid(errors)
    return np.array(rows)


def _row(
    inputs: Inputs, header: list[str], cells: list[str], pointer: str
) -> tuple[list[float], list[Error]]:
    if len(cells) != len(header):
        detail = f"has {len(cells)} values; expected {len(header)}: {', '.join(header)}"
        return [], [{"pointer": pointer, "detail": detail}]
    return inputs.load_row(dict(zip(header, map(read_number, cells), strict=True)), pointer)
