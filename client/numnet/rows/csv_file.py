"""Split a CSV file between rows, while it is read."""

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Self

CSV = "text/csv"

_MARKS = {  # the longer ones first, which begin with the shorter ones
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

Read = Callable[[int], bytes]  # returns fewer bytes at the end of the file alone


@dataclass(frozen=True)
class CsvBlock:
    """Lines of a CSV file.

    Attributes
    ----------
    header : the line with the names, as it is in the file; empty if the lines begin with it
    lines : with their line ends
    media_type : with the `charset` of both
    """

    header: bytes
    lines: bytes
    media_type: str = CSV

    def content(self) -> bytes:
        """Return the body."""
        return self.header + self.lines

    def halves(self) -> tuple[Self, Self] | None:
        """Return two blocks with half of the lines each; None if there is one row."""
        start = 0 if self.header else _header_end(self.lines)
        header, lines = self.header or self.lines[:start], self.lines[start:]
        middle = _last_row_end(lines[: len(lines) // 2]) or _row_end(lines, 0)
        if not header or not 0 < middle < len(lines):
            return None
        kind = type(self)
        return (
            kind(header, lines[:middle], self.media_type),
            kind(header, lines[middle:], self.media_type),
        )


def csv_blocks(file: IO[Any], max_bytes: int, encoding: str | None = None) -> Iterator[CsvBlock]:
    """Yield the rows of a file, each block with the header.

    A file that fits into one block is sent as it is, whatever precedes its header. In a longer one
    the first line that is not blank must be the header. A line end between quotes ends no row.

    Parameters
    ----------
    file : open for reading, as bytes or as text
    max_bytes : of a block; a longer row has a block of its own
    encoding : of the bytes; by default UTF-8, or what their byte order mark says

    Raises
    ------
    LookupError
        the encoding is unknown.
    UnicodeDecodeError
        the file has another encoding.
    """
    read, media_type = _reader(file, encoding)
    header, rest, size = b"", b"", max_bytes
    while True:
        data = rest + read(size - len(rest))
        if len(data) < size:
            if data.strip() or not header:
                yield CsvBlock(header, data, media_type)
            return
        start = 0 if header else _header_end(data)
        end = _last_row_end(data)
        if end <= start or (not header and not start):
            rest, size = data, 2 * size
            continue
        header = header or data[:start]
        yield CsvBlock(header, data[start:end], media_type)
        rest, size = data[end:], max(max_bytes - len(header), len(data) - end + 1)


def _header_end(data: bytes) -> int:
    """Return where the first line that is not blank ends; 0 if it does not end."""
    return _row_end(data, len(data) - len(data.lstrip()))


def _row_end(data: bytes, start: int) -> int:
    """Return where the row ends that begins at `start`; 0 if it does not end."""
    end, quotes = start, 0
    while following := data.find(b"\n", end) + 1:
        quotes += data.count(b'"', end, following)
        end = following
        if quotes % 2 == 0:
            return end
    return 0


def _last_row_end(data: bytes) -> int:
    """Return where the last complete row ends; 0 if none does.

    If a cell has a quote of its own that is never closed, the last line is taken for a row.
    """
    last = end = data.rfind(b"\n") + 1
    quotes = data.count(b'"', 0, end)
    while end and quotes % 2:
        before = data.rfind(b"\n", 0, end - 1) + 1
        quotes -= data.count(b'"', before, end)
        end = before
    return end or last


def _reader(file: IO[Any], encoding: str | None) -> tuple[Read, str]:
    """Return a function that reads bytes, and their media type."""
    first = file.read(1 << 16)
    if isinstance(first, str):
        return _Bytes(file, first.encode(), str.encode).read, CSV
    if encoding is None:
        encoding = next((name for mark, name in _MARKS.items() if first.startswith(mark)), None)
    if encoding is None:
        return _Bytes(file, first, bytes).read, CSV
    if "\n".encode(encoding) == b"\n" and '"'.encode(encoding) == b'"':
        return _Bytes(file, first, bytes).read, f"{CSV}; charset={encoding}"
    decode = codecs.getincrementaldecoder(encoding)().decode
    begin = decode(first).encode()
    return _Bytes(file, begin, lambda part: decode(part, not part).encode()).read, CSV


class _Bytes:
    """Reads a file, and converts its parts to bytes."""

    def __init__(self, file: IO[Any], begin: bytes, convert: Callable[[Any], bytes]) -> None:
        self._file, self._waiting, self._convert = file, begin, convert
        self._ended = False

    def read(self, size: int) -> bytes:
        """Return so many bytes, or fewer at the end of the file."""
        parts = [self._waiting]
        length = len(self._waiting)
        while length < size and not self._ended:
            part = self._file.read(max(size - length, 1 << 16))
            self._ended = not part
            parts.append(self._convert(part))
            length += len(parts[-1])
        whole = b"".join(parts)
        self._waiting = whole[size:]
        return whole[:size]
