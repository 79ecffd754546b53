"""A last row with the sums of all others, as spreadsheets have it."""

import numpy as np

from network import Array
from trainer.data.reading.cells.number_cells import NumberCells
from trainer.data.reading.cells.text_cells import TextCells
from trainer.data.reading.stored_rows import StoredRows

LABELS = frozenset(("total", "totals", "grand total", "sum", "summe", "gesamt", "all"))
TOLERANCE = 1e-6  # relative; sums in spreadsheets are rounded
_SEEN_ROWS = 1_000
_ROWS_AT_A_TIME = 100_000


def leave_out_totals(stored: StoredRows, label: str = "") -> str:
    """Leave out the last row if it has the sums of the others; return why, or an empty text.

    Parameters
    ----------
    label : a text in the last row, in place of a number or a date, that calls it a total
    """
    X, Y = stored.X, stored.Y
    if len(X) < 3:
        return ""
    label = label or _label(stored, X[-1])
    sums = _count_sums(Y) if _may_be_sums(Y) else 0
    if sums == Y.shape[1] and (label or sums + _count_sums(X[:, _numbers(stored)]) >= 2):
        del X, Y  # views, which would keep the memory from shrinking
        stored.drop_last()
        called = f", called {label!r}," if label else ""
        return f"the last row{called} is left out: it holds the sums of the others"
    return ""


def _numbers(stored: StoredRows) -> list[int]:
    """Return the indices of the features that are numbers."""
    readers = stored.readers[-len(stored.selection.features) :]
    return [index for index, reader in enumerate(readers) if isinstance(reader, NumberCells)]


def _label(stored: StoredRows, last: Array) -> str:
    """Return the text in the last row that calls it a total."""
    readers = stored.readers[-len(last) :]
    for reader, number in zip(readers, last, strict=True):
        if isinstance(reader, TextCells) and not np.isnan(number):
            text = reader.values[int(number)]
            if text.casefold() in LABELS:
                return text
    return ""


def _may_be_sums(data: Array) -> bool:
    """Return whether the largest magnitudes are in the last row, as far as is seen."""
    largest = np.fmax.reduce(np.abs(data[: min(_SEEN_ROWS, len(data) - 1)]), axis=0)
    return bool((np.abs(data[-1]) > largest).all())


def _count_sums(data: Array) -> int:
    """Return how many columns have the sum of the others in the last row."""
    total, magnitude = np.zeros(data.shape[1]), np.zeros(data.shape[1])
    for start in range(0, len(data) - 1, _ROWS_AT_A_TIME):
        rows = np.nan_to_num(data[start : min(start + _ROWS_AT_A_TIME, len(data) - 1)])
        total += rows.sum(axis=0)
        magnitude += np.abs(rows).sum(axis=0)
    return int((np.abs(data[-1] - total) <= TOLERANCE * magnitude).sum())
