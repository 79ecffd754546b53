"""Many rows as CSV with a header line (RFC 4180): requests' read, answers' written."""

import csv
import io
import re
from collections.abc import Iterator

import numpy as np
from werkzeug.exceptions import BadRequest

from network import Array
from service.bodies import undecodable
from service.errors import MAX_ERRORS
from service.inputs import Inputs
from service.live import Served
from service.validation import Error, shown

MEDIA_TYPE = "text/csv"

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def read(inputs: Inputs, body: bytes) -> Array:
    """The matrix (N, features) of a body whose header names each feature once, in any order.

    Raises
    ------
    BadRequest, InvalidInput
    """
    if where := undecodable(body):
        raise BadRequest(f"the body is no CSV: {where}")
    text = body.decode("utf-8-sig")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if errors := _errors_of_header(inputs, header):
            raise inputs.invalid(errors)
        X = _numbers(inputs, header, text.partition("\n")[2])
        return _checked(inputs, header, reader) if X is None else X
    except csv.Error as error:
        raise BadRequest(f"the body is no CSV: line {reader.line_num}: {error}") from None


def write(served: Served, X: Array, Y: Array, rows: int) -> Iterator[bytes]:
    """A column for each target, and one with the features that are outside their range.

    Parameters
    ----------
    rows : how many are written at a time
    """
    model = served.inputs.model
    yield _line([*model.targets, "extrapolating"])
    for start in range(0, len(Y), rows):
        part = slice(start, start + rows)
        outside = model.outside(X[part])
        names = [""] * len(outside)
        for row in np.flatnonzero(outside.any(axis=1)):
            names[row] = ";".join(np.array(model.features)[outside[row]])
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows(
            zip(*Y[part].T.tolist(), names, strict=True)
        )
        yield file.getvalue().encode()


def _line(cells: list[str]) -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow(cells)
    return file.getvalue().encode()


def _errors_of_header(inputs: Inputs, header: list[str]) -> list[Error]:
    features = inputs.model.features
    errors = [f"column {shown(name)} is missing" for name in features if name not in header]
    errors += [
        f"column {shown(name)} is not a feature; expected {', '.join(features)}"
        for name in dict.fromkeys(header)
        if name not in features
    ]
    errors += [f"column {shown(name)} stands twice" for name in features if header.count(name) > 1]
    return [{"pointer": "", "detail": detail} for detail in errors]


def _numbers(inputs: Inputs, header: list[str], text: str) -> Array | None:
    """All cells at once; None where any of them might be wrong, or is quoted."""
    if '"' in text or not text.strip():
        return None
    try:
        table = np.loadtxt(io.StringIO(text), delimiter=",", comments=None, ndmin=2)
    except ValueError:
        return None
    if table.shape[1] != len(header) or not np.isfinite(table).all():
        return None
    return np.ascontiguousarray(table[:, [header.index(name) for name in inputs.model.features]])


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
    return inputs.load_row(dict(zip(header, map(_number, cells), strict=True)), pointer)


def _number(cell: str) -> float | str:
    return float(cell) if _NUMBER.fullmatch(cell.strip()) else cell
