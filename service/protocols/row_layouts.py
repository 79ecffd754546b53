"""The forms in which other servers' clients send many rows as JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from network import Array
from service.model.loaded_version import LoadedVersion
from service.model.row_reader import RowReader
from service.openapi.contract import JsonSchema, ref
from service.openapi.json_schema import (
    NUMBER,
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
class Form:
    """A member of a body that holds rows.

    Attributes
    ----------
    read : makes the matrix (N, features) of it; takes where it stands in the body, and the body.
        Raises InvalidInput
    shape : what the document says of it for a version's features, with examples; for those of any
        version where it is None
    """

    read: Callable[[RowReader, Any, str, bytes], Array]
    shape: Callable[[LoadedVersion | None], JsonSchema]


def read(
    rows: RowReader, document: object, forms: Mapping[str, Form], body: bytes
) -> tuple[str, Array]:
    """Which of the forms it is that a body has, and its matrix (N, features).

    Raises
    ------
    InvalidInput
    """
    if not isinstance(document, dict):
        raise wrong(rows, "", f"must be an object, got {shown(document)}")
    if len(document) != 1 or not document.keys() <= forms.keys():
        names = ", ".join(map(shown, document)) or "nothing"
        raise wrong(rows, "", f"must have one of {', '.join(forms)}; got {names}")
    [(form, value)] = document.items()
    return form, forms[form].read(rows, value, f"/{form}", body)


def body_schema(
    version: LoadedVersion | None, forms: Mapping[str, Form], beside: Mapping[str, JsonSchema]
) -> JsonSchema:
    """What the document says of a body that has one of the forms.

    Parameters
    ----------
    beside : members that it may have as well
    """
    shapes = {name: form.shape(version) for name, form in forms.items()}
    examples = [{name: each} for name in shapes for each in shapes[name].pop("examples", [])]
    made = any_of(*[closed({name: shape}, beside) for name, shape in shapes.items()])
    return {**made, "examples": examples} if examples else made


def wrong(rows: RowReader, pointer: str, detail: str) -> InvalidInput:
    """The error for one thing that is wrong."""
    return rows.invalid([{"pointer": pointer, "detail": detail}])


def _rows(rows: RowReader, value: Any, pointer: str, body: bytes) -> Array:
    """A list of rows, which are objects or lists."""
    if not isinstance(value, list) or not value:
        raise wrong(rows, pointer, f"must be a list of at least one row, got {shown(value)}")
    return rows.matrix(value, pointer, body)


def _rows_shape(version: LoadedVersion | None) -> JsonSchema:
    if version is None:
        return array(any_of(by_name(None, NUMBER), array(NUMBER, 1)), 1)
    example = version.reader.example
    return array(ref("AnyRow"), 1) | {"examples": [[example], [list(example.values())]]}


def _rows_or_columns(rows: RowReader, value: Any, pointer: str, body: bytes) -> Array:
    """The same, or `{"x1": [1.0, …], …}`, each number maybe a list of one."""
    if not isinstance(value, dict):
        return _rows(rows, value, pointer, body)
    order = rows.column_order(list(value))
    columns = list(value.values())
    for name, column in value.items():
        if not isinstance(column, list) or not column or len(column) != len(columns[0]):
            detail = f"must be a list of numbers, as long as the others, got {shown(column)}"
            raise wrong(rows, f"{pointer}/{escape(name)}", detail)
    flat = [[_only(cell) for cell in column] for column in columns]
    table = [list(row) for row in zip(*(flat[column] for column in order), strict=True)]
    return rows.matrix(table, pointer, body)


def _rows_or_columns_shape(version: LoadedVersion | None) -> JsonSchema:
    column = array(any_of(NUMBER, array(NUMBER, 1, 1)), 1)
    if version is None:
        return any_of(_rows_shape(None), by_name(None, column))
    rows, example = _rows_shape(version), version.reader.example
    examples = [*rows.pop("examples"), {name: [value] for name, value in example.items()}]
    columns = by_name(example, column) | {"description": "lists of the same length"}
    return any_of(rows, columns) | {"examples": examples}


def _split(rows: RowReader, value: Any, pointer: str, body: bytes) -> Array:
    """`{"columns": […], "data": [[…], …]}`; `index` means nothing here."""
    columns, data = (
        value.get(key) if isinstance(value, dict) else None for key in ("columns", "data")
    )
    if not isinstance(columns, list) or not isinstance(data, list) or not data:
        raise wrong(rows, pointer, "must have `columns`, and `data` with at least one row")
    for index, name in enumerate(columns):
        if not isinstance(name, str):
            detail = f"must be a name, got {shown(name)}"
            raise wrong(rows, f"{pointer}/columns/{index}", detail)
    order = rows.column_order(columns)
    for index, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(columns):
            detail = f"must be a list of {len(columns)} numbers, got {shown(row)}"
            raise wrong(rows, f"{pointer}/data/{index}", detail)
    table = [[row[column] for column in order] for row in data]
    return rows.matrix(table, f"{pointer}/data", body)


def _split_shape(version: LoadedVersion | None) -> JsonSchema:
    if version is None:
        return lenient({"columns": array(TEXT, 1), "data": array(array(NUMBER, 1), 1)})
    example = version.reader.example
    columns = array(one_of(tuple(example)), len(example), len(example)) | {"uniqueItems": True}
    made = lenient({"columns": columns, "data": array(ref("Values"), 1)})
    return made | {"examples": [{"columns": list(example), "data": [list(example.values())]}]}


def _only(cell: Any) -> Any:
    return cell[0] if isinstance(cell, list) and len(cell) == 1 else cell


ROWS = Form(_rows, _rows_shape)
ROWS_OR_COLUMNS = Form(_rows_or_columns, _rows_or_columns_shape)
SPLIT = Form(_split, _split_shape)
