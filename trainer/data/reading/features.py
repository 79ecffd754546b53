"""The features that carry information, and their columns."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network import Array, Column
from trainer.data.reading.cells.date_cells import DateCells
from trainer.data.reading.cells.kinds import CellReader
from trainer.data.reading.cells.number_cells import NumberCells
from trainer.data.reading.cells.text_cells import MAX_VALUES, TextCells
from trainer.data.reading.stored_rows import StoredRows
from trainer.errors import DataError

CELLS_AT_A_TIME = 1 << 20
FEW_VALUES = 20  # so few different texts are a category in a table of any length
_ROW_NUMBERS = re.compile(
    r"(row|obs|record|sample)?[ _.-]*(id|idx|ix|index|(no|nr|num|lfd)\.?|n[°º]|№|number|names?)"
    r"|row|rows|obs|#|unnamed: ?0|_c0",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Features:
    """The features of a table.

    Attributes
    ----------
    columns, X : as `trainer.data.table.Table` takes them
    left_out : why columns of the file are not features, by name
    entries : what is known of each column, JSON documents
    """

    columns: tuple[Column, ...]
    X: Array
    left_out: dict[str, str]
    entries: list[dict[str, Any]]


def find_features(
    stored: StoredRows, name: str, categories: Collection[str], like: Mapping[str, Column]
) -> Features:
    """Leave out features without information, and number the categories in their final order.

    The matrix is changed in place.

    Parameters
    ----------
    name : of the file, in errors
    categories : columns that are categories, however many different values they have
    like : columns of another table by name, which say what a column without any cell is

    Raises
    ------
    DataError
        no feature is left, or a feature that was named has no information.
    """
    X, selection = stored.X, stored.selection
    readers = stored.readers[-len(selection.features) :]
    missing, constant = _missing_and_constant(X)
    columns: dict[int, Column] = {}
    left_out = dict(selection.left_out)
    for index, (feature, reader) in enumerate(zip(selection.features, readers, strict=True)):
        x = X[:, index]
        if feature in like and missing[index] == len(x):
            columns[index] = replace(like[feature], has_gaps=True)
            continue
        why = _why_empty(reader, x, missing[index], feature in categories)
        if why and selection.explicit:
            raise DataError(f"{name}: feature {feature!r} cannot be used: {why}")
        if not why and not selection.explicit:
            gone = stored.without_target + stored.without_weight
            why = _why_uninformative(feature, reader, x, constant[index], gone)
        if why or reader is None:
            left_out[feature] = why
        else:
            columns[index] = _column(feature, reader, x, has_gaps=bool(missing[index]))
    if not columns:
        reasons = "".join(f"\n  column {each!r}: {why}" for each, why in left_out.items())
        problem = f"{name}: no column is left to predict from"
        raise DataError(f"{problem}:{reasons}", without_cells=problem)
    entries = [
        _entry(column, readers[index], int(missing[index])) for index, column in columns.items()
    ]
    return Features(tuple(columns.values()), _keep(X, list(columns)), left_out, entries)


def _missing_and_constant(X: Array) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the number of missing cells of each column, and whether all cells are equal."""
    missing = np.zeros(X.shape[1], np.intp)
    constant = np.ones(X.shape[1], np.bool_)
    for rows in _blocks(X):
        missing += np.isnan(X[rows]).sum(axis=0)
        constant &= (X[rows] == X[0]).all(axis=0)  # never with a missing cell
    return missing, constant


def _blocks(X: Array) -> Iterator[slice]:
    step = max(1, CELLS_AT_A_TIME // X.shape[1])
    for start in range(0, len(X), step):
        yield slice(start, start + step)


def _why_empty(reader: CellReader | None, x: Array, missing: int, named: bool) -> str:
    """Return why a column cannot be a feature; empty if it can."""
    if isinstance(reader, TextCells) and reader.has_too_many_values:
        return f"it has more than {MAX_VALUES:,} different texts"
    if reader is None or missing == len(x):
        return "every cell is missing"
    return ""


def _why_uninformative(
    feature: str, reader: CellReader | None, x: Array, constant: bool, gone: int
) -> str:
    """Return why a column carries no information, of a file of which some rows are gone."""
    if constant:
        value = reader.values[int(x[0])] if isinstance(reader, TextCells) else f"{x[0]:g}"
        return f"it is {value!r} in every row" if isinstance(value, str) else ""
    if isinstance(reader, TextCells):
        different = len(np.unique(x[~np.isnan(x)]))
        if different > max(FEW_VALUES, len(x) / 2):
            about = f", {reader.about}" if reader.about else ""
            return f"it is a text with {different:,} different values in {len(x):,} rows{about}"
    elif _ROW_NUMBERS.fullmatch(feature) and _counts_up(x, gone):
        return "it numbers the rows"
    return ""


def _counts_up(x: Array, gone: int) -> bool:
    """Return whether whole numbers counted up by one before the rows that are gone."""
    if len(x) < 2 or not 0 <= x[-1] - x[0] - (len(x) - 1) <= gone:
        return False
    steps = np.diff(x)
    return bool(((steps >= 1) & (steps == np.floor(steps))).all())


def _column(name: str, reader: CellReader, x: Array, *, has_gaps: bool) -> Column:
    """Return a feature's column, after changing the numbers of a category to their final order."""
    if isinstance(reader, NumberCells):
        return replace(number_column(name, reader), has_gaps=has_gaps)
    if isinstance(reader, DateCells):
        return Column(name, "datetime", date_format=reader.date_format, has_gaps=has_gaps)
    present = np.zeros(len(reader.values), np.bool_)
    present[x[~np.isnan(x)].astype(np.intp)] = True
    column, new_numbers = reader.column(name, present)
    new_numbers = np.append(new_numbers, np.nan)  # of a missing cell
    for rows in _blocks(x[:, None]):
        x[rows] = new_numbers[np.nan_to_num(x[rows], nan=-1.0).astype(np.intp)]
    return replace(column, has_gaps=has_gaps)


def number_column(name: str, reader: NumberCells) -> Column:
    """Return a column of numbers, without gaps."""
    form = reader.format
    return Column(
        name,
        unit=form.unit,
        decimal=form.decimal,
        thousands=form.thousands,
        parentheses=form.parentheses,
    )


def _entry(column: Column, reader: CellReader | None, missing: int) -> dict[str, Any]:
    """Return what is known of a column, without the values of a category."""
    entry = column.as_json()
    entry.pop("has_gaps", None)
    if missing:
        entry["missing"] = missing
    if column.kind == "category":
        entry["values"] = len(column.values)
    note = getattr(reader, "assumed", "") or getattr(reader, "about", "")
    return entry | ({"note": note} if note else {})


def _keep(X: Array, kept: list[int]) -> Array:
    """Return some columns of a matrix, moved together in its own memory."""
    if len(kept) == X.shape[1]:
        return X
    cells, end = X.reshape(-1), 0
    for rows in _blocks(X):
        block = X[rows][:, kept]
        cells[end : end + block.size] = block.reshape(-1)
        end += block.size
    return cells[:end].reshape(len(X), len(kept))
