"""Many rows at once: JSON values, texts or numbers, column by column, as a matrix."""

import math
from collections.abc import Collection, Sequence, Set
from contextlib import suppress
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network import Array
from service.model.rows.cells.cell import Cell
from service.model.rows.cells.number import finite_numbers

MAX_CONVERTED_CELLS = 4 * 1024 * 1024  # at once


def matrix_of_numbers(
    instances: list[Any],
    features: Sequence[str],
    ignored: Set[str] = frozenset(),
    *,
    booleans: bool = True,
) -> Array | None:
    """Return the matrix (N, features) of JSON rows of finite numbers; None if any row is wrong.

    Faster than `matrix_of_rows`.

    Parameters
    ----------
    ignored : names that objects may have besides the features
    booleans : whether there may be any among the values
    """
    rows = _lists(instances, features, features, ignored)
    if rows is None:
        return None
    x = finite_numbers(list(chain.from_iterable(rows)), booleans=booleans)
    return None if x is None else x.reshape(-1, len(features))


def matrix_of_rows(
    instances: list[Any], cells: Sequence[Cell], ignored: Set[str] = frozenset()
) -> Array | None:
    """Return the matrix (N, features) of JSON rows; None if any row is wrong.

    Parameters
    ----------
    ignored : names that objects may have besides the features
    """
    features = [cell.column.name for cell in cells]
    required = [cell.column.name for cell in cells if cell.required]
    rows = _lists(instances, features, required, ignored)
    if rows is None:
        return None
    X = np.empty((len(rows), len(cells)))
    for index, (cell, column) in enumerate(zip(cells, zip(*rows, strict=True), strict=True)):
        x = cell.convert_all(column)
        if x is None:
            return None
        X[:, index] = x
    return X


def matrix_of_texts(
    columns: Sequence[Sequence[str] | None], rows: int, cells: Sequence[Cell]
) -> Array | None:
    """Return the matrix (rows, features) of columns of texts; None if any text is wrong.

    Parameters
    ----------
    columns : one per cell; None for a column of missing cells
    """
    X = np.full((rows, len(cells)), math.nan)
    for index, (cell, column) in enumerate(zip(cells, columns, strict=True)):
        if column is not None:
            x = cell.convert_texts(column)
            if x is None:
                return None
            X[:, index] = x
    return X


def matrix_of_array(X: Array, cells: Sequence[Cell]) -> tuple[Array, NDArray[np.bool_]]:
    """Return the matrix (N, features) of an array of the same shape, and which cells are valid.

    NaN is a missing cell.
    """
    columns = [cell.convert_array(x) for cell, x in zip(cells, X.T, strict=True)]
    numbers, valid = zip(*columns, strict=True)
    return np.column_stack(numbers), np.column_stack(valid)


def converted(X: NDArray[Any]) -> NDArray[Any]:
    """Return numbers as float64, unless that would need several times as much memory."""
    if X.size > MAX_CONVERTED_CELLS and X.itemsize < 8:
        return X
    return np.require(X, np.float64, ["C", "ALIGNED"])


def _lists(
    instances: list[Any],
    features: Sequence[str],
    required: Collection[str],
    ignored: Set[str],
) -> Sequence[Sequence[Any]] | None:
    """Return every row as a sequence of values in the features' order; None if any row is wrong.

    Parameters
    ----------
    required : the features that an object must have; others are None if it omits them
    """
    names, needed = frozenset(features), frozenset(required)
    allowed = names | ignored
    rows: list[Any] = instances
    kinds = set(map(type, instances))
    if kinds == {dict} and len(names) > 1 and set(map(len, instances)) == {len(names)}:
        with suppress(KeyError):  # the fastest way, if every row has every feature
            return list(map(itemgetter(*features), instances))
    if kinds != {list}:
        rows = [
            [each[name] for name in features]
            if type(each) is dict and each.keys() == names
            else [each.get(name) for name in features]
            if type(each) is dict and needed <= each.keys() <= allowed
            else each
            for each in instances
        ]
        if set(map(type, rows)) != {list}:
            return None
    return rows if set(map(len, rows)) == {len(features)} else None
