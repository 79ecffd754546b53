"""The JSON layouts in which clients of other servers send many rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from network import Array
from service.model.loaded_version import LoadedVersion
from service.model.rows.blocks import NotInBlocks, RowBlocks
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
    same,
)
from service.web.errors import InvalidInput
from service.web.field_errors import escape, shown


@dataclass(frozen=True)
class Layout:
    """A layout: the value of one member of a body.

    Attributes
    ----------
    read : returns the matrix (N, features) of the value; takes also the pointer to it and the raw
        body, and for a block of rows `colons` and `first` of `RowReader.matrix`; raises
        `InvalidInput`
    shape : returns the value's JSON Schema for a version, with examples; for any version if None
    """

    read: Callable[..., Array]
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
    if isinstance(value, RowBlocks):
        try:
            read_block = partial(layouts[name].read, reader)
            return name, reader.matrix_of_blocks(value, f"/{name}", read_block)
        except NotInBlocks:
            return read(reader, value.whole(), layouts, body)
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


def _rows(
    reader: RowReader,
    value: Any,
    pointer: str,
    body: bytes,
    *,
    any_columns: bool = False,
    **place: int,
) -> Array:
    """Read a list of rows that are objects or lists; of one feature, a row may be its value.

    In an object, a value may be in a list of its own.
    """
    if not isinstance(value, list) or not value:
        raise wrong(reader, pointer, f"must be a list of at least one row, got {shown(value)}")
    try:
        return reader.matrix(value, pointer, body, **place)
    except InvalidInput:
        rows = [_plain_row(reader, row, any_columns) for row in value]
        if rows == value:
            raise
        return reader.matrix(rows, pointer, body, **place)


def _plain_row(reader: RowReader, row: Any, any_columns: bool) -> Any:
    """Return a row without the forms that clients of tensors send besides `/predict`'s."""
    if isinstance(row, dict):
        return {
            name: _unwrap(value)
            for name, value in row.items()
            if not any_columns or reader.is_feature(name)
        }
    return [row] if len(reader.cells) == 1 and not isinstance(row, list) else row


def _rows_shape(version: LoadedVersion | None, *, any_columns: bool = False) -> JsonSchema:
    if version is None:
        return array(any_of(by_name(None, CELL), array(CELL, 1), CELL), 1)
    example = version.reader.example
    bare = [version.reader.cells[0].json_schema] if len(example) == 1 else []
    either = any_of(ref("AnyRow"), _object(version, _or_in_list, any_columns=any_columns), *bare)
    return array(either, 1) | {"examples": [[example], [list(example.values())]]}


def _object(
    version: LoadedVersion, shape: Callable[[JsonSchema], JsonSchema], *, any_columns: bool
) -> JsonSchema:
    """Return the schema of an object with a member for each feature."""
    members: dict[bool, dict[str, JsonSchema]] = {True: {}, False: {}}
    for cell in version.reader.cells:
        members[cell.required][cell.column.name] = shape(cell.json_schema)
    if any_columns:
        return lenient(members[True], members[False])
    return closed(members[True], members[False] | {name: {} for name in version.reader.others})


def _or_in_list(cell: JsonSchema) -> JsonSchema:
    return any_of(cell, array(cell, 1, 1))


def _rows_or_columns(
    reader: RowReader,
    value: Any,
    pointer: str,
    body: bytes,
    *,
    any_columns: bool = False,
    **place: int,
) -> Array:
    """Read rows as `_rows` does, columns `{"x1": [1.0, …], …}`, or one row of values."""
    if not isinstance(value, dict):
        return _rows(reader, value, pointer, body, any_columns=any_columns, **place)
    order = reader.column_order(list(value), value.keys() if any_columns else reader.others)
    if not value:
        raise wrong(reader, pointer, "must have at least one column")
    names = [name for name in value if reader.is_feature(name)]
    columns = list(value.values())
    if names and not any(isinstance(value[name], list) for name in names):
        return reader.matrix([{name: value[name] for name in names}], pointer, body)
    for name in names:
        column = value[name]
        if not isinstance(column, list) or not column or len(column) != len(value[names[0]]):
            detail = (
                f"must be a list of {reader.values}, as long as the others, got {shown(column)}"
            )
            raise wrong(reader, f"{pointer}/{escape(name)}", detail)
    absent = [None] * len(value[names[0]])
    ordered = [absent if index is None else map(_unwrap, columns[index]) for index in order]
    X = reader.table(map(list, zip(*ordered, strict=True)), pointer)
    reader.check_names(body, [value[name] for name in names], 1 + len(value))
    return X


