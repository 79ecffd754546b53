"""How a text is divided into cells: the delimiter, and the line with the names."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from config.delimited.header import Header, find_header

DELIMITERS = ",;\t|"
WHITE_SPACE = " "  # any run of it is one delimiter; only if no other character is
SAMPLE_LINES = 100
SAMPLE_CHARACTERS = 1 << 16
NAMES_OF_DELIMITERS = {
    ",": "commas",
    ";": "semicolons",
    "\t": "tabs",
    "|": "vertical bars",
    WHITE_SPACE: "white space",
}


@dataclass(frozen=True)
class Dialect:
    """The grammar of the lines of a table.

    Attributes
    ----------
    first_line : the number of lines before the first row
    quote : the character around cells that contain a delimiter
    escape : the character before a quote in a quoted cell; None if the quote is doubled
    """

    delimiter: str
    header: Header
    first_line: int
    quote: str = '"'
    escape: str | None = None

    @property
    def csv_options(self) -> dict[str, Any]:
        """Return the options of `csv.reader`."""
        return _csv_options(self.delimiter, self.quote, self.escape)


def find_dialect(text: str, wanted: Sequence[str]) -> Dialect:
    """Return the grammar of a text from its first lines.

    The delimiter is the one that divides most lines into the same number of cells.

    Parameters
    ----------
    text : some complete lines, from the first one of the file
    wanted : names that a header has to have
    """
    lines, first = _first_lines(text), 0
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip()) == 5:
        delimiter, first = lines[0].strip()[4], 1
    else:
        delimiter = _find_delimiter(lines)
    quote, escape = _find_quote(lines, delimiter)
    records = _records(lines[first:], delimiter, quote, escape)
    header = find_header([cells for cells, _ in records], wanted)
    first += records[header.rows - 1][1] if header.rows else 0
    return Dialect(delimiter, header, first, quote, escape)


def _first_lines(text: str) -> list[str]:
    lines = text.split("\n", SAMPLE_LINES)[:SAMPLE_LINES]
    size = 0
    for count, line in enumerate(lines, 1):
        size += len(line)
        if size > SAMPLE_CHARACTERS and count > 3:
            return lines[:count]
    return lines


def _find_delimiter(lines: Sequence[str]) -> str:
    lines = [line for line in lines if line.strip() and not line.startswith("#")]
    scores = {each: _consistency(lines, each) for each in DELIMITERS}
    best = max(scores, key=scores.__getitem__)
    if scores[best] == (0.0, 1):
        share, cells = _consistency(lines, WHITE_SPACE)
        return WHITE_SPACE if share == 1.0 and cells > 1 and len(lines) > 2 else ","
    return best


def _consistency(lines: Sequence[str], delimiter: str) -> tuple[float, int]:
    """Return the share of rows that have the most frequent number of cells, and that number."""
    rows = _records(lines, delimiter)
    widths = Counter(len(cells) for cells, _ in rows if len(cells) > 1)
    if not widths:
        return 0.0, 1
    cells, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    return count / len(rows), cells


def _find_quote(lines: Sequence[str], delimiter: str) -> tuple[str, str | None]:
    """Return the character that quotes cells, and the one that escapes it."""
    text, end = "\n".join(lines), f"(?={re.escape(delimiter)}|$)"
    if '"' not in text and re.search(
        rf"(?:^|{re.escape(delimiter)})'[^'\n]*'{end}", text, re.MULTILINE
    ):
        return "'", None
    escapes = re.search(rf'\\"(?!{re.escape(delimiter)}|$)', text, re.MULTILINE)
    return '"', "\\" if escapes else None


def _csv_options(delimiter: str, quote: str, escape: str | None) -> dict[str, Any]:
    return {
        "delimiter": delimiter,
        "quotechar": quote,
        "escapechar": escape,
        "doublequote": escape is None,
    }


def _records(
    lines: Sequence[str], delimiter: str, quote: str = '"', escape: str | None = None
) -> list[tuple[list[str], int]]:
    """Return the cells of each row, and how many lines there are up to its end."""
    if delimiter == WHITE_SPACE:
        return [(line.split(), count) for count, line in enumerate(lines, 1)]
    reader = csv.reader((f"{line}\n" for line in lines), **_csv_options(delimiter, quote, escape))
    try:
        return [(cells, reader.line_num) for cells in reader]
    except csv.Error:
        return [(line.split(delimiter), count) for count, line in enumerate(lines, 1)]
