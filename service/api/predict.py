"""`POST /predict`."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from flask import Blueprint, Response, request

from service.api.predict_schemas import schemas
from service.formats import csv_rows, json_rows, npy_rows
from service.formats.charset import read_table_body
from service.formats.response_headers import response_headers
from service.formats.table_columns import TableColumns
from service.model import options
from service.model.options import Options
from service.model.prediction import Prediction, choose_version, predict_row, predict_rows
from service.model.rows.blocks import parse_rows
from service.openapi.contract import BodySpec, JsonSchema, ResponseSpec, operation, ref
from service.services import services
from service.telemetry.request_context import RequestContext
from service.web.bodies import JSON, check_type, json_body
from service.web.model_header import refuse_model_header
from service.web.responses import response_in_parts

blueprint = Blueprint("predict", __name__)

TABLES = {csv_rows.MEDIA_TYPE: csv_rows, npy_rows.MEDIA_TYPE: npy_rows}

_BINARY: Mapping[str, JsonSchema] = {
    kind: {"type": "string", "minLength": 1, "contentMediaType": kind} for kind in TABLES
}
_TABLE_HEADERS = {
    "X-Model-Version": "of CSV and NumPy responses: the version",
    "X-Extrapolating-Rows": "of CSV and NumPy responses: the number of rows with a value out of "
    "range",
    "X-Unseen-Rows": "of CSV and NumPy responses: the number of rows with a category that training "
    "had not, if there are any",
    "X-Unfamiliar-Rows": "of CSV and NumPy responses: the number of rows unlike all training rows, "
    "if the version can tell",
}
_INTERVAL = {
    **ref("Level"),
    "description": "the probability with which the true value lies in the prediction interval; "
    "without it the response has no intervals",
}

_EXPLAIN = {
    "type": "boolean",
    "description": "whether the response explains the predictions: `sensitivities` are their "
    "derivatives with respect to each feature, and `contributions` of the features add up to the "
    "difference from `baseline`, the prediction for an average row",
}

_VERSION = {
    "type": "string",
    "pattern": "^[1-9][0-9]{0,8}$",
    "description": "the version to predict with; by default the current one",
}

_parse = partial(parse_rows, members={"instances"})


@blueprint.post("/predict")
@blueprint.post("/models/<model:name>/predict")
@operation(
    {
        200: ResponseSpec(
            "The predictions, and the version that made them.",
            ref("PredictResponse"),
            others=_BINARY,
            headers=_TABLE_HEADERS,
        )
    },
    "invalid-input",
    "no-intervals",
    "no-model",
    "not-found",
    "version-refused",
    query={
        options.INTERVAL: _INTERVAL,
        options.EXPLAIN: _EXPLAIN,
        options.VERSION: _VERSION,
    },
    body=BodySpec({JSON: ref("PredictBody"), **_BINARY}),
    schemas=schemas,
)
def predict(name: str | None = None) -> Response:
    """Predict the targets of one row, `{"x1": 0.1, …}`, or of many, `{"instances": [row, …]}`.

    Many rows can also be sent, and returned, as CSV with a header or as a NumPy array (.npy). With
    `?interval=0.9` the true value lies between `lower` and `upper` with a probability of 0.9.
    `extrapolating` lists the values outside the range seen in training, and `unseen`, if there are
    any, the categories that training had not. `unfamiliar` says whether a row, or which of many, is
    unlike all training rows. `?explain=true` adds what each feature contributes. `?version=3`
    predicts with that version, whichever is current.
    """
    context = RequestContext.from_environ(request.environ)
    media_type = check_type(JSON, *TABLES)
    document, body = (
        json_body(_parse) if media_type == JSON else (None, read_table_body(media_type))
    )
    model = services().models.find(name)
    refuse_model_header(model.name, "POST /models/NAME/predict chooses a model")
    version = choose_version(model, context, request.args.get(options.VERSION))
    reader = version.reader
    wanted = options.from_query(version, request.args)
    asked = {"explain": wanted.explain, "scale": wanted.interval is not None}
    accepted = request.accept_mimetypes.best_match([JSON, *TABLES], default=JSON)
    if media_type != JSON:
        X = TABLES[media_type].read(reader, body)
    elif not isinstance(document, dict):
        raise reader.refusals.not_an_object(document)
    elif reader.has_many_rows(document):
        X = reader.rows(document, body)
    else:
        values = reader.row(document, body)
        if accepted == JSON:
            prediction = predict_row(version, values, context, **asked)
            row = json_rows.one_row(version, prediction, wanted.interval)
            return Response(row, content_type=JSON)
        X = np.array([values])
    return _respond(predict_rows(version, X, context, **asked), wanted, accepted)


def _respond(prediction: Prediction, wanted: Options, media_type: str) -> Response:
    rows, interval = len(prediction.Y), wanted.interval
    if media_type == JSON:
        return response_in_parts(json_rows.many_rows(prediction, interval), rows, JSON)
    parts = TABLES[media_type].write(prediction, TableColumns(prediction, interval))
    return response_in_parts(parts, rows, media_type, response_headers(prediction))
