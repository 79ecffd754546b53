"""`/v1`: TensorFlow Serving's REST API, for one model.

Source: TensorFlow, "RESTful API" of TensorFlow Serving.
"""

from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest
from werkzeug.routing import BaseConverter

from service.formats import json_rows
from service.model.current_version import Loaded
from service.model.prediction import note_rows
from service.openapi.contract import Answer, Body, JsonSchema, ref
from service.openapi.json_schema import FLAG, NUMBER, TEXT, any_of, array, by_name, closed, same
from service.protocols import error_formats, row_layouts
from service.protocols.error_formats import NAME, TF_SERVING, model_operation, version_of
from service.telemetry.request_context import RequestContext
from service.web.bodies import JSON, answer_in_parts, json_answer, parse, read_body
from service.web.errors import NotSupported
from service.web.fields import shown

blueprint = Blueprint("tf_serving", __name__, url_prefix="/v1")


class WordConverter(BaseConverter):
    """What stands before the colon of `numnet:predict`."""

    regex = "[^/:]+"


_HEADERS = {"X-Model-Version": "the version", "X-Extrapolating-Rows": "how many"}

SIGNATURE = "serving_default"
SIGNATURES = (SIGNATURE, "", None)
FORMS = {"instances": row_layouts.ROWS, "inputs": row_layouts.ROWS_OR_COLUMNS}


def _body(served: Loaded | None) -> JsonSchema:
    return row_layouts.body_of(served, FORMS, {"signature_name": {"enum": list(SIGNATURES)}})


def _predicted(served: Loaded | None) -> JsonSchema:
    column = array(NUMBER, 1)
    if served is None:
        prediction = any_of(NUMBER, by_name(None, NUMBER))
        columns = any_of(column, by_name(None, column))
    else:
        targets = served.inputs.model.targets
        prediction = ref("Prediction")
        columns = column if len(targets) == 1 else by_name(targets, column)
    return any_of(closed({"predictions": array(prediction, 1)}), closed({"outputs": columns}))


def _status() -> JsonSchema:
    state = closed({"error_code": same("OK"), "error_message": same("")})
    available = closed(
        {"version": error_formats.NUMBER, "state": same("AVAILABLE"), "status": state}
    )
    return closed({"model_version_status": array(available, 1, 1)})


def _signature(served: Loaded | None) -> JsonSchema:
    size = closed({"size": same("-1"), "name": same("")})
    shape = closed({"dim": array(size, 1, 1), "unknown_rank": FLAG})
    tensor = closed({"dtype": same("DT_DOUBLE"), "tensor_shape": shape, "name": TEXT})
    model = served and served.inputs.model
    signature = closed(
        {
            "inputs": by_name(model.features if model else None, tensor),
            "outputs": by_name(model.targets if model else None, tensor),
            "method_name": TEXT,
        }
    )
    spec = closed({"name": NAME, "signature_name": same(""), "version": error_formats.NUMBER})
    signatures = closed({"signature_def": closed({SIGNATURE: signature})})
    return closed({"model_spec": spec, "metadata": closed({"signature_def": signatures})})


@blueprint.post("/models/<word:name>:predict")
@blueprint.post("/models/<word:name>/versions/<word:version>:predict")
@model_operation(
    TF_SERVING,
    {200: Answer("The predictions.", _predicted, headers=_HEADERS)},
    "invalid-input",
    body=Body({JSON: _body}),
)
def predict(name: str, version: str | None = None) -> Response:
    """Predict for `instances`, row by row, or for `inputs`, column by column."""
    found = version_of(name, version)
    RequestContext.from_environ(request.environ).version = found.version
    body = read_body()  # of whatever type: curl's default is a form
    document = parse(body)
    signature = document.pop("signature_name", None) if isinstance(document, dict) else None
    if signature not in SIGNATURES:
        raise BadRequest(f"signature_name is {shown(signature)}; there is {SIGNATURE}")
    form, X = row_layouts.read(found.inputs, document, FORMS, body)
    Y = json_rows.predictions(found, X)
    model = found.inputs.model
    outside = model.outside(X)
    note_rows(RequestContext.from_environ(request.environ), model.features, outside)
    by_row = form == "instances"
    parts = json_rows.predictions_alone(found, Y) if by_row else [json_rows.columns_alone(found, Y)]
    return answer_in_parts(parts, len(X), JSON, json_rows.headers(found, outside))


@blueprint.post("/models/<word:name>:classify")
@blueprint.post("/models/<word:name>:regress")
@blueprint.post("/models/<word:name>/versions/<word:version>:classify")
@blueprint.post("/models/<word:name>/versions/<word:version>:regress")
@model_operation(TF_SERVING, {}, "not-implemented")
def examples(name: str, version: str | None = None) -> Response:
    """Refuse: these take TensorFlow's examples."""
    version_of(name, version)
    raise NotSupported("there is no :classify and no :regress; :predict takes instances or inputs")


@blueprint.get("/models/<word:name>")
@blueprint.get("/models/<word:name>/versions/<word:version>")
@model_operation(TF_SERVING, {200: Answer("The state.", _status())})
def status(name: str, version: str | None = None) -> Response:
    """Say which versions can be asked: the current one, or the one that is named."""
    found = version_of(name, version)
    available = {
        "version": found.version,
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    return json_answer({"model_version_status": [available]})


@blueprint.get("/models/<word:name>/metadata")
@blueprint.get("/models/<word:name>/versions/<word:version>/metadata")
@model_operation(TF_SERVING, {200: Answer("The signature.", _signature)})
def metadata(name: str, version: str | None = None) -> Response:
    """Describe what a version takes and gives: a number for each feature and target."""
    found = version_of(name, version)
    model = found.inputs.model
    signature = {
        "inputs": {each: _tensor(each) for each in model.features},
        "outputs": {each: _tensor(each) for each in model.targets},
        "method_name": "tensorflow/serving/predict",
    }
    return json_answer(
        {
            "model_spec": {"name": name, "signature_name": "", "version": found.version},
            "metadata": {"signature_def": {"signature_def": {SIGNATURE: signature}}},
        }
    )


def _tensor(name: str) -> dict[str, Any]:
    shape = {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    return {"dtype": "DT_DOUBLE", "tensor_shape": shape, "name": name}
