"""Rows of another table, in the columns that a model was trained with."""

import numpy as np

from network import UNSEEN, Array, Column, Rows
from trainer.data.table import Table
from trainer.errors import DataError


def aligned_rows(table: Table, columns: tuple[Column, ...]) -> Rows:
    """Return the rows of a table with its cells as numbers of the columns of another one.

    Raises
    ------
    DataError
        a column of the other table is missing here, or has another kind or gaps that it had not.
    """
    X = np.empty((len(table.X), len(columns)))
    own = {column.name: index for index, column in enumerate(table.columns)}
    for place, column in enumerate(columns):
        if column.name not in own:
            raise DataError(f"{table.source} has no column {column.name!r} with information")
        index = own[column.name]
        X[:, place] = _cells(table.source, table.columns[index], table.X[:, index], column)
    return Rows(X, table.Y, table.weights)


def _cells(source: str, own: Column, x: Array, column: Column) -> Array:
    if own.kind != column.kind:
        raise DataError(
            f"{source}: column {column.name!r} holds a {own.kind}; expected a {column.kind}, as in "
            f"training"
        )
    if np.isnan(x).any() and not column.has_gaps:
        raise DataError(
            f"{source}: column {column.name!r} has missing cells, and had none in training"
        )
    if column.kind != "category":
        return x
    numbers = {text: float(number) for number, text in enumerate(column.values)}
    codes = np.array([numbers.get(text, UNSEEN) for text in own.values])
    present = ~np.isnan(x)
    aligned = np.full(len(x), np.nan)
    aligned[present] = codes[x[present].astype(np.intp)]
    return aligned
