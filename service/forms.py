"""The forms in which other servers' clients send many rows as JSON."""

from typing import Any

from network import Array
from service.errors import InvalidInput
from service.inputs import Inputs
from service.validation import shown


def rows(inputs: Inputs, value: Any, pointer: str, body: bytes) -> Array:
    """The matrix (N, features) of a list of rows, which are objects or lists.

    Parameters
    ----------
    pointer : where it stands in the body

    Raises
    ------
    InvalidInput
    """
    if not isinstance(value, list) or not value:
        raise wrong(inputs, pointer, f"must be a list of at least one row, got {shown(value)}")
    return inputs.matrix(value, pointer, body)


def rows_or_columns(inputs: Inputs, value: Any, pointer: str, body: bytes) -> Array:
    """The same of a list of rows, or of `{"x1": [1.0, …], …}`, each number maybe a list of one.

    Raises
    ------
    InvalidInput
    """
    if not isinstance(value, dict):
        return rows(inputs, value, pointer, body)
    order = inputs.order_among(list(value))
    columns = list(value.values())
    for name, column in value.items():
        if not isinstance(column, list) or not column or len(column) != len(columns[0]):
            detail = f"must be a list of numbers, as long as the others, got {shown(column)}"
            raise wrong(inputs, f"{pointer}/{name}", detail)
    flat = [[_only(cell) for cell in column] for column in columns]
    table = [list(row) for row in zip(*(flat[column] for column in order), strict=True)]
    return inputs.matrix(table, pointer, body)


def split(inputs: Inputs, value: Any, pointer: str, body: bytes) -> Array:
    """The same of `{"columns": […], "data": [[…], …]}`; `index` means nothing here.

    Raises
    ------
    InvalidInput
    """
    columns, data = (
        value.get(key) if isinstance(value, dict) else None for key in ("columns", "data")
    )
    if not isinstance(columns, list) or not isinstance(data, list) or not data:
        raise wrong(inputs, pointer, "must have `columns`, and `data` with at least one row")
    order = inputs.order_among([str(name) for name in columns])
    for index, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(columns):
            detail = f"must be a list of {len(columns)} numbers, got {shown(row)}"
            raise wrong(inputs, f"{pointer}/data/{index}", detail)
    table = [[row[column] for column in order] for row in data]
    return inputs.matrix(table, f"{pointer}/data", body)


def wrong(inputs: Inputs, pointer: str, detail: str) -> InvalidInput:
    """The error for one thing that is wrong."""
    return inputs.invalid([{"pointer": pointer, "detail": detail}])


def _only(cell: Any) -> Any:
    return cell[0] if isinstance(cell, list) and len(cell) == 1 else cell
