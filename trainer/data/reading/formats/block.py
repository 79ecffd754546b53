"""The rows of a file, before their cells are read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from network import Array
from trainer.data.reading.cells.kinds import Cells


class LineError(NamedTuple):
    """A line that is not a row.

    Attributes
    ----------
    cells : how many it has
    reason : why it is not a row
    """

    line: int
    cells: int
    reason: str


class Block(Protocol):
    """Some consecutive rows of a file."""

    def numbers(self) -> Array | None:
        """Return all cells if they are plain numbers, as (rows, columns); otherwise None."""

    def columns(self, wanted: Sequence[int]) -> list[Cells]:
        """Return the cells of some columns."""

    @property
    def lines(self) -> Sequence[int]:
        """Return the number of each row's line, from 1."""

    @property
    def errors(self) -> Sequence[LineError]:
        """Return the lines that are not rows; known after `columns`."""


@dataclass(frozen=True)
class Source:
    """The rows of a file.

    Attributes
    ----------
    names : of the columns; empty for a column without a name
    blocks : of all rows, in order; can be read once
    about : the format in words
    notes : what was skipped, as sentences
    place : what a row's number counts: "line" or "row"
    day_first : whether dates like 1/2/2024 are assumed to begin with the day
    headless : whether the names are invented, because the file has none
    """

    names: Sequence[str]
    blocks: Iterator[Block]
    about: str
    notes: list[str] = field(default_factory=list)
    place: str = "row"
    day_first: bool = False
    headless: bool = False
