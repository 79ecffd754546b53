"""The columns that are added to a table, from the service's CSV responses."""

import csv
import io
from collections.abc import Collection, Sequence

_LAST = "unfamiliar"
_UNSEEN = "unseen"


class Answers:
    """Reads responses as lines of cells to be added.

    Parameters
    ----------
    targets : of the version
    has_categories : whether some of its features are; the column `unseen` is then always there
    delimiter, encoding : of the table
    """

    def __init__(
        self, targets: Sequence[str], has_categories: bool, delimiter: str, encoding: str
    ) -> None:
        self._targets, self._has_categories = targets, has_categories
        self._delimiter, self._encoding = delimiter, encoding
        self.names: list[str] = []

    def lines(self, content: bytes) -> list[bytes]:
        """Return the cells for each row, joined by the table's delimiter. Keep their `names`."""
        header, _, body = content.partition(b"\n")
        if b'"' in content or not content.isascii() or self._is_quoted_with(body):
            return self._parsed(content.decode())
        place = self._learn(header.decode().split(","))
        if place is None:
            body = body.replace(b",", self._delimiter.encode())
            lines = body.split(b"\n")
            lines.pop()
            return lines
        return self._parsed(content.decode())

    def header(self, taken: Collection[str]) -> bytes:
        """Return the names of the added columns, which must not be names of the table's own."""
        names = [f"{name}_predicted" if name in self._targets else name for name in self.names]
        free = [_free(name, taken) for name in names]
        return self._joined(free)

    def _is_quoted_with(self, body: bytes) -> bool:
        return self._delimiter != "," and self._delimiter.encode() in body

    def _learn(self, names: list[str]) -> int | None:
        """Keep the names; return where `unseen` has to be inserted, or None if nowhere."""
        place = None
        if self._has_categories and _UNSEEN not in names:
            place = len(names) - (names[-1] == _LAST)
            names = [*names[:place], _UNSEEN, *names[place:]]
        self.names = names
        return place

    def _parsed(self, text: str) -> list[bytes]:
        reader = csv.reader(io.StringIO(text, newline=""))
        place = self._learn(next(reader))
        rows = reader
        if place is None:
            return list(map(self._joined, rows))
        return [self._joined([*row[:place], "", *row[place:]]) for row in rows]

    def _joined(self, cells: Sequence[str]) -> bytes:
        special = f'{self._delimiter}"\r\n'
        quoted = [
            f'"{cell.replace(chr(34), chr(34) * 2)}"' if any(c in cell for c in special) else cell
            for cell in cells
        ]
        return self._delimiter.join(quoted).encode(self._encoding, "replace")


def _free(name: str, taken: Collection[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
