"""The head of a table: where its names are, its delimiter and its line ends."""

import codecs
import csv
import difflib
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from numnet.command.rows.errors import TableError

DELIMITERS = ",;\t|"
MAX_TITLES = 20  # lines above the names
_OTHER_BOMS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Head:
    """The head of a table.

    Attributes
    ----------
    text : all of the file up to its names, without the line end behind them
    line_end : of the line with the names
    lines : number of lines that `text` has
    names : of the columns
    places : of the columns that are features, from 0
    delimiter : of one character
    encoding : in which ASCII characters are bytes of their own
    """

    text: bytes
    line_end: bytes
    lines: int
    names: tuple[str, ...]
    places: tuple[int, ...]
    delimiter: str
    encoding: str

    @property
    def is_sent_whole(self) -> bool:
        """Whether lines can be sent as they are."""
        return self.delimiter == "," and len(self.places) == len(self.names)

    @property
    def sent(self) -> bytes:
        """The line of names for requests: of the features, with commas."""
        return self.to_csv([[self.names[place] or f"column {place + 1}" for place in self.places]])

    @property
    def ignored(self) -> list[str]:
        """The names of columns that are no features."""
        return [name for place, name in enumerate(self.names) if place not in self.places and name]

    def missing(self, features: Collection[str]) -> dict[str, str | None]:
        """Return the features without a column, each with an ignored column of a similar name."""
        found = {self.names[place] or f"column {place + 1}" for place in self.places}
        return {each: _similar(each, self.ignored) for each in features if each not in found}

    def to_csv(self, rows: Sequence[Sequence[str]]) -> bytes:
        """Return lines for a request."""
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows(rows)
        return file.getvalue().encode(self.encoding)


def find_head(start: bytes, features: Collection[str], encoding: str, name: str) -> Head:
    """Return the head of a table: the first line that has most names of features.

    Parameters
    ----------
    start : of the file
    name : of the file, for errors

    Raises
    ------
    TableError
    """
    if not start.strip():
        raise TableError(f"{name} is empty; expected a table with a line of names")
    if start.startswith(_OTHER_BOMS) or b"\0" in start[:1024]:
        raise TableError(
            f"{name} is no text in UTF-8; convert it, for example with: iconv -f UTF-16 -t UTF-8"
        )
    lines = start.splitlines(keepends=True)
    best, most = None, 0
    for first in range(min(len(lines), MAX_TITLES)):
        for delimiter in DELIMITERS:
            found = _head(lines, first, delimiter, features, encoding)
            if found is not None and len(found.places) > most:
                best, most = found, len(found.places)
    if best is None or not best.line_end.endswith(b"\n"):
        raise TableError(_reason(name, lines, features, encoding, best))
    return best


def _head(
    lines: list[bytes], first: int, delimiter: str, features: Collection[str], encoding: str
) -> Head | None:
    """Return the head whose names begin in a line; None if it is not possible."""
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    try:
        texts = (line.decode(codec if place == 0 else encoding) for place, line in enumerate(lines))
        for _ in range(first):
            next(texts)
        reader = csv.reader(texts, delimiter=delimiter)
        names = tuple(cell.strip() for cell in next(reader, []))
    except (UnicodeDecodeError, csv.Error):
        return None
    places = tuple(
        place for place, name in enumerate(names) if (name or f"column {place + 1}") in features
    )
    count = first + reader.line_num
    text = b"".join(lines[:count])
    stripped = text.rstrip(b"\r\n")
    return Head(stripped, text[len(stripped) :], count, names, places, delimiter, encoding)


def _similar(name: str, others: Sequence[str]) -> str | None:
    """Return the most similar of some names, without regard to case; None if no name is similar."""
    folded = {each.casefold(): each for each in others}
    nearest = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.7)
    return folded[nearest[0]] if nearest else None


def _reason(
    name: str, lines: list[bytes], features: Collection[str], encoding: str, best: Head | None
) -> str:
    """Return what is wrong with a file without a usable head."""
    wanted = ", ".join(list(features)[:8]) + (", …" if len(features) > 8 else "")
    if best is not None and len(lines) > 1:
        return f"{name} has the line ends of old Macs; convert it, for example with: tr '\\r' '\\n'"
    if best is not None:
        return f"{name} has no rows below its names"
    words = set(lines[0].decode(encoding, "replace").split())
    if len(words & set(features)) > 1:
        return (
            f"{name} is separated by white space; expected commas, semicolons, tabs or vertical "
            "bars, which for example this makes: tr -s ' ' ,"
        )
    return f"no line of {name} has names of features; the version has: {wanted}"
