"""`POST /predict`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from flask import Blueprint, Response, request
from marshmallow import Schema, fields

from service.formats import csv_rows, json_rows, npy_rows
from service.formats.response_headers import response_headers
from service.model import prediction_interval as intervals
from service.model.loaded_version import LoadedVersion
from service.model.prediction import Prediction, choose_version, predict_row, predict_rows
from service.model.row_reader import Envelope
from service.openapi.contract import (
    BodySpec,
    JsonSchema,
    JsonSchemaField,
    ResponseSpec,
    operation,
    ref,
)
from service.services import services
from service.telemetry.request_context import RequestContext
from service.web.bodies import JSON, check_type, json_body, read_body
from service.web.responses import response_in_parts

blueprint = Blueprint("predict", __name__)

# what can be sent, and answered
TABLES = {csv_rows.MEDIA_TYPE: csv_rows, npy_rows.MEDIA_TYPE: npy_rows}

_BINARY: Mapping[str, JsonSchema] = {
    kind: {"type": "string", "minLength": 1, "contentMediaType": kind} for kind in TABLES
}
_TABLE_HEADERS = {
    "X-Model-Version": "with CSV and NumPy: the version",
    "X-Extrapolating-Rows": "with CSV and NumPy: rows outside the ranges seen in training",
}
_ROW_AND_FEATURE = {
    "type": "array",
    "description": "a row, from 0, and a feature",
    "prefixItems": [{"type": "integer"}, ref("Feature")],
    "minItems": 2,
    "maxItems": 2,
}
_LEVEL = {"type": "number", "description": "of the interval from lower to upper"}


def schemas(version: LoadedVersion | None) -> Mapping[str, Schema | JsonSchema]:
    """Return the schemas of rows and predictions, with the names of features and targets."""
    row: Schema | JsonSchema
    level = dict(intervals.Level().json_schema)
    if version is not None and version.calibration is not None:
        level["maximum"] = version.calibration.highest_level
    if version is None:
        row = {"type": "object", "minProperties": 1, "additionalProperties": {"type": "number"}}
        values: JsonSchema = {"type": "array", "minItems": 1, "items": {"type": "number"}}
        prediction: JsonSchema = {"type": ["number", "object"]}
        feature: JsonSchema = {"type": "string"}
        example: dict[str, Any] = {}
    else:
        features, targets = version.model.features, version.model.targets
        row = version.reader.row_schema
        values = {
            "type": "array",
            "description": f"in the order {', '.join(features)}",
            "minItems": len(features),
            "maxItems": len(features),
            "items": {"type": "number", "format": "double"},
        }
        prediction = {"type": "number", "description": targets[0]}
        if len(targets) > 1:
            prediction = {
                "type": "object",
                "properties": {name: {"type": "number"} for name in targets},
                "required": list(targets),
                "additionalProperties": False,
            }
        feature = {"type": "string", "enum": list(features)}
        example = {"example": version.reader.example}
    return {
        "Row": row,
        "Values": values,
        "AnyRow": {"anyOf": [ref("Row"), ref("Values")]},
        "Rows": Envelope(),
        "PredictBody": {"anyOf": [ref("Row"), ref("Rows")], **example},
        "Prediction": prediction,
        "Feature": {**feature, "description": "whose value is outside the range seen in training"},
        "Predicted": {"anyOf": [ref("OnePredicted"), ref("ManyPredicted")]},
        "OnePredicted": OnePredicted(),
        "ManyPredicted": ManyPredicted(),
        "Level": level,
    }


class OnePredicted(Schema):
    """The answer for one row."""

    prediction = JsonSchemaField(ref("Prediction"), required=True)
    lower = JsonSchemaField(ref("Prediction"))
    upper = JsonSchemaField(ref("Prediction"))
    level = JsonSchemaField(_LEVEL)
    version = fields.String(required=True)
    extrapolating = fields.List(JsonSchemaField(ref("Feature")), required=True)


class ManyPredicted(Schema):
    """The answer for many rows."""

    predictions = fields.List(JsonSchemaField(ref("Prediction")), required=True)
    lower = fields.List(JsonSchemaField(ref("Prediction")))
    upper = fields.List(JsonSchemaField(ref("Prediction")))
    level = JsonSchemaField(_LEVEL)
    version = fields.String(required=True)
    extrapolating = fields.List(JsonSchemaField(_ROW_AND_FEATURE), required=True)


@blueprint.post("/predict")
@operation(
    {
        200: ResponseSpec(
            "The predictions, and the version that made them.",
            ref("Predicted"),
            others=_BINARY,
            headers=_TABLE_HEADERS,
        )
    },
    "invalid-input",
    "no-intervals",
    "no-model",
    query={
        intervals.PARAMETER: {
            **ref("Level"),
            "description": "a probability: answer intervals too that hold the truth with it",
        }
    },
    body=BodySpec({JSON: ref("PredictBody"), **_BINARY}),
    schemas=schemas,
)
def predict() -> Response:
    """Predict the target for one row, `{"x1": 0.1, …}`, or for many, `{"instances": [row, …]}`.

    Many rows may also be sent, and be answered, as CSV with a header or as a NumPy array. With
    `?interval=0.9` the interval from `lower` to `upper` holds the truth with a probability of 0.9.
    """
    context = RequestContext.from_environ(request.environ)
    media_type = check_type(JSON, *TABLES)
    document, body = json_body() if media_type == JSON else (None, read_body())
    version = choose_version(services().versions, context)
    rows = version.reader
    interval = intervals.asked_for(version, request.args)
    wanted = request.accept_mimetypes.best_match([JSON, *TABLES], default=JSON)
    if media_type != JSON:
        X = TABLES[media_type].read(rows, body)
    elif not isinstance(document, dict):
        raise rows.not_an_object(document)
    elif rows.has_many_rows(document):
        X = rows.rows(document, body)
    else:
        values = rows.row(document, body)
        if wanted == JSON:
            y, out_of_range = predict_row(version, values, context)
            row = json_rows.one_row(version, y, out_of_range, interval)
            return Response(row, content_type=JSON)
        X = np.array([values])
    return _many_rows(predict_rows(version, X, context), interval, wanted)


def _many_rows(
    prediction: Prediction, interval: intervals.Interval | None, media_type: str
) -> Response:
    Y, columns = prediction.Y, prediction.version.model.targets
    if media_type == JSON:
        return response_in_parts(json_rows.many_rows(prediction, interval), len(Y), JSON)
    if interval is not None:
        columns, Y = interval.columns(columns), interval.beside(Y)
    parts = TABLES[media_type].write(prediction, columns, Y)
    return response_in_parts(parts, len(Y), media_type, response_headers(prediction))
