"""The marshmallow schemas of rows, which decide what is valid and name every wrong cell."""

import math
from collections.abc import Sequence, Set
from itertools import islice
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields

from service.model.rows.cells.cell import Cell
from service.web.errors import MAX_ERRORS
from service.web.field_errors import Error, flatten, shown


class Instances(fields.Field[list[Any]]):
    """A list of at least one row."""

    json_schema: dict[str, Any] = {
        "type": "array",
        "minItems": 1,
        "items": {"$ref": "#/components/schemas/AnyRow"},
    }
    default_error_messages = {
        "null": "must be a list of rows, got null",
        "invalid": "must be a list of rows, got {input}",
        "empty": "must have at least one row",
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid", input=shown(value))
        if not value:
            raise self.make_error("empty")
        return value


class Envelope(Schema):
    """`{"instances": [row, …]}`."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "is unknown; expected `instances` alone"}

    instances = Instances(required=True)


class RowSchema:
    """The schema of one row, an object or a list.

    Attributes
    ----------
    of_objects : marshmallow's schema

    Parameters
    ----------
    cells : of the features, in the model's order
    values : what a cell is called in messages
    ignored : names that objects may have besides the features
    """

    def __init__(self, cells: Sequence[Cell], values: str, ignored: Set[str] = frozenset()) -> None:
        self._ignored = ignored
        self._names = [cell.column.name for cell in cells]
        self._value = values
        # Attribute names of our own: a feature may be called like a method of Schema.
        self.of_objects = Schema.from_dict(
            {f"feature_{index}": cell for index, cell in enumerate(cells)}
        )(unknown=RAISE)
        self.of_objects.error_messages = {
            **self.of_objects.error_messages,
            "unknown": f"is not a feature; expected {', '.join(self._names)}",
        }

    def check(self, row: Any, pointer: str) -> tuple[list[float], list[Error]]:
        """Return a row's values in the model's order, and the errors in it."""
        names = self._names
        if type(row) is list:
            if len(row) != len(names):
                detail = f"has {len(row)} values; expected {len(names)}: {', '.join(names)}"
                return [], [{"pointer": pointer, "detail": detail}]
            data = dict(zip(names, row, strict=True))
            pointers = {name: f"{pointer}/{index}" for index, name in enumerate(names)}
        elif type(row) is dict:
            data, pointers = self._without_ignored(row), {}
        else:
            expected = f"an object or a list, with one {self._value} per feature"
            return [], [{"pointer": pointer, "detail": f"must be {expected}; got {shown(row)}"}]
        try:
            loaded = self.of_objects.load(data)
        except ValidationError as error:
            return [], list(flatten(error, pointer, pointers))
        values = [loaded.get(f"feature_{index}") for index in range(len(names))]
        return [math.nan if value is None else value for value in values], []

    def _without_ignored(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row without ignored names, and with no more unknown ones than are reported."""
        if self._ignored.isdisjoint(row) and len(row) <= len(self._names) + MAX_ERRORS:
            return row
        known = {name: row[name] for name in self._names if name in row}
        others = (
            item for item in row.items() if item[0] not in known and item[0] not in self._ignored
        )
        return known | dict(islice(others, MAX_ERRORS))
