"""What a request says, checked against a model's own features, as a matrix the model takes.

marshmallow has the word on what is valid. For many rows the matrix is built and checked at once;
where that fails, row by row through the schema, which names every wrong cell.
"""

import json
import struct
from itertools import chain
from typing import Any

import numpy as np
import orjson
from marshmallow import RAISE, Schema, ValidationError, fields

from network import Array, Model
from service.web.errors import MAX_ERRORS, InvalidInput
from service.web.fields import NUMBERS, Error, FiniteNumber, flatten, shown


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

    error_messages = {"unknown": "is unknown beside `instances`"}

    instances = Instances(required=True)


_ENVELOPE = Envelope()  # dear to make


class Inputs:
    """Reads the bodies of prediction requests for one model.

    Attributes
    ----------
    model : the model
    example : a row that would be taken: zeros, or what is nearest to them in the features' ranges
    row_schema : what a row has to be
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        least, greatest = model.feature_range
        self.example = dict(
            zip(model.features, np.clip(0.0, least, greatest).tolist(), strict=True)
        )
        self._ranges = list(zip(model.features, least.tolist(), greatest.tolist(), strict=True))
        self._names = frozenset(model.features)
        # Attribute names of their own: a feature may be called what a Schema's method is called.
        self.row_schema = Schema.from_dict(
            {
                f"feature_{index}": FiniteNumber(
                    required=True, data_key=name, metadata=_seen(least, greatest)
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
        """The values of a one-row body, in order, if it is valid at first sight; None says nothing.

        What is taken here the schema takes too, with the same values.
        """
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        if (
            type(document) is not dict
            or len(document) != len(self._names)
            or _may_repeat_names(body, self._colons_per_row)
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
        return values  # orjson lets no NaN or infinity through

    def outside(self, values: list[float]) -> list[str]:
        """The features whose value lies outside the range seen in training."""
        return [
            name
            for (name, least, greatest), value in zip(self._ranges, values, strict=True)
            if not least <= value <= greatest
        ]

    def are_many(self, document: dict[str, Any]) -> bool:
        """Whether a body holds many rows; `instances` may be a feature's name too."""
        return "instances" in document and (
            "instances" not in self._names or type(document["instances"]) is list
        )

    def row(self, document: Any, body: bytes) -> list[float]:
        """The values of a one-row body, in order.

        Raises
        ------
        InvalidInput
        """
        values, errors = self.load_row(document, "")
        errors = errors or self._duplicates(body, self._colons_per_row)
        if errors:
            raise self.invalid(errors)
        return values

    def rows(self, document: dict[str, Any], body: bytes) -> Array:
        """The matrix (N, features) of a body with many rows, as objects or as lists.

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
        """The matrix (N, features) of rows that are objects or lists.

        Parameters
        ----------
        pointer : where they stand in the body

        Raises
        ------
        InvalidInput
        """
        X = self._matrix(instances)
        if X is None:
            errors: list[Error] = []
            for index, instance in enumerate(instances):
                errors += self.load_row(instance, f"{pointer}/{index}")[1]
                if len(errors) >= MAX_ERRORS:
                    break
            raise self.invalid(errors)
        objects = list(map(type, instances)).count(dict)
        if errors := self._duplicates(body, 1 + objects * self._colons_per_row):
            raise self.invalid(errors)
        return X

    def order_among(self, columns: list[str]) -> list[int]:
        """Where each feature stands among a table's columns, which name each of them once.

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
            f"column {shown(name)} stands twice" for name in features if columns.count(name) > 1
        ]
        if details:
            raise self.invalid([{"pointer": "", "detail": detail} for detail in details])
        return [columns.index(name) for name in features]

    def invalid(self, errors: list[Error]) -> InvalidInput:
        """The error for values that are wrong, with the first of them."""
        return InvalidInput(errors[:MAX_ERRORS], self.example, complete=len(errors) < MAX_ERRORS)

    def not_an_object(self, document: Any) -> InvalidInput:
        """The error for a body that is JSON but no object."""
        detail = f"must be an object: one row, or `instances` with many; got {shown(document)}"
        return self.invalid([{"pointer": "", "detail": detail}])

    def unknown_parameters(self, names: list[str]) -> InvalidInput:
        """The error for query parameters that mean nothing here."""
        detail = "is not a query parameter"
        return self.invalid([{"parameter": name, "detail": detail} for name in names])

    def wrong_parameter(self, name: str, detail: str) -> InvalidInput:
        """The error for a query parameter with a wrong value."""
        return self.invalid([{"parameter": name, "detail": detail}])

    def not_finite(self, rows: list[int], many: bool) -> InvalidInput:
        """The error for rows whose prediction overflows."""
        detail = "is too far outside the range seen in training: the prediction is not finite"
        return self.invalid(
            [{"pointer": f"/instances/{row}" if many else "", "detail": detail} for row in rows]
        )

    def _matrix(self, instances: list[Any]) -> Array | None:
        """All rows at once; None where any of them is wrong."""
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

    def load_row(self, row: Any, pointer: str) -> tuple[list[float], list[Error]]:
        """A row's values in order, and what is wrong with it."""
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

    def _duplicates(self, body: bytes, colons: int) -> list[Error]:
        """Names that an object has twice. Only a body with unexpected colons is parsed for them."""
        if not _may_repeat_names(body, colons):
            return []
        errors: dict[str, Error] = {}

        def note(pairs: list[tuple[str, Any]]) -> None:
            seen = set()
            for name, _ in pairs:
                if name in seen:
                    errors[name] = {
                        "pointer": "",
                        "detail": f"{shown(name)} stands twice in one object",
                    }
                seen.add(name)

        try:
            json.loads(body, object_pairs_hook=note)
        except RecursionError:  # below a name that stands twice: no valid row is deep
            errors[""] = {"pointer": "", "detail": "is nested too deeply"}
        return list(errors.values())


def _seen(least: float, greatest: float) -> dict[str, Any]:
    return {
        "description": f"seen in training: {least:g} to {greatest:g}",
        "examples": [least, greatest],
    }


def _may_repeat_names(body: bytes, colons: int) -> bool:
    """Whether a valid body could have a name twice: its colons, plain or `\\u003a`, tell."""
    return body.count(b":") != colons or b"\\u003" in body
