"""Which kind the cells of a column are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from config.number_format import formats_like
from config.words import is_missing
from network import Array, Column
from trainer.data.reading.cells.date_cells import DateCells, find_date_format
from trainer.data.reading.cells.number_cells import NumberCells, parse_json_numbers
from trainer.data.reading.cells.number_format import Found
from trainer.data.reading.cells.text_cells import TextCells

MAX_LEVELS = 50  # of a column that mixes numbers with texts, such as 1, 2, 3, 4, 5+
Cells = Sequence[str] | Array


CellReader = NumberCells | DateCells | TextCells


@dataclass(frozen=True)
class Conventions:
    """How the whole file writes its cells.

    Attributes
    ----------
    comma_is_decimal : None if nothing tells
    day_first : whether the day is assumed to be before the month
    """

    comma_is_decimal: bool | None = None
    day_first: bool = False


def find_reader(
    cells: Cells, conventions: Conventions, *, numbers_only: bool = False
) -> CellReader | None:
    """Return a reader for a column with such cells; None if all of them are missing."""
    if isinstance(cells, np.ndarray):
        return None if np.isnan(cells).all() else NumberCells()
    if not conventions.comma_is_decimal:
        numbers = parse_json_numbers(cells)
        if numbers is not None:
            return None if np.isnan(numbers).all() else NumberCells()
    texts = _texts(cells)
    if not texts:
        return None
    found = Found.of(texts, conventions.comma_is_decimal)
    if numbers_only or (
        found.share >= 0.5 and not _are_codes(texts) and not _are_levels(texts, found)
    ):
        return NumberCells(found.format, found.assumed)
    return _other_reader(texts, found, conventions)


def _other_reader(
    texts: Counter[str], found: Found, conventions: Conventions
) -> DateCells | TextCells:
    if _are_codes(texts):
        return TextCells(about="codes with leading zeros")
    dates = find_date_format(texts, day_first=conventions.day_first)
    return dates or TextCells(about="texts among numbers" if found.share >= 0.5 else "")


def number_cells_like(cells: Cells, column: Column) -> NumberCells | None:
    """Return a reader for cells that are numbers as another column has them; None if they are not.

    Without the other column, "1.234" might be 1234 or not.
    """
    if isinstance(cells, np.ndarray):
        return None
    for form in formats_like(
        column.decimal, column.thousands, column.unit, parentheses=column.parentheses
    ):
        numbers, wrong = NumberCells(form).read(cells)
        if not wrong and not np.isnan(numbers).all():
            return NumberCells(form)
    return None


def reader_like(column: Column) -> CellReader:
    """Return a reader for cells of the same kind and format as those of a column."""
    if column.kind == "datetime":
        return DateCells(column.date_format)
    return TextCells(words=column.values if column.kind == "boolean" else ())


def comma_is_decimal(columns: Sequence[Cells]) -> bool | None:
    """Return whether the file writes a decimal comma; None if no column proves either."""
    proofs = set()
    for cells in columns:
        if isinstance(cells, np.ndarray) or "," not in "".join(cells):
            continue
        texts = _texts(cells)
        if texts and (found := Found.of(texts, None)).share == 1.0 and found.decides:
            proofs.add(found.format.decimal == ",")
    return proofs.pop() if len(proofs) == 1 else None


def _texts(cells: Sequence[str]) -> Counter[str]:
    """Return the different cells that are not missing, and how often each occurs."""
    counts = Counter(cells)
    for text in [each for each in counts if is_missing(each, among_numbers=True)]:
        del counts[text]
    return counts


def _are_codes(texts: Counter[str]) -> bool:
    """Return whether all texts are as many digits, some with leading zeros, as in a zip code."""
    codes = [text.strip() for text in texts]
    return (
        all(code.isdigit() and code.isascii() for code in codes)
        and len({len(code) for code in codes}) == 1
        and any(code[0] == "0" and len(code) > 1 for code in codes)
    )


def _are_levels(texts: Counter[str], found: Found) -> bool:
    """Return whether the texts that are not numbers are repeated values of a category."""
    others = [count for text, count in texts.items() if found.format.parse(text) is None]
    return (
        bool(others)
        and len(texts) <= MAX_LEVELS
        and min(others) > 1
        and texts.total() >= 5 * len(texts)
    )
