"""What a file holds, for its user: everything that a training would understand of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from network import Array, Column
from trainer.data.reading.cells.kinds import Cells, Conventions, comma_is_decimal, find_reader
from trainer.data.reading.cells.number_cells import NumberCells
from trainer.data.reading.formats.typed_block import as_text
from trainer.data.reading.options import ReadingOptions
from trainer.data.reading.table_file import open_rows, table_from_file
from trainer.data.table import Table
from trainer.errors import DataError

FIRST_ROWS = 10
SHOWN_CHARACTERS = 100  # of a cell, or of a category's value
SHOWN_VALUES = 20  # of a category
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Beginning:
    """The names of a file's columns and its first rows.

    Attributes
    ----------
    names : empty for a column without a name
    columns : the first cells of each
    """

    names: Sequence[str]
    columns: Sequence[Cells]

    @classmethod
    def of(
        cls, path: Path, source: str, targets: Sequence[str], encoding: str | None
    ) -> "Beginning":
        """Read it.

        Raises
        ------
        DataError
        """
        with open_rows(path, source, targets, encoding) as rows:
            block = next(iter(rows.blocks), None)
            cells = block.columns(range(len(rows.names))) if block else []
        return cls(rows.names, cells)

    def proposed_target(self) -> str:
        """Return the last column of numbers that has a unique name.

        Raises
        ------
        DataError
            there is none.
        """
        conventions = Conventions(comma_is_decimal(self.columns) if self.columns else None)
        for name, cells in reversed(list(zip(self.names, self.columns, strict=False))):
            reader = find_reader(cells, conventions) if len(cells) else None
            if name and list(self.names).count(name) == 1 and isinstance(reader, NumberCells):
                return name
        raise DataError(
            "no column of numbers: numnet predicts numbers, so expected at least one",
        )

    def rows(self) -> list[list[str]]:
        """Return the cells of the first rows as texts."""
        shown = zip(*(cells[:FIRST_ROWS] for cells in self.columns), strict=False)
        return [[_short(_text(cell)) for cell in row] for row in shown]


def describe_file(
    path: Path,
    source: str,
    targets: Sequence[str] = (),
    features: Sequence[str] = (),
    *,
    weights: str | None = None,
    options: ReadingOptions | None = None,
) -> dict[str, Any]:
    """Return what a training would understand of a file, a JSON document.

    Parameters
    ----------
    source : the name of the file, in errors
    targets, features, weights, options : as `table_from_file` takes them; without targets, the last
        column of numbers is taken

    Raises
    ------
    DataError
        a training would refuse the file.
    """
    options = options or ReadingOptions()
    beginning = Beginning.of(path, source, targets, options.encoding)
    if not any(beginning.names):
        raise DataError(f"{source} is empty: expected a header with column names")
    chosen = tuple(targets) or (beginning.proposed_target(),)
    table = table_from_file(path, chosen, features, weights, options=options, source=source)
    described = {each["name"]: each for each in _described(table)}
    return {
        "format": table.summary["format"],
        "rows": len(table.X),
        "targets": list(chosen),
        "targets_proposed": not targets,
        "columns": [
            described[name]
            for name in dict.fromkeys(chain(beginning.names, described))
            if name in described
        ],
        "notes": table.summary["notes"],
        "names": list(beginning.names),
        "first_rows": beginning.rows(),
    }


def _described(table: Table) -> list[dict[str, Any]]:
    """Return each column's role, kind, and values."""
    entries = {each["name"]: each for each in table.summary["columns"]}
    found = [
        {
            "name": name,
            "role": "target",
            "kind": "number",
            "missing": 0,
            **_number_range(table.Y[:, place]),
        }
        for place, name in enumerate(table.targets)
    ]
    if table.weights is not None and table.weights_name:
        numbers = _number_range(table.weights)
        about = {"role": "weights", "kind": "number", "missing": 0}
        found.append({"name": table.weights_name, **about, **numbers})
    for place, column in enumerate(table.columns):
        entry = entries.get(column.name, {})
        about = {"role": "feature", "kind": column.kind, "missing": entry.get("missing", 0)}
        note = {"note": entry["note"]} if "note" in entry else {}
        values = _values(column, table.X[:, place])
        found.append({"name": column.name, **about, **values, **note})
    left_out = table.summary["left_out"]
    return found + [
        {"name": each["column"], "role": "left out", "why": each["why"]} for each in left_out
    ]


def _values(column: Column, x: Array) -> dict[str, Any]:
    if column.kind in ("category", "boolean"):
        shown = [_short(text) for text in column.values[:SHOWN_VALUES]]
        return {"values": shown, "different": len(column.values)}
    if column.kind == "datetime":
        return {name: _date(days) for name, days in _number_range(x).items()}
    return _number_range(x)


def _number_range(x: Array) -> dict[str, float]:
    return {"minimum": float(np.nanmin(x)), "maximum": float(np.nanmax(x))}


def _date(days: float) -> str:
    try:
        moment = _EPOCH + timedelta(days=days)
    except OverflowError:
        return f"{days:g} days since 1970"
    return moment.date().isoformat() if days == int(days) else moment.isoformat(" ", "seconds")


def _text(cell: Any) -> str:
    is_missing = isinstance(cell, float) and np.isnan(cell)
    return "" if is_missing else as_text(cell.item() if isinstance(cell, np.generic) else cell)


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
