"""What a reader understood and left out, for the user and the model's card."""

from collections.abc import Sequence
from typing import Any

from trainer.data.reading.cells.number_cells import NumberCells
from trainer.data.reading.features import Features, number_column
from trainer.data.reading.formats.block import Source
from trainer.data.reading.options import ReadingOptions
from trainer.data.reading.stored_rows import StoredRows


def summarize(
    source: Source,
    stored: StoredRows,
    features: Features,
    options: ReadingOptions,
    remarks: Sequence[str],
) -> dict[str, Any]:
    """Return the summary of a table, a JSON document.

    Parameters
    ----------
    remarks : on the numbers, as sentences
    """
    return {
        "format": source.about,
        "rows": len(features.X),
        "columns": features.entries,
        "targets": _targets(stored),
        "left_out": [{"column": name, "why": why} for name, why in features.left_out.items()],
        "notes": [*source.notes, *_rows_left_out(stored), *_about_targets(stored), *remarks],
        "options": options.as_document(),
    }


def _rows_left_out(stored: StoredRows) -> list[str]:
    targets = " or ".join(map(repr, stored.selection.targets))
    notes = [*stored.notes]
    if count := stored.without_target:
        notes.append(f"{_rows(count)} left out, because {targets} is missing")
    if count := stored.without_weight:
        notes.append(f"{_rows(count)} left out, because the weight is 0")
    return notes


def _targets(stored: StoredRows) -> list[dict[str, Any]]:
    """Return the format of each target's numbers."""
    readers = zip(stored.selection.targets, stored.readers, strict=False)
    return [
        number_column(name, reader).as_json()
        for name, reader in readers
        if isinstance(reader, NumberCells)
    ]


def _about_targets(stored: StoredRows) -> list[str]:
    readers = zip(stored.selection.targets, stored.readers, strict=False)
    return [
        f"target {name!r}: {reader.assumed}"
        for name, reader in readers
        if isinstance(reader, NumberCells) and reader.assumed
    ]


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
