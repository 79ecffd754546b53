"""Validates rows in a request against the features of a model.

marshmallow's schema decides what is valid. A matrix of many rows is checked at once; if that finds
something wrong, the schema checks row by row and names every wrong cell.
"""

import struct
from itertools import chain
from typing import Any

import numpy as np
import orjson
from marshmallow import RAISE, Schema, ValidationError, fields

from network import Array, Model
from service.model.repeated_names import may_repeat_names, repeated_names
from service.web.errors import MAX_ERRORS, InvalidInput, PredictionNotFinite
from service.web.field_errors import Error, flatten, shown
from service.web.fields import NUMBERS, FiniteNumber


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


_ENVELOPE = Envelope()  # costly to create


class RowReader:
    """Reads the rows in the bodies of prediction requests for one model.

    Attributes
    ----------
    example : a valid row: zeros, or the values nearest to 0 in the features' ranges
    row_schema : validates one row
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        least, greatest = model.feature_range
        self.example = dict(
            zip(model.features, np.clip(0.0, least, greatest).tolist(), strict=True)
        )
        self._ranges = list(zip(model.features, least.tolist(), greatest.tolist(), strict=True))
        self._names = frozenset(model.features)
        # Attribute names of our own: a feature may be called like a method of Schema.
        self.row_schema = Schema.from_dict(
            {
                f"feature_{index}": FiniteNumber(
                    required=True, data_key=name, metadata=_range_metadata(least, greatest)
                )
                for index, (name, least, greatest) in enumerate(self._ranges)
            }
        )(unknown=RAISE)
        self.row_schema.error_messages = {
            **self.row_schema.error_messages,
            "unknown": f"is not a feature; expected {', '.join(model.features)}",
        }
        self._colons_per_row = sum(1 + name.count(":") for name in model.features)

    def plain_row(self, body: bytes) -> list[float] | None:
        """Return the values of a one-row body, in the model's order, if it is obviously valid.

        The schema accepts every row that this method accepts, with the same values. None means only
        that the schema has to decide.
        """
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        if (
            type(document) is not dict
            or len(document) != len(self._names)
            or may_repeat_names(body, self._colons_per_row)
        ):
            return None
        values = []
        for name in self.model.features:
            value = document.get(name)
            if type(value) is not float:
                if type(value) is not int:
                    return None
                value = float(value)
            values.append(value)
        return values  # finite, because orjson rejects NaN and infinity

    def out_of_range(self, values: list[float]) -> list[str]:
        """Return the features whose values are outside the range seen in training."""
        return [
            name
            for (name, least, greatest), value in zip(self._ranges, values, strict=True)
            if not least <= value <= greatest
        ]

    def has_many_rows(self, document: dict[str, Any]) -> bool:
        """Return whether a body contains many rows; a feature may be called `instances`, too."""
        return "instances" in document and (
            "instances" not in self._names or type(document["instances"]) is list
        )

    def row(self, document: Any, body: bytes) -> list[float]:
        """Return the values of a one-row body, in the model's order.

        Raises
        ------
        InvalidInput
        """
        values, errors = self.check_row(document, "")
        errors = errors or self._repetitions(body, self._colons_per_row)
        if errors:
            raise self.invalid(errors)
        return values

    def rows(self, document: dict[str, Any], body: bytes) -> Array:
        """Return the matrix (N, features) of a body with many rows, objects or lists.

        Raises
        ------
        InvalidInput
        """
        try:
            instances = _ENVELOPE.load(document)["instances"]
        except ValidationError as error:
            raise self.invalid(list(flatten(error, ""))) from None
        return self.matrix(instances, "/instances", body)

    def matrix(self, instances: list[Any], pointer: str, body: bytes) -> Array:
        """Return the matrix (N, features) of rows that are objects or lists.

        Parameters
        ----------
        pointer : to the rows in the body

        Raises
        ------
        InvalidInput
        """
        X = self._check_all(instances)
        if X is None:
            errors: list[Error] = []
            for index, instance in enumerate(instances):
                errors += self.check_row(instance, f"{pointer}/{index}")[1]
                if len(errors) >= MAX_ERRORS:
                    break
            raise self.invalid(errors)
        objects = list(map(type, instances)).count(dict)
        if errors := self._repetitions(body, 1 + objects * self._colons_per_row):
            raise self.invalid(errors)
        return X

    def column_order(self, columns: list[str]) -> list[int]:
        """Return each feature's index among a table's columns, which name each feature once.

        Raises
        ------
        InvalidInput
        """
        features = self.model.features
        details = [f"column {shown(name)} is missing" for name in features if name not in columns]
        details += [
            f"column {shown(name)} is not a feature; expected {', '.join(features)}"
            for name in dict.fromkeys(columns)
            if name not in self._names
        ]
        details += [
            f"column {shown(name)} appears twice" for name in features if columns.count(name) > 1
        ]
        if details:
            raise self.invalid([{"pointer": "", "detail": detail} for detail in details])
        return [columns.index(name) for name in features]

    def check_row(self, row: Any, pointer: str) -> tuple[list[float], list[Error]]:
        """Return a row's values in the model's order, and the errors in it."""
        if type(row) is list:
            names = self.model.features
            if len(row) != len(names):
                detail = f"has {len(row)} values; expected {len(names)}: {', '.join(names)}"
                return [], [{"pointer": pointer, "detail": detail}]
            data = dict(zip(names, row, strict=True))
            pointers = {name: f"{pointer}/{index}" for index, name in enumerate(names)}
        elif type(row) is dict:
            data, pointers = row, {}
        else:
            detail = f"must be an object or a list, with one number per feature; got {shown(row)}"
            return [], [{"pointer": pointer, "detail": detail}]
        try:
            loaded = self.row_schema.load(data)
        except ValidationError as error:
            return [], list(flatten(error, pointer, pointers))
        return [loaded[f"feature_{index}"] for index in range(len(self.model.features))], []

    def invalid(self, errors: list[Error]) -> InvalidInput:
        """Return the exception for wrong values, with the first of these errors."""
        return InvalidInput(errors[:MAX_ERRORS], self.example, complete=len(errors) < MAX_ERRORS)

    def not_an_object(self, document: Any) -> InvalidInput:
        """Return the exception for a JSON body that is not an object."""
        detail = f"must be an object: one row, or `instances` with many; got {shown(document)}"
        return self.invalid([{"pointer": "", "detail": detail}])

    def unknown_parameters(self, names: list[str]) -> InvalidInput:
        """Return the exception for unknown query parameters."""
        detail = "is not a query parameter"
        return self.invalid([{"parameter": name, "detail": detail} for name in names])

    def wrong_parameter(self, name: str, detail: str) -> InvalidInput:
        """Return the exception for a query parameter with a wrong value."""
        return self.invalid([{"parameter": name, "detail": detail}])

    def not_finite(self, rows: list[int], many: bool) -> PredictionNotFinite:
        """Return the exception for rows whose predictions overflow."""
        detail = "is too far outside the range seen in training: the prediction is not finite"
        errors = [
            {"pointer": f"/instances/{row}" if many else "", "detail": detail} for row in rows
        ]
        return PredictionNotFinite(rows, errors, self.example)

    def _check_all(self, instances: list[Any]) -> Array | None:
        """Return the matrix of all rows, or None if any row is wrong."""
        features = self.model.features
        width = len(features)
        rows = instances
        if set(map(type, instances)) != {list}:
            rows = [
                [each[name] for name in features]
                if type(each) is dict and each.keys() == self._names
                else each
                for each in instances
            ]
            if set(map(type, rows)) != {list}:
                return None
        if set(map(len, rows)) != {width}:
            return None
        values = list(chain.from_iterable(rows))
        if not set(map(type, values)) <= NUMBERS:
            return None
        try:  # the fastest way from numbers to an array
            X = np.frombuffer(struct.pack(f"{len(values)}d", *values)).reshape(-1, width)
        except OverflowError:
            return None
        return X if np.isfinite(X).all() else None

    def _repetitions(self, body: bytes, colons: int) -> list[Error]:
        """Return the errors for names that one object repeats."""
        if not may_repeat_names(body, colons):
            return []
        names = repeated_names(body)
        if names is None:  # no valid row is deep, so the excess is below a repeated name
            return [{"pointer": "", "detail": "is nested too deeply"}]
        details = [f"{shown(name)} appears twice in one object" for name in names]
        return [{"pointer": "", "detail": detail} for detail in details]


def _range_metadata(least: float, greatest: float) -> dict[str, Any]:
    return {
        "description": f"seen in training: {least:g} to {greatest:g}",
        "examples": [least, greatest],
    }
