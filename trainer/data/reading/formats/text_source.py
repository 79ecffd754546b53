"""Rows of a text with delimiters."""

import csv
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import orjson

from config.delimited.dialect import (
    NAMES_OF_DELIMITERS,
    WHITE_SPACE,
    Dialect,
    find_dialect,
)
from network import Array
from trainer.data.reading.cells.kinds import Cells
from trainer.data.reading.formats.block import LineError, Source
from trainer.data.reading.formats.content import Content
from trainer.data.reading.formats.text_lines import TextLines
from trainer.errors import DataError

MAX_CELL_CHARACTERS = 1 << 24
_END_OF_FILE = "\x1a"  # of DOS
_MISSING = ("", "NA", "NaN", "?")  # words for missing cells that are frequent and quickly replaced
_NOT_A_NUMBER_IN_JSON = ("t", "f", "n", '"', "[", "{")


def text_source(content: Content, name: str, wanted: Sequence[str], encoding: str | None) -> Source:
    """Return the rows of a text.

    Parameters
    ----------
    name : of the file, in errors
    wanted : names that a header has to have
    encoding : by default UTF-8, or what the byte order mark says

    Raises
    ------
    DataError
        the bytes are not such a text; also while the blocks are read.
    """
    csv.field_size_limit(MAX_CELL_CHARACTERS)  # of the whole process; 131,072 is less than a text
    text = TextLines(content, name, encoding)
    first = text.block()
    dialect = find_dialect(first, wanted)
    separator = NAMES_OF_DELIMITERS.get(dialect.delimiter, repr(dialect.delimiter))
    compression = f", compressed by {content.about}" if content.about else ""
    return Source(
        dialect.header.names,
        _blocks(text, first, dialect, name),
        about=f"{text.encoding} text separated by {separator}{compression}",
        notes=dialect.header.notes,
        place="line",
        day_first=dialect.delimiter == ";",
        headless=dialect.header.invented,
    )


def _blocks(text: TextLines, first: str, dialect: Dialect, name: str) -> Iterator["TextBlock"]:
    skipped = dialect.first_line
    part = "".join(first.split("\n", skipped)[skipped:])
    line = skipped + 1
    while part or (part := text.block()):
        block = TextBlock(part, line, dialect, name, text)
        yield block
        line += part.count("\n") + block.lines_taken
        part = ""


