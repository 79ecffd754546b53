"""The rows of a file as numbers, and the errors in them."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from config.words import is_missing
from network import Array, Column
from trainer.data.reading.cells.date_cells import DateCells
from trainer.data.reading.cells.kinds import (
    CellReader,
    Cells,
    Conventions,
    comma_is_decimal,
    find_reader,
    number_cells_like,
)
from trainer.data.reading.cells.number_cells import NumberCells
from trainer.data.reading.cells.text_cells import TextCells
from trainer.data.reading.formats.block import Block, Source
from trainer.data.reading.options import Missing, ReadingOptions
from trainer.data.reading.selection import Selection
from trainer.data.reading.stored_rows import StoredRows
from trainer.data.reading.totals import LABELS, leave_out_totals
from trainer.errors import DataError

MAX_ERRORS = 20
SHOWN_CHARACTERS = 40
MIN_TEXTS = 10  # in a block, for a column of numbers or dates to become a category


CellError = tuple[int, int, str, str]  # line, column's index, place and expectation, what was found


class Reconsidered(Exception):
    """The kind of a column, taken from the first rows, does not fit later ones.

    Attributes
    ----------
    column : its name
    make_reader : makes a reader of the kind that fits
    """

    def __init__(self, column: str, make_reader: Callable[[], CellReader]) -> None:
        self.column = column
        self.make_reader = make_reader


def read_rows(
    source: Source,
    selection: Selection,
    name: str,
    options: ReadingOptions,
    fixed: dict[str, Callable[[], CellReader]],
    *,
    like: Mapping[str, Column],
    repeatable: bool,
    poll: Callable[[], object],
) -> StoredRows:
    """Return the rows of a file.

    Parameters
    ----------
    name : of the file, in errors
    fixed : makes the readers of columns whose kind is known
    like : columns of another table by name; numbers are read in their formats if they can be
    repeatable : whether the file can be read again with other kinds
    poll : called before every block

    Raises
    ------
    DataError
        cells or lines are invalid; the first 20 are named.
    Reconsidered
    """
    fixed = dict.fromkeys(options.categories, TextCells) | fixed
    reader = _BlockReader(
        source, selection, options.missing, fixed, like=like, repeatable=repeatable
    )
    stored = StoredRows(selection, reader.readers, reader.notes)
    for block in source.blocks:
        poll()
        numbers = reader.read(block)
        if len(reader.errors) >= MAX_ERRORS:
            break
        stored.add(numbers)
    reader.leave_out_footer()
    label = reader.totals_label()
    if totals := leave_out_totals(stored, label):
        stored.notes.append(totals)
    if reader.errors and not (label and totals):
        raise _error(name, sorted(reader.errors)[:MAX_ERRORS], reader.advice())
    return stored


def _error(name: str, errors: list[CellError], advice: list[str]) -> DataError:
    """Return an error that lists the invalid cells and lines."""
    start = f"{name} cannot be used:"
    places = [place for *_, place, _ in errors]
    whole = [f"{place}{found}" for *_, place, found in errors]
    return DataError(*("\n  ".join([start, *lines, *advice]) for lines in (whole, places)))


class _BlockReader:
    """Turns blocks into numbers, and collects errors."""

    def __init__(
        self,
        source: Source,
        selection: Selection,
        missing: Missing,
        fixed: dict[str, Callable[[], CellReader]],
        *,
        like: Mapping[str, Column],
        repeatable: bool,
    ) -> None:
        self._source = source
        self._selection = selection
        self._names = names = selection.names
        self._strict = missing == "refuse"
        self._conventions = Conventions()
        self._is_first = True
        self._last_line, self._first_fault = 0, ""
        self._fixed = fixed
        self._like = {name: like[name] for name in names if name in like}
        self._points_group = any(each.thousands == "." for each in self._like.values())
        self._repeatable = repeatable
        self.readers: list[CellReader | None] = [
            fixed[name]() if name in fixed else None for name in names
        ]
        self.errors: list[CellError] = []
        self._lone_cells: list[int] = []  # lines that have one cell
        self.notes: list[str] = []
        self._faults: dict[int, tuple[Cells, int]] = {}

    def read(self, block: Block) -> Array:
        """Return the used cells of a block as numbers: (rows, columns)."""
        indices = self._selection.indices
        if (numbers := self._plain_numbers(block)) is not None:
            return numbers
        columns = block.columns(indices)
        is_first = self._is_first
        if is_first:
            self._conventions = Conventions(comma_is_decimal(columns), self._source.day_first)
            self._is_first = False
        place = self._source.place
        for each in block.errors:
            self.errors.append((each.line, -1, f"{place} {each.line}: {each.reason}", ""))
            if each.cells == 1:
                self._lone_cells.append(each.line)
        numbers = np.full((len(columns[0]), len(columns)), np.nan)
        faults = []
        for index, cells in enumerate(columns):
            numbers[:, index], wrong = self._read_column(index, cells)
            faults.append(wrong)
        left_out = self._without_target(numbers, faults)
        kept = [line for row, line in enumerate(block.lines) if row not in left_out]
        self._last_line = kept[-1] if kept else self._last_line
        for index, (cells, wrong) in enumerate(zip(columns, faults, strict=True)):
            self._note(index, cells, [row for row in wrong if row not in left_out], block)
        if is_first and self._is_row_of_units(columns, block):
            return numbers[1:]
        return numbers

    def _without_target(self, numbers: Array, faults: Sequence[list[int]]) -> set[int]:
        """Return the rows that will be left out, whatever their other cells are."""
        if self._strict:
            return set()
        targets = len(self._selection.targets)
        missing = set(np.flatnonzero(np.isnan(numbers[:, :targets]).any(axis=1)).tolist())
        return missing.difference(*faults[:targets])

    def _is_row_of_units(self, columns: Sequence[Cells], block: Block) -> bool:
        """Return whether the first row has texts in all columns of numbers; forget its errors."""
        if len(block.lines) < 2:
            return False
        wrong = {index for line, index, *_ in self.errors if line == block.lines[0]}
        numbers = {
            self._selection.indices[index]
            for index, (reader, cells) in enumerate(zip(self.readers, columns, strict=True))
            if isinstance(reader, NumberCells) and not is_missing(str(cells[0]), among_numbers=True)
        }
        if len(wrong) < 2 or len(wrong) < len(self.errors) or wrong != numbers:
            return False
        self.errors.clear()
        self._faults.clear()
        self.notes.append(
            f"{self._source.place} {block.lines[0]} left out, because it has texts in all "
            f"columns of numbers, such as units"
        )
        return True

    def _plain_numbers(self, block: Block) -> Array | None:
        """Return the used cells if all are plain numbers as far as is known; otherwise None."""
        if self._points_group or not all(
            each is None or each == NumberCells() for each in self.readers
        ):
            return None
        numbers = block.numbers()
        if numbers is None:
            return None
        numbers = numbers[:, self._selection.indices]
        if np.isnan(numbers[:, self._without_gaps]).any():
            return None
        for index, reader in enumerate(self.readers):
            if reader is None and not np.isnan(numbers[:, index]).all():
                self.readers[index] = NumberCells()
        return numbers

    @property
    def _without_gaps(self) -> list[int]:
        """Return the indices of columns in which missing cells are errors."""
        if self._strict:
            return list(range(len(self._names)))
        return [len(self._selection.targets)] if self._selection.weights else []

    def _read_column(self, index: int, cells: Cells) -> tuple[Array, list[int]]:
        reader, known = self.readers[index], self.readers[index] is not None
        if reader is None:
            reader = self.readers[index] = self._find(index, cells)
        numbers, wrong = reader.read(cells) if reader else (np.full(len(cells), np.nan), [])
        if wrong and known and self._repeatable and self._names[index] not in self._fixed:
            self._reconsider(index, cells, len(wrong))
        if self._strict or index in self._without_gaps:
            wrong = [int(row) for row in np.flatnonzero(np.isnan(numbers))]
        return numbers, wrong

    def _find(self, index: int, cells: Cells) -> CellReader | None:
        known = self._like.get(self._names[index])
        if known and known.kind == "number" and (found := number_cells_like(cells, known)):
            return found
        first_feature = len(self._names) - len(self._selection.features)
        return find_reader(cells, self._conventions, numbers_only=index < first_feature)

    def _reconsider(self, index: int, cells: Cells, wrong: int) -> None:
        """Raise `Reconsidered` if another kind reads cells that the column's reader does not."""
        other = self._find(index, cells)
        if isinstance(other, TextCells) and wrong < MIN_TEXTS:  # rather mistakes
            return
        if other is not None and not other.read(cells)[1]:
            raise Reconsidered(self._names[index], other.fresh)

    def _note(self, index: int, cells: Cells, wrong: list[int], block: Block) -> None:
        if not wrong:
            return
        self._faults.setdefault(index, (cells, len(wrong)))
        self._first_fault = self._first_fault or str(cells[wrong[0]])
        reader, name = self.readers[index], self._names[index]
        expected = reader.expected if reader else "a finite number"
        lines, place = block.lines, self._source.place
        for row in wrong[:MAX_ERRORS]:
            found = str(cells[row])[:SHOWN_CHARACTERS]
            where = f"{place} {lines[row]}, column {name!r}: expected {expected}"
            self.errors.append(
                (lines[row], self._selection.indices[index], where, f", got {found!r}")
            )

    def leave_out_footer(self) -> None:
        """Leave out lines of one cell below all rows, such as the name of a source."""
        footer = [line for line in self._lone_cells if line > self._last_line]
        if footer and not self._strict:
            self.errors = [error for error in self.errors if error[0] not in footer]
            lines = ", ".join(map(str, footer))
            self.notes.append(
                f"{self._source.place} {lines} left out: one cell alone, below all rows"
            )

    def totals_label(self) -> str:
        """Return the text in the only invalid cell if it calls the last row a total."""
        if len(self.errors) != 1 or self.errors[0][0] != self._last_line:
            return ""
        text = self._first_fault.strip()
        return text if text.casefold() in LABELS else ""

    def advice(self) -> list[str]:
        """Return what to do about the errors, as sentences."""
        first_feature = len(self._names) - len(self._selection.features)
        advice = []
        for index, (cells, wrong) in self._faults.items():
            kind = find_reader(cells, self._conventions)
            name = self._names[index]
            if index < first_feature and isinstance(kind, TextCells | DateCells):
                what = "text" if isinstance(kind, TextCells) else "dates"
                advice.append(f"numnet predicts numbers, and column {name!r} holds {what}")
                if isinstance(kind, TextCells):
                    advice[-1] += "; to predict one of two classes, write 0 and 1 in their place"
            elif index < first_feature or isinstance(self.readers[index], DateCells):
                continue
            elif wrong > 2 and not self._strict:
                advice.append(f"if column {name!r} is a category, name it in categories")
        return advice
