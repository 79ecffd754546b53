"""Reads the rows of a table in slices: as bytes, and with `csv` where there are quotes."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import BinaryIO

from numnet.command.rows.errors import TableError, WrongCell
from numnet.command.rows.head import Head

SLICE_BYTES = 1024 * 1024
MAX_LINE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Slice:
    """Some rows of a table.

    Attributes
    ----------
    body : the rows as they are sent, without names
    records : the rows as they are in the file, without their line ends
    ends : what follows each record up to the next one: its line end, and blank lines; None if all
        have the line end of the head
    before : blank lines before the first record
    lines : of the file, in which the records begin
    is_parsed : whether `csv` found the records
    """

    body: bytes
    records: list[bytes]
    ends: list[bytes] | None
    before: bytes
    lines: Sequence[int]
    is_parsed: bool


class Slices:
    """Iterates over the slices of a file.

    Parameters
    ----------
    file : behind `start`
    start : what was read of the file
    head : at the beginning of `start`
    """

    def __init__(
        self, file: BinaryIO, start: bytes, head: Head, slice_bytes: int = SLICE_BYTES
    ) -> None:
        self._file, self._head, self._slice_bytes = file, head, slice_bytes
        self._rest = start[len(head.text) + len(head.line_end) :]
        self._line = head.lines + 1  # of the next block
        self._width = len(head.names)
        self._cells = itemgetter(*head.places)

    def __iter__(self) -> Iterator[Slice]:
        while block := self._block():
            if (found := self._plain(block)) is not None:
                self._line += len(found.records)
            else:
                lines = _Lines(block, self._block, self._head.encoding)
                found = self._parsed(lines, self._line)
                self._line += lines.count
                self._rest = lines.rest() + self._rest
            if found.records or found.before:
                yield found

    def parsed(self, found: Slice) -> Slice:
        """Return the records that `csv` finds in the lines of a slice."""
        end = self._head.line_end
        lines = _Lines(end.join(found.records) + end, bytes, self._head.encoding)
        return self._parsed(lines, found.lines[0])

    def _plain(self, block: bytes) -> Slice | None:
        """Return the slice of a block with one row per line; None if `csv` has to decide."""
        end = self._head.line_end
        breaks = block.count(b"\r")
        if b'"' in block or block.startswith(end) or end + end in block:
            return None
        if breaks and (end != b"\r\n" or not breaks == block.count(b"\n") == block.count(end)):
            return None
        if not breaks and end == b"\r\n":
            return None
        whole = block if block.endswith(end) else block + end
        records = whole.split(end)
        records.pop()
        body = whole if self._head.is_sent_whole else self._selected(records)
        if body is None:
            return None
        return Slice(body, records, None, b"", range(self._line, self._line + len(records)), False)

    def _selected(self, records: list[bytes]) -> bytes | None:
        """Return the cells of features with commas; None if rows have different numbers of cells.

        A cell that has a comma is quoted, as all others then are.
        """
        delimiter = self._head.delimiter.encode()
        rows = [record.split(delimiter) for record in records]
        if set(map(len, rows)) != {self._width}:
            return None
        places = self._head.places
        if len(places) == 1:
            cells: list[Sequence[bytes]] = [[row[places[0]]] for row in rows]
        else:
            cells = list(map(self._cells, rows))
        if delimiter != b"," and any(b"," in record for record in records):
            return b"".join([b'"' + b'","'.join(row) + b'"\n' for row in cells])
        return b"\n".join(map(b",".join, cells)) + b"\n"

    def _parsed(self, lines: "_Lines", first: int) -> Slice:
        """Return the records that `csv` finds in lines.

        Parameters
        ----------
        first : the number of the first line
        """
        reader = csv.reader(lines, strict=True, delimiter=self._head.delimiter)
        rows, records, ends = list[list[str]](), list[bytes](), list[bytes]()
        starts, before = list[int](), b""
        while lines.left and not lines.extended:
            lines.taken.clear()
            start = first + lines.count
            try:
                cells = next(reader)
            except (csv.Error, UnicodeDecodeError, StopIteration) as error:
                raise self._not_csv(first + lines.count - 1, error) from None
            text = b"".join(lines.taken)
            record = text.rstrip(b"\r\n")
            if not record.strip():  # a blank line stays where it is
                before, ends[-1:] = (before, [ends[-1] + text]) if ends else (before + text, [])
                continue
            if len(cells) != self._width:
                raise self._wrong_width(start, len(cells))
            rows.append([cells[place] for place in self._head.places])
            records.append(record)
            ends.append(text[len(record) :] or self._head.line_end)
            starts.append(start)
        return Slice(self._head.to_csv(rows), records, ends, before, starts, True)

    def _block(self) -> bytes:
        """Return the next lines; an empty block at the end of the file."""
        block, self._rest = self._rest, b""
        while not (end := block.rfind(b"\n") + 1) or len(block) < self._slice_bytes:
            if not end and len(block) > MAX_LINE_BYTES:
                detail = f"has more than {MAX_LINE_BYTES:,} bytes"
                raise TableError(str(cell := WrongCell(self._line, "", detail)), (cell,))
            if not (part := self._file.read(self._slice_bytes)):
                return block
            block += part
        self._rest = block[end:]
        return block[:end]

    def _not_csv(self, line: int, error: Exception) -> TableError:
        reason = "a quote is not closed" if isinstance(error, StopIteration) else str(error)
        if isinstance(error, UnicodeDecodeError):
            reason = f"is not {error.encoding}; --encoding says what it is, such as windows-1252"
        cell = WrongCell(max(line, 1), "", reason)
        return TableError(str(cell), (cell,))

    def _wrong_width(self, line: int, width: int) -> TableError:
        cell = WrongCell(line, "", f"has {width} cells; expected {self._width}, as the names")
        return TableError(str(cell), (cell,))


class _Lines:
    """Decoded lines of a block, and of the blocks after it if a record goes on there.

    Attributes
    ----------
    taken : the lines since it was cleared, as bytes
    count : of all lines that were taken
    left : whether the block has more lines
    extended : whether another block was needed
    """

    def __init__(self, block: bytes, more: Callable[[], bytes], encoding: str) -> None:
        self._lines = block.splitlines(keepends=True)
        self._more, self._encoding, self._next = more, encoding, 0
        self.taken = list[bytes]()
        self.count = 0
        self.extended = False

    @property
    def left(self) -> bool:
        return self._next < len(self._lines)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self.left:
            self.extended = True
            self._lines, self._next = self._more().splitlines(keepends=True), 0
            if not self._lines:
                raise StopIteration
        line = self._lines[self._next]
        self._next += 1
        self.count += 1
        self.taken.append(line)
        return line.decode(self._encoding)

    def rest(self) -> bytes:
        """Return the lines that were not taken."""
        return b"".join(self._lines[self._next :])
