"""Rows of another table, in the columns that a model was trained with."""

import numpy as np

from network import Column, Rows
from network.column import renumbered
from trainer.data.table import Table
from trainer.errors import DataError


def aligned_rows(table: Table, columns: tuple[Column, ...]) -> Rows:
    """Return the rows of a table with its cells as numbers of the columns of another one.

    Raises
    ------
    DataError
        a column of the other table is missing here, or has another kind or unit, or gaps that it
        had not. Numbers without a unit may be in any.
    """
    own = {column.name: index for index, column in enumerate(table.columns)}
    for column in columns:
        if column.name not in own:
            raise DataError(f"{table.source} has no column {column.name!r} with information")
        found, x = table.columns[own[column.name]], table.X[:, own[column.name]]
        if found.kind != column.kind:
            raise DataError(
                f"{table.source}: column {column.name!r} holds a {found.kind}; expected a "
                f"{column.kind}, as in training"
            )
        if found.unit not in ("", column.unit):
            raise DataError(
                f"{table.source}: column {column.name!r} is in {found.unit!r}; expected "
                f"{column.unit or 'no unit'!r}, as in training"
            )
        if np.isnan(x).any() and not column.has_gaps:
            raise DataError(
                f"{table.source}: column {column.name!r} has missing cells, and had none in "
                f"training"
            )
    places = [own[column.name] for column in columns]
    X = renumbered(table.X[:, places], [table.columns[place] for place in places], columns)
    return Rows(X, table.Y, table.weights)
