"""Rows of a file whose cells have types, such as Excel and Parquet."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from network import Array
from trainer.data.reading.cells.kinds import Cells
from trainer.data.reading.formats.block import LineError


@dataclass(frozen=True)
class TypedBlock:
    """Some rows, by columns; see `trainer.data.reading.formats.block.Block`."""

    cells: Sequence[Cells]
    lines: Sequence[int]
    errors: Sequence[LineError] = ()

    def numbers(self) -> Array | None:
        """Return None: the columns have types of their own."""
        return None

    def columns(self, wanted: Sequence[int]) -> list[Cells]:
        """Return the cells of some columns."""
        return [self.cells[index] for index in wanted]


def as_text(cell: Any) -> str:
    """Return a cell as a text file has it; dates in ISO 8601."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime.timedelta):
        return repr(cell / datetime.timedelta(days=1))
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)
