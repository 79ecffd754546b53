"""CSV requests in the dialects of training files: other delimiters, quotes, lines above the names.

A body with commas, double quotes and the names in its first line is passed on as it is.
"""

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterator

from werkzeug.exceptions import BadRequest

from config.delimited.dialect import DELIMITERS, WHITE_SPACE, Dialect, find_dialect
from service.formats.csv_lines import Lines
from service.model.rows.reader import RowReader

SAMPLE_BYTES = 64 * 1024
_QUOTES = " '\""
_DELIMITER = re.compile(f"[{DELIMITERS}]")
_LINE_END = re.compile(rb"[\r\n]")
_END_OF_FILE = "\x1a"  # of DOS
_HINT = "the body has no line ends: curl removes them with -d, and keeps them with --data-binary"


def with_commas(reader: RowReader, body: bytes) -> bytes:
    """Return a body of UTF-8 with commas, double quotes and the names in its first line.

    Raises
    ------
    BadRequest, InvalidInput
    """
    sample = _sample(body)
    _check_line_ends(reader, body, sample)
    required = _required(reader)
    first = sample.partition("\n")[0]
    cells = {cell.strip(' "') for cell in first.split(",")}
    is_plain = "'" not in sample and '\\"' not in sample and all(cells)
    if is_plain and _is_complete(reader, required, cells):
        return body
    dialect = find_dialect(sample, required)
    if dialect.header.invented or not _is_complete(reader, required, dialect.header.names):
        return body  # the errors are those of commas
    names = list(dialect.header.names)
    filled = max(place for place, name in enumerate(names, 1) if name)
    try:  # spreadsheets write empty columns without names behind the others
        return _rewritten(body, dialect, names[:filled]) or _rewritten(body, dialect, names)
    except csv.Error as error:
        raise BadRequest(f"the body is not CSV: {error}") from None


def find_header_dialect(reader: RowReader, body: bytes) -> tuple[Dialect, bool]:
    """Return the dialect of a body, and whether its header has all required names."""
    dialect = find_dialect(_sample(body), required := _required(reader))
    return dialect, _is_complete(reader, required, dialect.header.names)


def _required(reader: RowReader) -> list[str]:
    return [cell.column.name for cell in reader.cells if cell.required]


def _sample(body: bytes) -> str:
    """Return the first lines with usual line ends."""
    part = body.removeprefix(codecs.BOM_UTF8)[:SAMPLE_BYTES]
    text = part.decode(errors="ignore").replace("\r\n", "\n").replace("\r", "\n")
    complete = text.rpartition("\n")[0]
    return complete if complete and len(part) == SAMPLE_BYTES else text


def _is_complete(reader: RowReader, required: list[str], names: Collection[str]) -> bool:
    return set(required) <= set(names) and any(map(reader.is_feature, names))


def _check_line_ends(reader: RowReader, body: bytes, text: str) -> None:
    """Refuse a file that is in one line, which its last name and first cell show."""
    if _LINE_END.search(body):
        return
    known = frozenset(reader.model.features) | reader.others
    longest = max(map(len, known))
    cells = [cell.strip(_QUOTES) for cell in _DELIMITER.split(text)]
    if len(text) >= SAMPLE_BYTES:
        cells.pop()  # it may be cut
    for cell in cells:
        starts = (cell[:size] for size in range(1, min(len(cell), longest + 1)))
        if cell not in known and not known.isdisjoint(starts):
            raise reader.refusals.invalid([{"pointer": "", "detail": _HINT}])


def _rewritten(body: bytes, dialect: Dialect, names: list[str]) -> bytes:
    """Return the names and the rows with commas; nothing if a column without a name has cells.

    Raises
    ------
    csv.Error
    """
    width, all_columns = len(names), len(dialect.header.names)
    lines = Lines(body, dialect.delimiter)
    for _ in range(dialect.first_line):
        next(lines, "")
    lines.cells = 0
    rewritten = io.BytesIO()
    file = io.TextIOWrapper(rewritten, "utf-8", newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    for row in _rows(lines, dialect):
        if width < len(row) <= all_columns:
            if any(cell.strip() for cell in row[width:]):
                return b""
            del row[width:]
        if row and row != [_END_OF_FILE]:
            writer.writerow(row)
    file.flush()
    return rewritten.getvalue()


def _rows(lines: Lines, dialect: Dialect) -> Iterator[list[str]]:
    is_spaced = dialect.delimiter == WHITE_SPACE
    rows = (
        map(str.split, lines)
        if is_spaced
        else csv.reader(lines, strict=True, **dialect.csv_options)
    )
    try:
        for row in rows:
            lines.cells = 0
            yield row
    except csv.Error as error:
        raise csv.Error(f"line {lines.number}: {error}") from None
