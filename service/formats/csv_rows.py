"""Rows in CSV request bodies with a header line, and predictions in CSV responses (RFC 4180)."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from werkzeug.exceptions import BadRequest

from config.numbers import parse_number
from network import Array
from service.model.prediction import Prediction
from service.model.row_reader import RowReader
from service.web.bodies import invalid_utf8
from service.web.errors import MAX_ERRORS
from service.web.field_errors import Error, number_or_text
from service.web.responses import ROWS_AT_A_TIME

MEDIA_TYPE = "text/csv"


def read(reader: RowReader, body: bytes) -> Array:
    """Read the matrix (N, features); the header names each feature once, in any order.

    Raises
    ------
    BadRequest, InvalidInput
    """
    if reason := invalid_utf8(body):
        raise BadRequest(f"the body is not CSV: {reason}")
    text = body.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise BadRequest("the body is empty; expected CSV with a header and one line per row")
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        X = _parse_all(text.partition("\n")[2], reader.column_order(header))
        return _parse_by_row(reader, header, lines) if X is None else X
    except csv.Error as error:
        raise BadRequest(f"the body is not CSV: line {lines.line_num}: {error}") from None


def write(
    prediction: Prediction,
    columns: Sequence[str],
    Y: Array,
    rows_at_a_time: int = ROWS_AT_A_TIME,
) -> Iterator[bytes]:
    """Yield the parts of a table: the columns of Y, and `extrapolating`, the features out of range.

    Parameters
    ----------
    columns, Y : the columns' names, and (N, columns) float64
    """
    features = np.array(prediction.version.model.features)
    yield _to_csv([[*columns, "extrapolating"]])
    for start in range(0, len(Y), rows_at_a_time):
        part = slice(start, start + rows_at_a_time)
        out_of_range = prediction.out_of_range[part]
        names = [""] * len(out_of_range)
        for row in np.flatnonzero(out_of_range.any(axis=1)):
            names[row] = ";".join(features[out_of_range[row]])
        yield _to_csv(zip(*Y[part].T.tolist(), names, strict=True))


def write_predictions(Y: Array, rows_at_a_time: int = ROWS_AT_A_TIME) -> Iterator[bytes]:
    """Yield the parts of a table of Y (N, targets) without a header."""
    for start in range(0, len(Y), rows_at_a_time):
        yield _to_csv(Y[start : start + rows_at_a_time].tolist())


def with_header(reader: RowReader, body: bytes) -> bytes:
    """Return the body; if its first line is numbers, with a header of all features before it."""
    text = body.removeprefix(codecs.BOM_UTF8)
    first = re.split(rb"[\r\n]", text, maxsplit=1)[0].decode(errors="replace")
    if all(parse_number(cell) is not None for cell in first.split(",")):
        return _to_csv([reader.model.features]) + text
    return body


def _to_csv(rows: Iterable[Iterable[object]]) -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()


def _parse_all(text: str, order: list[int]) -> Array | None:
    """Parse all cells at once; return None if a cell is quoted or might be wrong."""
    if '"' in text or not text.strip():
        return None
    try:
        table = np.loadtxt(io.StringIO(text), delimiter=",", comments=None, ndmin=2)
    except ValueError:
        return None
    if table.shape[1] != len(order) or not np.isfinite(table).all():
        return None
    return np.ascontiguousarray(table[:, order])


def _parse_by_row(reader: RowReader, header: list[str], lines: Iterator[list[str]]) -> Array:
    """Check each row with the schema, which names every wrong cell."""
    values: list[list[float]] = []
    errors: list[Error] = []
    for cells in filter(None, lines):
        row, wrong = _check_row(reader, header, cells, f"/instances/{len(values)}")
        values.append(row)
        errors += wrong
        if len(errors) >= MAX_ERRORS:
            break
    if not values:
        errors = [{"pointer": "", "detail": "must have at least one row below the header"}]
    if errors:
        raise reader.invalid(errors)
    return np.array(values)


def _check_row(
    reader: RowReader, header: list[str], cells: list[str], pointer: str
) -> tuple[list[float], list[Error]]:
    if len(cells) != len(header):
        detail = f"has {len(cells)} values; expected {len(header)}: {', '.join(header)}"
        return [], [{"pointer": pointer, "detail": detail}]
    return reader.check_row(dict(zip(header, map(number_or_text, cells), strict=True)), pointer)
