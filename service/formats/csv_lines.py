"""The lines of CSV bodies, with bounds on the memory of one row."""

import csv
import io
from collections.abc import Iterator
from functools import partial
from itertools import chain

MAX_CELLS = 500_000  # of one row, counting the delimiters in texts
MAX_CHARACTERS = 4 * 1024 * 1024  # of one line
_BLOCK_CHARACTERS = 16 * 1024  # for whose numbers other threads wait


class Lines:
    """Iterates over the lines of a body; raises `csv.Error` if a row is too long.

    Parameters
    ----------
    body : UTF-8

    Attributes
    ----------
    number : of the last line, from 1
    cells : of the row that is being read, at most
    """

    def __init__(self, body: bytes, delimiter: str = ",") -> None:
        self.number = self.cells = self._before_block = 0
        self._delimiter = delimiter
        self._text = io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", newline=None)
        self._readline = partial(self._text.readline, MAX_CHARACTERS + 1)  # no cycle with `self`
        self._lines: Iterator[str] = iter(self._readline, "")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        return self._checked(line)

    def block(self) -> str:
        """Return the next lines in one text; an empty one at the end."""
        self._before_block = self.number
        block = self._text.read(_BLOCK_CHARACTERS)
        self.number += block.count("\n")
        if block and block[-1] != "\n":
            self.number += 1
            block += self._checked(self._readline())
        self.cells = 0
        return block

    def return_block(self, block: str) -> None:
        """Iterate over the lines of the last block again, and then over those after it."""
        self.number = self._before_block
        self._lines = chain(io.StringIO(block, newline=""), self._lines)

    def _checked(self, line: str) -> str:
        self.cells += line.count(self._delimiter) + 1
        if len(line) > MAX_CHARACTERS:
            raise csv.Error(f"a line has more than {MAX_CHARACTERS:,} characters")
        if self.cells > MAX_CELLS:
            raise csv.Error(f"a row has more than {MAX_CELLS:,} cells")
        return line