def _rows_or_columns_shape(
    version: LoadedVersion | None, *, any_columns: bool = False
) -> JsonSchema:
    if version is None:
        return any_of(_rows_shape(None), by_name(None, _column(CELL)), by_name(None, CELL))
    rows, cells = _rows_shape(version, any_columns=any_columns), version.reader.cells
    examples = [*rows.pop("examples"), {cell.column.name: [cell.example] for cell in cells}]
    columns = _object(version, _column, any_columns=any_columns)
    columns |= {"description": "lists of the same length"}
    one_row = _object(version, lambda cell: cell, any_columns=any_columns)
    return any_of(rows, columns, one_row) | {"examples": examples}


def _column(cell: JsonSchema) -> JsonSchema:
    return array(_or_in_list(cell), 1)


def _split(reader: RowReader, value: Any, pointer: str, body: bytes) -> Array:
    """Read `{"columns": […], "data": [[…], …]}`; ignore `index`, and columns of other names."""
    columns, data = (
        value.get(key) if isinstance(value, dict) else None for key in ("columns", "data")
    )
    if not isinstance(columns, list) or not isinstance(data, list) or not data:
        raise wrong(reader, pointer, "must have `columns`, and `data` with at least one row")
    for index, name in enumerate(columns):
        if not isinstance(name, str):
            detail = f"must be a name, got {shown(name)}"
            raise wrong(reader, f"{pointer}/columns/{index}", detail)
    order = reader.column_order(columns, frozenset(columns))
    for index, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(columns):
            detail = f"must be a list of {len(columns)} {reader.values}, got {shown(row)}"
            raise wrong(reader, f"{pointer}/data/{index}", detail)
    rows = ([None if index is None else row[index] for index in order] for row in data)
    X = reader.table(rows, f"{pointer}/data")
    reader.check_names(body, data, 1 + len(value))
    return X


def _split_shape(version: LoadedVersion | None) -> JsonSchema:
    if version is None:
        return lenient({"columns": array(TEXT, 1), "data": array(array(CELL, 1), 1)})
    example = version.reader.example
    columns = array(one_of(tuple(example)), len(example), len(example)) | {"uniqueItems": True}
    if not version.reader.only_numbers:  # values in another order would have other types
        columns = {"const": list(example), "description": "in any order, and the data accordingly"}
    made = any_of(
        lenient({"columns": columns, "data": array(ref("Values"), 1)}), _wider_split_shape(version)
    )
    return made | {"examples": [{"columns": list(example), "data": [list(example.values())]}]}


def _wider_split_shape(version: LoadedVersion) -> JsonSchema:
    """Return the schema of a table with further columns, which are ignored, in any place."""
    cells = version.reader.cells
    more = {"type": "array", "minItems": len(cells) + 1}
    columns = {**more, "prefixItems": [same(cell.column.name) for cell in cells], "items": TEXT}
    row = {**more, "prefixItems": [cell.json_schema for cell in cells]}
    return lenient({"columns": columns, "data": array(row, 1)})


def _unwrap(cell: Any) -> Any:
    return cell[0] if isinstance(cell, list) and len(cell) == 1 else cell


ROWS = Layout(_rows, _rows_shape)
ROWS_OR_COLUMNS = Layout(_rows_or_columns, _rows_or_columns_shape)
ROWS_OF_ANY_COLUMNS = Layout(
    partial(_rows, any_columns=True), partial(_rows_shape, any_columns=True)
)
ROWS_OR_ANY_COLUMNS = Layout(
    partial(_rows_or_columns, any_columns=True), partial(_rows_or_columns_shape, any_columns=True)
)
SPLIT = Layout(_split, _split_shape)
