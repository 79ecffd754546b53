"""Rows in CSV request bodies with a header line, and predictions in CSV responses (RFC 4180)."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import partial
from itertools import chain

import numpy as np
import orjson
from werkzeug.exceptions import BadRequest

from config.delimited.dialect import DELIMITERS
from config.numbers import parse_number
from network import Array
from service.formats.csv_dialect import find_header_dialect, with_commas
from service.formats.csv_lines import Lines
from service.formats.csv_warnings import Warnings
from service.formats.table_columns import TableColumns
from service.model.prediction import Prediction
from service.model.rows.blocks import collect_blocks
from service.model.rows.reader import RowReader
from service.web.errors import MAX_ERRORS
from service.web.field_errors import Error

MEDIA_TYPE = "text/csv"

ROWS_AT_A_TIME = 1024  # written in one call, for which other threads wait
_BLOCK_CELLS = 32 * 1024
_FIRST_LINE_BYTES = 1024 * 1024
_NOT_EMPTY = re.compile(rb"\S")


def read(reader: RowReader, body: bytes, *, any_columns: bool = False) -> Array:
    """Read the matrix (N, features); the header names each feature once, in any order.

    Columns of the training table that are no features are ignored.

    Parameters
    ----------
    body : UTF-8
    any_columns : whether columns of any other name are ignored, too

    Raises
    ------
    BadRequest, InvalidInput
    """
    body = with_commas(reader, body)
    if not _NOT_EMPTY.search(body, len(codecs.BOM_UTF8) if body.startswith(codecs.BOM_UTF8) else 0):
        raise BadRequest("the body is empty; expected CSV with a header and one line per row")
    lines = Lines(body)
    try:
        header = _header(next(csv.reader(lines, strict=True), []), reader.others)
        order = reader.column_order(header, frozenset(header) if any_columns else reader.others)
        blocks = _blocks(reader, header, order, lines)
        X = collect_blocks(reader.refusals, len(reader.cells), blocks)
    except csv.Error as error:
        raise BadRequest(f"the body is not CSV: line {lines.number}: {error}") from None
    if not len(X):
        detail = "must have at least one row below the header"
        raise reader.refusals.invalid([{"pointer": "", "detail": detail}])
    return X


def write(
    prediction: Prediction, columns: TableColumns, rows_at_a_time: int = ROWS_AT_A_TIME
) -> Iterator[bytes]:
    """Yield the parts of a table: the columns, and `extrapolating`, the features out of range.

    If there are categories that training had not, the next column is `unseen`, their features. If
    the version knows which rows are like those of training, the last column is `unfamiliar`.
    """
    warnings = Warnings(prediction)
    yield _to_csv([[*columns.names, *warnings.names]])
    for start in range(0, columns.shape[0], rows_at_a_time):
        part = slice(start, start + rows_at_a_time)
        yield _lines(columns.numbers(part), warnings.line_ends(part))


def write_predictions(Y: Array, rows_at_a_time: int = ROWS_AT_A_TIME) -> Iterator[bytes]:
    """Yield the parts of a table of Y (N, targets) without a header."""
    for start in range(0, len(Y), rows_at_a_time):
        yield _to_csv(Y[start : start + rows_at_a_time].tolist())


def with_header(reader: RowReader, body: bytes) -> bytes:
    """Return the body; if its first line is no header, with a header of all features before it.

    A line of numbers is no header, and for a model with other features a line without their names.
    """
    text = body.removeprefix(codecs.BOM_UTF8)
    part = text[:_FIRST_LINE_BYTES]
    first = re.split(rb"[\r\n]", part, maxsplit=1)[0].decode(errors="replace")
    cells = re.split(f"[{DELIMITERS}]", first)
    if len(first) == _FIRST_LINE_BYTES:
        cells.pop()  # it may be cut
    filled = [cell for cell in cells if cell.strip(' "')]
    is_numeric = bool(filled) and all(parse_number(cell) is not None for cell in filled)
    if not is_numeric and (
        reader.only_numbers or any(map(reader.is_feature, _unquoted(cells, first)))
    ):
        return body
    dialect, is_complete = find_header_dialect(reader, body)
    if is_complete and not is_numeric:  # below lines of titles
        return body
    features = reader.model.features
    is_plain = first.count(",") + 1 == len(features) or dialect.delimiter not in DELIMITERS
    return _to_csv([features], "," if is_plain else dialect.delimiter) + text


def _unquoted(cells: list[str], first: str) -> list[str]:
    return [cell.strip(' "') for cell in (*cells, *first.split(","))]


def _lines(numbers: Array, ends: bytes | list[bytes]) -> bytes:
    """Return lines with an empty cell for NaN: orjson writes numbers faster than `csv`."""
    text = orjson.dumps(np.ascontiguousarray(numbers), option=orjson.OPT_SERIALIZE_NUMPY)
    cells = text[2:-2].replace(b"null", b"")
    if isinstance(ends, bytes):
        return cells.replace(b"],[", ends) + ends
    return b"".join(chain.from_iterable(zip(cells.split(b"],["), ends, strict=True)))


def _to_csv(rows: Iterable[Iterable[object]], delimiter: str = ",") -> bytes:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()


def _header(cells: list[str], others: Set[str]) -> list[str]:
    """Return the names of columns; those without a name may be numbered in the training table."""
    names = [cell.strip() for cell in cells]
    numbered = [f"column {place}" for place in range(1, len(names) + 1)]
    return [
        other if not name and other in others else name
        for name, other in zip(names, numbered, strict=True)
    ]


def _blocks(
    reader: RowReader, header: list[str], order: list[int | None], lines: Lines
) -> Iterator[tuple[int, Callable[..., Array]]]:
    """Yield the number of rows of each block, and what returns its matrix."""
    while reader.only_plain_texts and (block := lines.block()):
        if not block.strip("\n"):
            continue
        X = _parse_numbers(block, len(header), order)
        if X is None:
            lines.return_block(block)
            break
        yield len(X), partial(_numbers, X)
    for rows in _rows(lines):
        yield len(rows), partial(_parse, reader, header, order, rows)


def _rows(lines: Lines) -> Iterator[list[list[str]]]:
    """Yield the rows, without empty ones, some thousand cells at a time."""
    rows, cells = list[list[str]](), 0
    for row in csv.reader(lines, strict=True):
        lines.cells = 0
        if row:
            rows.append(row)
            cells += len(row)
        if cells >= _BLOCK_CELLS:
            yield rows
            rows, cells = [], 0
    if rows:
        yield rows


def _numbers(X: Array, *, first: int) -> Array:
    return X


def _parse_numbers(text: str, width: int, order: Sequence[int | None]) -> Array | None:
    """Parse all cells at once; return None if a cell is quoted or might be wrong."""
    if '"' in text or not text.strip():
        return None
    try:
        table = np.loadtxt(io.StringIO(text), delimiter=",", comments=None, ndmin=2)
    except ValueError:
        return None
    if table.shape[1] != width or not np.isfinite(table).all():
        return None
    return np.ascontiguousarray(table[:, np.array(order, dtype=np.intp)])


def _parse(
    reader: RowReader,
    header: list[str],
    order: list[int | None],
    rows: list[list[str]],
    *,
    first: int,
) -> Array:
    """Parse column by column; if a cell is wrong, check row by row to name every wrong cell."""
    if set(map(len, rows)) == {len(header)}:
        columns = list(zip(*rows, strict=True))
        texts = [None if index is None else columns[index] for index in order]
        if (X := reader.texts(texts, len(rows))) is not None:
            return X
    errors: list[Error] = []
    for index, cells in enumerate(rows, first):
        errors += _errors_in_row(reader, header, cells, f"/instances/{index}")
        if len(errors) >= MAX_ERRORS:
            break
    raise reader.refusals.invalid(errors)


def _errors_in_row(
    reader: RowReader, header: list[str], cells: list[str], pointer: str
) -> list[Error]:
    if len(cells) != len(header):
        detail = f"has {len(cells)} values; expected {len(header)}: {', '.join(header)}"
        return [{"pointer": pointer, "detail": detail}]
    return reader.errors_in_texts(dict(zip(header, cells, strict=True)), pointer)
