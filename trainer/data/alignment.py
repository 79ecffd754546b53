"""Rows of a table to test a model on, in the columns of the table that it is trained on."""

import numpy as np

from network import Column, Rows
from network.column import renumbered
from trainer.data.table import Table
from trainer.errors import DataError


def target_columns(table: Table) -> tuple[Column, ...]:
    """Return the targets with the formats of their numbers; none of generated rows."""
    return tuple(Column.from_json(each) for each in table.summary.get("targets", []))


def aligned_rows(table: Table, training: Table) -> Rows:
    """Return the rows of a table with its cells as numbers of the columns of another one.

    Raises
    ------
    DataError
        a column of the other table is missing here, or has another kind or unit, or gaps that it
        had not. Numbers without a unit may be in any.
    """
    own = {column.name: index for index, column in enumerate(table.columns)}
    columns = training.columns
    for target, expected in zip(target_columns(table), target_columns(training), strict=False):
        _check_unit(table.source, target, expected)
    for column in columns:
        if column.name not in own:
            raise DataError(f"{table.source} has no column {column.name!r} with information")
        found, x = table.columns[own[column.name]], table.X[:, own[column.name]]
        if found.kind != column.kind:
            raise DataError(
                f"{table.source}: column {column.name!r} holds a {found.kind}; expected a "
                f"{column.kind}, as in training"
            )
        _check_unit(table.source, found, column)
        if np.isnan(x).any() and not column.has_gaps:
            raise DataError(
                f"{table.source}: column {column.name!r} has missing cells, and had none in "
                f"training"
            )
    places = [own[column.name] for column in columns]
    X = renumbered(table.X[:, places], [table.columns[place] for place in places], columns)
    return Rows(X, table.Y, table.weights)


def _check_unit(source: str, found: Column, expected: Column) -> None:
    if found.unit not in ("", expected.unit):
        raise DataError(
            f"{source}: column {found.name!r} is in {found.unit!r}; expected "
            f"{expected.unit or 'no unit'!r}, as in training"
        )
