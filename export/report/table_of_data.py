"""What the data of a version were: its table's columns, rows, and what was left out."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from export.report.figures.numerals import numeral
from network import Array, Column, Predictor
from registry import Card, card_object

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_VALUES = 12  # of a category
_KINDS = {"datetime": "date", "boolean": "yes or no"}


@dataclass(frozen=True)
class ColumnRow:
    """A feature, in words.

    Attributes
    ----------
    seen : its range, or its values
    missing : how many cells; None if unknown
    """

    name: str
    kind: str
    seen: str
    missing: int | None
    note: str


def columns_in_words(card: Card, model: Predictor, most: int) -> list[ColumnRow]:
    """Return the first features, in the order of their columns."""
    described = card_object(card, "data", "reading").get("columns")
    entries = {
        each["name"]: each
        for each in (described if isinstance(described, list) else [])
        if isinstance(each, dict) and isinstance(each.get("name"), str)
    }
    return [
        _column(column, entries.get(column.name), model.feature_range[:, index])
        for index, column in enumerate(model.columns[:most])
    ]


def reading_notes(card: Card) -> list[str]:
    """Return what was left out of the table, and other notes of its reader, as sentences."""
    reading = card_object(card, "data", "reading")
    left_out = reading.get("left_out")
    found = [
        f"Column {each.get('column')!r} is left out: {each.get('why')}."
        for each in (left_out if isinstance(left_out, list) else [])
        if isinstance(each, dict)
    ]
    notes = reading.get("notes")
    return [*found, *(f"{each}." for each in (notes if isinstance(notes, list) else []))]


def row_counts(card: Card) -> dict[str, int]:
    """Return the number of rows by their use, without those of which there are none."""
    counts = card_object(card, "data", "rows")
    return {use: count for use, count in counts.items() if type(count) is int and count}


def _column(column: Column, entry: dict[str, Any] | None, ends: Array) -> ColumnRow:
    missing = 0 if entry is not None else None
    if entry is not None and type(entry.get("missing")) is int:
        missing = entry["missing"]
    note = (entry or {}).get("note", "")
    kind = _KINDS.get(column.kind, column.kind)
    return ColumnRow(
        column.name,
        f"{kind} ({column.unit.strip()})" if column.unit.strip() else kind,
        _seen(column, ends),
        missing,
        note if isinstance(note, str) else "",
    )


def _seen(column: Column, ends: Array) -> str:
    if column.kind in ("category", "boolean"):
        values = column.values or ("false", "true")
        more = len(values) - _MOST_VALUES
        return ", ".join(values[:_MOST_VALUES]) + (f" and {more} more" if more > 0 else "")
    words = [date_in_words(end) if column.kind == "datetime" else numeral(end) for end in ends]
    return words[0] if words[0] == words[1] else " to ".join(words)


def date_in_words(days: float) -> str:
    """Return days since 1970-01-01 as a date, with the time unless it is midnight."""
    try:
        moment = _EPOCH + timedelta(days=float(days))
    except OverflowError:
        return f"{numeral(float(days))} days since 1970"
    return moment.strftime(
        "%Y-%m-%d" if moment.time().isoformat() == "00:00:00" else "%Y-%m-%d %H:%M"
    )
