"""The schemas of prediction requests and responses, with the names of a version's features."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from service.model.loaded_version import LoadedVersion
from service.model.prediction_interval import Level
from service.model.rows.schema import Envelope
from service.openapi.contract import JsonSchema, JsonSchemaField, ref
from service.openapi.json_schema import CELL, NUMBER, TEXT, array, by_name, closed, one_of, row_of

_LEVEL = {"type": "number", "description": "of the interval from lower to upper"}
_EXTRAPOLATING = "values outside the range seen in training"
_UNSEEN = "categories that training had not; absent if there are none"
_UNFAMILIAR = "unlike all training rows, even if each value is inside its range; absent if the "
_UNFAMILIAR += "version cannot tell"
_ROW_AND_FEATURE = {
    "type": "array",
    "description": "the index of a row, from 0, and a feature",
    "prefixItems": [{"type": "integer"}, ref("Feature")],
    "minItems": 2,
    "maxItems": 2,
}


_IGNORED = {"description": "of the training table, but no feature: ignored"}
_BASELINE = "the prediction for an average row"
_CONTRIBUTIONS = "of each feature; they add up to the difference between prediction and baseline"
_SENSITIVITIES = "the derivative with respect to each feature; null if it is not defined"


def _explained(name: str, description: str) -> JsonSchema:
    return {**ref(name), "description": description}


class OneRowResponse(Schema):
    """The response to one row."""

    prediction = JsonSchemaField(ref("Prediction"), required=True)
    lower = JsonSchemaField(ref("Prediction"))
    upper = JsonSchemaField(ref("Prediction"))
    level = JsonSchemaField(_LEVEL)
    baseline = JsonSchemaField(_explained("Prediction", _BASELINE))
    contributions = JsonSchemaField(_explained("Explanation", _CONTRIBUTIONS))
    sensitivities = JsonSchemaField(_explained("Explanation", _SENSITIVITIES))
    version = fields.String(required=True)
    extrapolating = fields.List(
        JsonSchemaField(ref("Feature")), required=True, metadata={"description": _EXTRAPOLATING}
    )
    unseen = fields.List(JsonSchemaField(ref("Feature")), metadata={"description": _UNSEEN})
    unfamiliar = fields.Boolean(metadata={"description": f"whether the row is {_UNFAMILIAR}"})


class ManyRowsResponse(Schema):
    """The response to many rows."""

    predictions = fields.List(JsonSchemaField(ref("Prediction")), required=True)
    lower = fields.List(JsonSchemaField(ref("Prediction")))
    upper = fields.List(JsonSchemaField(ref("Prediction")))
    level = JsonSchemaField(_LEVEL)
    baseline = JsonSchemaField(_explained("Prediction", _BASELINE))
    contributions = fields.List(JsonSchemaField(_explained("Explanation", _CONTRIBUTIONS)))
    sensitivities = fields.List(JsonSchemaField(_explained("Explanation", _SENSITIVITIES)))
    version = fields.String(required=True)
    extrapolating = fields.List(
        JsonSchemaField(_ROW_AND_FEATURE), required=True, metadata={"description": _EXTRAPOLATING}
    )
    unseen = fields.List(JsonSchemaField(_ROW_AND_FEATURE), metadata={"description": _UNSEEN})
    unfamiliar = fields.List(
        fields.Integer(), metadata={"description": f"the rows, from 0, that are {_UNFAMILIAR}"}
    )


def schemas(version: LoadedVersion | None) -> Mapping[str, Schema | JsonSchema]:
    """Return the named schemas for a version; for rows of any features if it is None."""
    example = {} if version is None else {"example": version.reader.example}
    return {
        **(_of_any_version() if version is None else _of_version(version)),
        "AnyRow": {"anyOf": [ref("Row"), ref("Values")]},
        "Rows": Envelope(),
        "PredictBody": {"anyOf": [ref("Row"), ref("Rows")], **example},
        "PredictResponse": {"anyOf": [ref("OneRowResponse"), ref("ManyRowsResponse")]},
        "OneRowResponse": OneRowResponse(),
        "ManyRowsResponse": ManyRowsResponse(),
    }


def _of_any_version() -> Mapping[str, Schema | JsonSchema]:
    return {
        "Row": by_name(None, CELL),
        "Values": array(CELL, 1),
        "Prediction": {"type": ["number", "object"]},
        "Explanation": {"type": "object"},
        "Feature": TEXT,
        "Level": Level().json_schema,
    }


def _of_version(version: LoadedVersion) -> Mapping[str, Schema | JsonSchema]:
    features, targets = version.model.features, version.model.targets
    order = {"description": f"in the order {', '.join(features)}"}
    prediction: dict[str, Any] = {"type": "number", "description": targets[0]}
    if len(targets) > 1:
        prediction = by_name(targets, {"type": "number"})
    values = row_of(*(cell.json_schema for cell in version.reader.cells))
    if version.reader.only_numbers:  # without `prefixItems`, which many clients do not support
        values = array(NUMBER, len(features), len(features))
    explanation = by_name(features, {"type": ["number", "null"]})
    if len(targets) > 1:
        explanation = by_name(targets, explanation)
    level = dict(Level().json_schema)
    if version.calibration is not None:
        level["maximum"] = version.calibration.highest_level
    return {
        "Row": _row(version),
        "Values": values | order,
        "Prediction": prediction,
        "Explanation": explanation,
        "Feature": one_of(features),
        "Level": level,
    }


def _row(version: LoadedVersion) -> JsonSchema:
    """Return the schema of a row with names."""
    cells = {cell.column.name: cell for cell in version.reader.cells}
    ignored = dict.fromkeys(sorted(version.reader.others), _IGNORED)
    row = closed({name: cell.json_schema for name, cell in cells.items()}, ignored)
    return {**row, "required": sorted(name for name, cell in cells.items() if cell.required)}
