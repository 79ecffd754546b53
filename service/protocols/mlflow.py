"""`/invocations`, `/ping`, `/health` and `/version` of MLflow's scoring server and SageMaker.

Sources: MLflow, "MLflow Model Serving" (endpoints, input formats, errors); Amazon SageMaker,
"Custom Inference Code with Hosting Services" (`/ping`, `/invocations`, CSV without a header).
"""

from functools import partial

from flask import Blueprint, Response, request

from config import VERSION
from service.formats import csv_rows, json_rows, npy_rows
from service.formats.charset import read_table_body
from service.formats.response_headers import response_headers
from service.model.loaded_version import LoadedVersion
from service.model.prediction import choose_version, predict_rows
from service.model.rows.blocks import parse_rows
from service.openapi.contract import BodySpec, JsonSchema, ResponseSpec, operation, ref
from service.openapi.json_schema import TEXT, array, closed
from service.protocols import json_lines, row_layouts
from service.protocols.error_formats import MLFLOW
from service.protocols.model_address import NAME
from service.services import services
from service.telemetry.request_context import RequestContext
from service.web.bodies import JSON, check_type, json_body
from service.web.responses import response_in_parts
from service.web.tokens.scopes import MODEL_HEADER

blueprint = Blueprint("invocations", __name__)

_FILES = {
    kind: {"type": "string", "minLength": 1, "contentMediaType": kind}
    for kind in (csv_rows.MEDIA_TYPE, npy_rows.MEDIA_TYPE, *json_lines.MEDIA_TYPES)
}

LAYOUTS = {
    "dataframe_split": row_layouts.SPLIT,
    "dataframe_records": row_layouts.ROWS_OF_ANY_COLUMNS,
    "instances": row_layouts.ROWS_OF_ANY_COLUMNS,
    "inputs": row_layouts.ROWS_OR_ANY_COLUMNS,
}
NO_PARAMETERS: tuple[dict[str, object] | None, ...] = ({}, None)


_parse = partial(parse_rows, members={"dataframe_records", "instances", "inputs"})


def _body(version: LoadedVersion | None) -> JsonSchema:
    return row_layouts.body_schema(version, LAYOUTS, {"params": {"enum": list(NO_PARAMETERS)}})


@blueprint.get("/ping")
@blueprint.get("/health")
@operation({200: ResponseSpec("A verified version is loaded.")}, "no-model", dialect=MLFLOW)
def ping() -> Response:
    """Report whether a verified version is loaded: 200 without a body, or 503."""
    services().models.default.current_version.require()
    response = Response()
    del response.headers["Content-Type"]
    return response


@blueprint.get("/version")
@operation({200: ResponseSpec("The version.", TEXT, "text/plain")}, dialect=MLFLOW)
def version() -> Response:
    """Return the version of numnet."""
    return Response(VERSION, content_type="text/plain")


@blueprint.post("/invocations")
@operation(
    {
        200: ResponseSpec(
            "The predictions.",
            closed({"predictions": array(ref("Prediction"), 1)}),
            others={csv_rows.MEDIA_TYPE: _FILES[csv_rows.MEDIA_TYPE]},
            headers={
                "X-Model-Version": "the version",
                "X-Extrapolating-Rows": "the number of rows with a value out of range",
                "X-Unseen-Rows": "the number of rows with a category that training had not, if "
                "there are any",
            },
        )
    },
    "invalid-input",
    "no-model",
    "not-found",
    body=BodySpec({JSON: _body, **_FILES}),
    headers={MODEL_HEADER: {**NAME, "description": "the model, if it is not the default one"}},
    dialect=MLFLOW,
)
def invoke() -> Response:
    """Predict for many rows: MLflow's four JSON layouts, JSON Lines, CSV or .npy."""
    context = RequestContext.from_environ(request.environ)
    media_type = check_type(JSON, *_FILES)
    document, body = (
        json_body(_parse) if media_type == JSON else (None, read_table_body(media_type))
    )
    if media_type in json_lines.MEDIA_TYPES:
        media_type = JSON
        document = json_lines.as_instances(body)
    model = services().models.find(request.headers.get(MODEL_HEADER))
    version = choose_version(model, context)
    reader = version.reader
    if request.args:
        raise reader.refusals.unknown_parameters(list(request.args))
    if media_type == JSON:
        if isinstance(document, dict) and document.pop("params", None) not in NO_PARAMETERS:
            raise row_layouts.wrong(
                reader, "/params", "must be empty: this model has no parameters"
            )
        _, X = row_layouts.read(reader, document, LAYOUTS, body)
    elif media_type == npy_rows.MEDIA_TYPE:
        X = npy_rows.read(reader, body, any_columns=True)
    else:
        X = csv_rows.read(reader, csv_rows.with_header(reader, body), any_columns=True)
    prediction = predict_rows(version, X, context)
    wanted = request.accept_mimetypes.best_match([JSON, csv_rows.MEDIA_TYPE], default=JSON)
    parts = (
        json_rows.predictions_only(prediction)
        if wanted == JSON
        else csv_rows.write_predictions(prediction.Y)
    )
    return response_in_parts(parts, len(X), wanted, response_headers(prediction))
