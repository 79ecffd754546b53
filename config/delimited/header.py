"""The row with the names of the columns."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from config.numbers import parse_number
from config.words import is_missing

MAX_ROWS_ABOVE = 30  # of titles and comments


@dataclass(frozen=True)
class Header:
    """The names of the columns.

    Attributes
    ----------
    names : empty for a column without a name
    rows : the number of rows up to and including that of the names
    invented : whether the file has no names, so that these are column1, column2, …
    above : the number of rows above the names that are neither blank nor comments
    """

    names: tuple[str, ...]
    rows: int
    invented: bool = False
    above: int = 0

    @property
    def notes(self) -> list[str]:
        """Return what is special, as sentences."""
        notes = []
        if self.invented:
            notes.append("the file has no header: its columns are called column1 and so on")
        if self.above:
            lines = "1 line" if self.above == 1 else f"{self.above} lines"
            notes.append(f"{lines} above the column names left out")
        return notes


def find_header(rows: Sequence[Sequence[str]], wanted: Sequence[str]) -> Header:
    """Return the names in the first row that has the wanted names, else in the first with cells.

    Parameters
    ----------
    rows : the first rows of the file
    wanted : names that a header has to have
    """
    index = _index(rows, wanted)
    if index is None:
        return Header((), len(rows))
    names = _names(rows[index])
    if _is_data(names) and not set(wanted) <= set(names):
        invented = tuple(f"column{place}" for place in range(1, len(names) + 1))
        return Header(invented, index, invented=True)
    above = sum(not _is_blank(row) and not _is_comment(row) for row in rows[:index])
    return Header(tuple(_fit(names, rows[index + 1 :])), index + 1, above=above)


def _index(rows: Sequence[Sequence[str]], wanted: Sequence[str]) -> int | None:
    for index, row in enumerate(rows[:MAX_ROWS_ABOVE]):
        if set(wanted) <= set(_names(row)):
            return index
    return next(
        (index for index, row in enumerate(rows) if not _is_blank(row) and not _is_comment(row)),
        None,
    )


def _names(row: Sequence[str]) -> list[str]:
    """Return cells as names; a header may be marked as a comment."""
    names = [" ".join(cell.split()) for cell in row]
    if names and names[0].startswith("#") and len(names[0]) > 1:
        names[0] = names[0].removeprefix("#").strip()
    return names


def _is_blank(row: Sequence[str]) -> bool:
    return not any(cell.strip() for cell in row)


def _is_comment(row: Sequence[str]) -> bool:
    return row[0].startswith("#")


def _is_data(names: Sequence[str]) -> bool:
    """Return whether cells that should be names are numbers, of which some may be missing."""
    numbers = [parse_number(name) is not None for name in names]
    return any(numbers) and all(
        number or is_missing(name) for number, name in zip(numbers, names, strict=True)
    )


def _fit(names: list[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return as many names as the rows have cells.

    Spreadsheets write empty cells after the last column, with or without names. R leaves the name
    of the first column out if it numbers the rows.
    """
    widths = Counter(len(row) for row in rows if not _is_blank(row))
    width = max(widths, key=widths.__getitem__, default=len(names))
    if width < len(names):
        return names if any(names[width:]) else names[:width]
    if any(cell.strip() for row in rows if len(row) == width for cell in row[len(names) :]):
        return ["", *names] if width == len(names) + 1 else names
    return names + [""] * (width - len(names))
