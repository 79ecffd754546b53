"""`/v1`: TensorFlow Serving's REST API.

Source: TensorFlow, "RESTful API" of TensorFlow Serving.
"""

from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest
from werkzeug.routing import BaseConverter

from service.formats import json_rows
from service.formats.response_headers import response_headers
from service.model.loaded_version import LoadedVersion
from service.model.prediction import choose_version, predict_rows
from service.model.rows.blocks import parse_rows
from service.openapi.contract import BodySpec, JsonSchema, ResponseSpec, ref
from service.openapi.json_schema import (
    FLAG,
    NUMBER,
    TEXT,
    any_of,
    array,
    by_name,
    closed,
    one_of,
    same,
)
from service.protocols import row_layouts
from service.protocols.error_formats import TF_SERVING
from service.protocols.model_address import (
    NAME,
    VERSION,
    find_version,
    model_operation,
)
from service.services import services
from service.telemetry.request_context import RequestContext
from service.web.bodies import JSON, read_body
from service.web.errors import NotSupported
from service.web.field_errors import shown
from service.web.responses import json_response, response_in_parts

blueprint = Blueprint("tf_serving", __name__, url_prefix="/v1")


class WordConverter(BaseConverter):
    """The name before the colon in `numnet:predict`."""

    regex = "[^/:]+"


_HEADERS = {
    "X-Model-Version": "the version",
    "X-Extrapolating-Rows": "the number of rows with a value out of range",
    "X-Unseen-Rows": "the number of rows with a category that training had not, if there are any",
}

_DTYPES = {
    "number": "DT_DOUBLE",
    "boolean": "DT_BOOL",
    "category": "DT_STRING",
    "datetime": "DT_STRING",
}

SIGNATURE = "serving_default"
SIGNATURES = (SIGNATURE, "", None)
LAYOUTS = {"instances": row_layouts.ROWS, "inputs": row_layouts.ROWS_OR_COLUMNS}


def _body(version: LoadedVersion | None) -> JsonSchema:
    return row_layouts.body_schema(version, LAYOUTS, {"signature_name": {"enum": list(SIGNATURES)}})


def _predictions(version: LoadedVersion | None) -> JsonSchema:
    column = array(NUMBER, 1)
    if version is None:
        prediction = any_of(NUMBER, by_name(None, NUMBER))
        columns = any_of(column, by_name(None, column))
    else:
        targets = version.model.targets
        prediction = ref("Prediction")
        columns = column if len(targets) == 1 else by_name(targets, column)
    return any_of(closed({"predictions": array(prediction, 1)}), closed({"outputs": columns}))


def _status() -> JsonSchema:
    state = closed({"error_code": same("OK"), "error_message": same("")})
    available = closed({"version": VERSION, "state": same("AVAILABLE"), "status": state})
    return closed({"model_version_status": array(available, 1, 1)})


def _signature(version: LoadedVersion | None) -> JsonSchema:
    size = closed({"size": same("-1"), "name": same("")})
    shape = closed({"dim": array(size, 1, 1), "unknown_rank": FLAG})
    columns = tuple(dict.fromkeys(_DTYPES.values()))
    if version:
        columns = tuple(dict.fromkeys(_DTYPES[each.kind] for each in version.model.columns))

    def tensor(*dtypes: str) -> JsonSchema:
        return closed({"dtype": one_of(dtypes), "tensor_shape": shape, "name": TEXT})

    model = version and version.model
    signature = closed(
        {
            "inputs": by_name(model.features if model else None, tensor(*columns)),
            "outputs": by_name(model.targets if model else None, tensor("DT_DOUBLE")),
            "method_name": TEXT,
        }
    )
    spec = closed({"name": NAME, "signature_name": same(""), "version": VERSION})
    signatures = closed({"signature_def": closed({SIGNATURE: signature})})
    return closed({"model_spec": spec, "metadata": closed({"signature_def": signatures})})


@blueprint.post("/models/<word:name>:predict")
@blueprint.post("/models/<word:name>/versions/<word:version>:predict")
@model_operation(
    TF_SERVING,
    {200: ResponseSpec("The predictions.", _predictions, headers=_HEADERS)},
    "invalid-input",
    body=BodySpec({JSON: _body}),
)
def predict(name: str, version: str | None = None) -> Response:
    """Predict for `instances`, a list of rows, or for `inputs`, rows or columns."""
    context = RequestContext.from_environ(request.environ)
    found = choose_version(services().models.find(name), context, version)
    body = read_body()  # with any Content-Type: curl's default is a form
    document = parse_rows(body, LAYOUTS)
    signature = document.pop("signature_name", None) if isinstance(document, dict) else None
    if signature not in SIGNATURES:
        raise BadRequest(f"signature_name is {shown(signature)}; expected {SIGNATURE}")
    layout, X = row_layouts.read(found.reader, document, LAYOUTS, body)
    prediction = predict_rows(found, X, context)
    parts = (
        json_rows.predictions_only(prediction)
        if layout == "instances"
        else [json_rows.columns_only(prediction)]
    )
    return response_in_parts(parts, len(X), JSON, response_headers(prediction))


@blueprint.post("/models/<word:name>:classify")
@blueprint.post("/models/<word:name>:regress")
@blueprint.post("/models/<word:name>/versions/<word:version>:classify")
@blueprint.post("/models/<word:name>/versions/<word:version>:regress")
@model_operation(TF_SERVING, {}, "not-implemented")
def examples(name: str, version: str | None = None) -> Response:
    """Not implemented, because the bodies are TensorFlow examples."""
    find_version(name, version)
    raise NotSupported(":classify and :regress are not implemented; use :predict")


@blueprint.get("/models/<word:name>")
@blueprint.get("/models/<word:name>/versions/<word:version>")
@model_operation(TF_SERVING, {200: ResponseSpec("The state.", _status())})
def status(name: str, version: str | None = None) -> Response:
    """Report that the current version, or the one in the path, is available."""
    found = find_version(name, version)
    available = {
        "version": found.number,
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    return json_response({"model_version_status": [available]})


@blueprint.get("/models/<word:name>/metadata")
@blueprint.get("/models/<word:name>/versions/<word:version>/metadata")
@model_operation(TF_SERVING, {200: ResponseSpec("The signature.", _signature)})
def metadata(name: str, version: str | None = None) -> Response:
    """Describe a version's inputs and outputs: one value per feature and target."""
    found = find_version(name, version)
    model = found.model
    signature = {
        "inputs": {each.name: _tensor(each.name, _DTYPES[each.kind]) for each in model.columns},
        "outputs": {each: _tensor(each) for each in model.targets},
        "method_name": "tensorflow/serving/predict",
    }
    return json_response(
        {
            "model_spec": {"name": name, "signature_name": "", "version": found.number},
            "metadata": {"signature_def": {"signature_def": {SIGNATURE: signature}}},
        }
    )


def _tensor(name: str, dtype: str = "DT_DOUBLE") -> dict[str, Any]:
    shape = {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    return {"dtype": dtype, "tensor_shape": shape, "name": name}