class TextBlock:
    """Some lines of a text; see `trainer.data.reading.formats.block.Block`."""

    def __init__(
        self, text: str, first_line: int, dialect: Dialect, name: str, following: TextLines
    ) -> None:
        self._text = text
        self._first_line = first_line
        self._dialect = dialect
        self._width = len(dialect.header.names)
        self._name = name
        self._following = following
        self.errors: list[LineError] = []
        self.lines_taken = 0

    def numbers(self) -> Array | None:
        """Return all cells if they are plain numbers, as (rows, columns); otherwise None.

        The cells are parsed as one list of JSON, much faster than cell by cell. JSON's grammar for
        numbers is a part of that of `config.numbers.parse_number`.
        """
        text, delimiter = self._text.strip("\n"), self._dialect.delimiter
        if any(character in text for character in _NOT_A_NUMBER_IN_JSON):
            return None
        if delimiter != ",":
            if delimiter == WHITE_SPACE or "," in text:
                return None
            text = text.replace(delimiter, ",")
        numbers = _parse(text, self._width)
        if numbers is not None:
            return numbers
        numbers = _parse(_with_nulls(text), self._width)
        return None if numbers is None else numbers[~np.isnan(numbers).all(axis=1)]

    def columns(self, wanted: Sequence[int]) -> list[Cells]:
        """Return the cells of some columns."""
        columns = list(zip(*self._rows[0], strict=True))
        return [columns[index] for index in wanted] if columns else [() for _ in wanted]

    @property
    def lines(self) -> Sequence[int]:
        """Return the number of each row's line, from 1."""
        return self._rows[1]

    @cached_property
    def _rows(self) -> tuple[list[list[str]], Sequence[int]]:
        if self._dialect.quote not in self._text:
            lines = self._text.removesuffix("\n").split("\n")
            delimiter = None if self._dialect.delimiter == WHITE_SPACE else self._dialect.delimiter
            rows = [line.split(delimiter) for line in lines]
            empty = [""] * self._width
            if set(map(len, rows)) == {self._width} and empty not in rows:
                return rows, range(self._first_line, self._first_line + len(rows))
        return self._check_rows()

    def _check_rows(self) -> tuple[list[list[str]], list[int]]:
        """Return the rows and their lines, without blank ones; note invalid ones as errors."""
        rows, lines, width = [], [], self._width
        for line, row in self._records():
            if not any(cell.strip() for cell in row):
                continue
            if not any(cell.strip() for cell in row[width:]):
                del row[width:]
            if not any(self._dialect.header.names[len(row) :]):
                row.extend([""] * (width - len(row)))
            if row == [_END_OF_FILE]:
                continue
            if len(row) == width:
                rows.append(row)
                lines.append(line)
            elif not row[0].startswith("#"):
                cells = f"{len(row)} cell{'s' * (len(row) != 1)}"
                reason = f"{cells}, but the header has {width}"
                self.errors.append(LineError(line, len(row), reason))
        return rows, lines

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        lines = self._text.removesuffix("\n").split("\n")
        if self._dialect.delimiter == WHITE_SPACE:
            yield from enumerate(map(str.split, lines), self._first_line)
            return
        reader = csv.reader(self._with_following(lines), strict=True, **self._dialect.csv_options)
        record = 0  # lines before the current record
        try:
            while reader.line_num < len(lines):
                record = reader.line_num
                row = next(reader)
                yield self._first_line + reader.line_num - 1, row
        except StopIteration:
            return
        except csv.Error as error:
            line = self._first_line + reader.line_num - 1
            what = str(error)
            if "field limit" in what:
                line = self._first_line + record
                what = (
                    f"a cell has more than {MAX_CELL_CHARACTERS:,} characters; "
                    f"is a quote missing at its end?"
                )
            raise DataError(f"{self._name}, line {line}: {what}") from error

    def _with_following(self, lines: Sequence[str]) -> Iterator[str]:
        """Yield the lines of this block, then those that a quoted cell at its end goes on in."""
        yield from (f"{line}\n" for line in lines)
        while (line := self._following.line()) is not None:
            self.lines_taken += 1
            yield line


def _parse(text: str, width: int) -> Array | None:
    """Return the numbers of lines with commas: (rows, width); None if they are anything else."""
    try:
        cells = orjson.loads(f"[{text.replace(chr(10), ',')}]")
    except orjson.JSONDecodeError:
        return None
    characters = np.frombuffer(text.encode(), np.uint8)
    ends = np.append(np.flatnonzero(characters == ord("\n")), len(characters))
    commas = np.flatnonzero(characters == ord(","))
    if len(commas) != len(ends) * (width - 1):
        return None
    if width > 1:  # every line has its commas before its end and after that of the line before
        by_line = commas.reshape(len(ends), width - 1)
        if (by_line[:, -1] > ends).any() or (by_line[1:, 0] < ends[:-1]).any():
            return None
    return np.array(cells, np.float64).reshape(len(ends), width)


def _with_nulls(text: str) -> str:
    """Return lines with JSON's null for missing cells, and without blank lines."""
    while "\n\n" in text:
        text = text.replace("\n\n", "\n")
    text = f"\n{text}\n"
    for word in _MISSING:
        if word in text:
            text = text.replace(f",{word},", ",null,").replace(f",{word},", ",null,")
            text = text.replace(f",{word}\n", ",null\n").replace(f"\n{word},", "\nnull,")
    return text[1:-1]
