"""The JSON layouts in which clients of other servers send many rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from network import Array
from service.model.loaded_version import LoadedVersion
from service.model.rows.reader import RowReader
from service.openapi.contract import JsonSchema, ref
from service.openapi.json_schema import (
    CELL,
    TEXT,
    any_of,
    array,
    by_name,
    closed,
    lenient,
    one_of,
)
from service.web.errors import InvalidInput
from service.web.field_errors import escape, shown


@dataclass(frozen=True)
class Layout:
    """A layout: the value of one member of a body.

    Attributes
    ----------
    read : returns the matrix (N, features) of the value; takes also the pointer to it and the raw
        body; raises `InvalidInput`
    shape : returns the value's JSON Schema for a version, with examples; for any version if None
    """

    read: Callable[[RowReader, Any, str, bytes], Array]
    shape: Callable[[LoadedVersion | None], JsonSchema]


def read(
    reader: RowReader, document: object, layouts: Mapping[str, Layout], body: bytes
) -> tuple[str, Array]:
    """Return the name of the layout that a body has, and its matrix (N, features).

    Raises
    ------
    InvalidInput
    """
    if not isinstance(document, dict):
        raise wrong(reader, "", f"must be an object, got {shown(document)}")
    if len(document) != 1 or not document.keys() <= layouts.keys():
        names = ", ".join(map(shown, document)) or "nothing"
        raise wrong(reader, "", f"must have one of {', '.join(layouts)}; got {names}")
    [(name, value)] = document.items()
    return name, layouts[name].read(reader, value, f"/{name}", body)


def body_schema(
    version: LoadedVersion | None, layouts: Mapping[str, Layout], others: Mapping[str, JsonSchema]
) -> JsonSchema:
    """Return the JSON Schema of a body that has one of the layouts.

    Parameters
    ----------
    others : optional members of the body besides the rows
    """
    shapes = {name: layout.shape(version) for name, layout in layouts.items()}
    examples = [{name: each} for name in shapes for each in shapes[name].pop("examples", [])]
    made = any_of(*[closed({name: shape}, others) for name, shape in shapes.items()])
    return {**made, "examples": examples} if examples else made


def wrong(reader: RowReader, pointer: str, detail: str) -> InvalidInput:
    """Return the exception for one wrong value."""
    return reader.refusals.invalid([{"pointer": pointer, "detail": detail}])


def _rows(reader: RowReader, value: Any, pointer: str, body: bytes) -> Array:
    """Read a list of rows that are objects or lists."""
    if not isinstance(value, list) or not value:
        raise wrong(reader, pointer, f"must be a list of at least one row, got {shown(value)}")
    return reader.matrix(value, pointer, body)


def _rows_shape(version: LoadedVersion | None) -> JsonSchema:
    if version is None:
        return array(any_of(by_name(None, CELL), array(CELL, 1)), 1)
    example = version.reader.example
    return array(ref("AnyRow"), 1) | {"examples": [[example], [list(example.values())]]}


def _rows_or_columns(reader: RowReader, value: Any, pointer: str, body: bytes) -> Array:
    """Read rows as `_rows` does, or columns `{"x1": [1.0, …], …}`; a number may be `[1.0]`."""
    if not isinstance(value, dict):
        return _rows(reader, value, pointer, body)
    order = reader.column_order(list(value))
    if not value:
        raise wrong(reader, pointer, "must have at least one column")
    columns = list(value.values())
    for name, column in value.items():
        if not isinstance(column, list) or not column or len(column) != len(columns[0]):
            detail = (
                f"must be a list of {reader.values}, as long as the others, got {shown(column)}"
            )
            raise wrong(reader, f"{pointer}/{escape(name)}", detail)
    flat = [[_unwrap(cell) for cell in column] for column in columns]
    flat.append([None] * len(flat[0]))  # in place of a column that is absent
    ordered = [flat[-1 if index is None else index] for index in order]
    return reader.matrix(list(map(list, zip(*ordered, strict=True))), pointer, body)


def _rows_or_columns_shape(version: LoadedVersion | None) -> JsonSchema:
    if version is None:
        return any_of(_rows_shape(None), by_name(None, _column(CELL)))
    rows, cells = _rows_shape(version), version.reader.cells
    examples = [*rows.pop("examples"), {cell.column.name: [cell.example] for cell in cells}]
    shapes: dict[bool, dict[str, JsonSchema]] = {True: {}, False: {}}
    for cell in cells:
        shapes[cell.required][cell.column.name] = _column(cell.json_schema)
    columns = closed(shapes[True], shapes[False]) | {"description": "lists of the same length"}
    return any_of(rows, columns) | {"examples": examples}


def _column(cell: JsonSchema) -> JsonSchema:
    return array(any_of(cell, array(cell, 1, 1)), 1)


def _split(reader: RowReader, value: Any, pointer: str, body: bytes) -> Array:
    """Read `{"columns": […], "data": [[…], …]}`, and ignore `index`."""
    columns, data = (
        value.get(key) if isinstance(value, dict) else None for key in ("columns", "data")
    )
    if not isinstance(columns, list) or not isinstance(data, list) or not data:
        raise wrong(reader, pointer, "must have `columns`, and `data` with at least one row")
    for index, name in enumerate(columns):
        if not isinstance(name, str):
            detail = f"must be a name, got {shown(name)}"
            raise wrong(reader, f"{pointer}/columns/{index}", detail)
    order = reader.column_order(columns)
    for index, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(columns):
            detail = f"must be a list of {len(columns)} {reader.values}, got {shown(row)}"
            raise wrong(reader, f"{pointer}/data/{index}", detail)
    table = [[None if index is None else row[index] for index in order] for row in data]
    return reader.matrix(table, f"{pointer}/data", body)


def _split_shape(version: LoadedVersion | None) -> JsonSchema:
    if version is None:
        return lenient({"columns": array(TEXT, 1), "data": array(array(CELL, 1), 1)})
    example = version.reader.example
    columns = array(one_of(tuple(example)), len(example), len(example)) | {"uniqueItems": True}
    if not version.reader.only_numbers:  # values in another order would have other types
        columns = {"const": list(example), "description": "in any order, and the data accordingly"}
    made = lenient({"columns": columns, "data": array(ref("Values"), 1)})
    return made | {"examples": [{"columns": list(example), "data": [list(example.values())]}]}


def _unwrap(cell: Any) -> Any:
    return cell[0] if isinstance(cell, list) and len(cell) == 1 else cell


ROWS = Layout(_rows, _rows_shape)
ROWS_OR_COLUMNS = Layout(_rows_or_columns, _rows_or_columns_shape)
SPLIT = Layout(_split, _split_shape)
