"""`/v1`: TensorFlow Serving's REST API, for one model.

Source: TensorFlow, "RESTful API" of TensorFlow Serving.
"""

from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest
from werkzeug.routing import BaseConverter

from service import answers, forms, request_log
from service.bodies import JSON, answer_in_parts, json_answer, parse, read_body
from service.dialects import OF_A_VERSION, TF_SERVING, version_of
from service.errors import NotSupported
from service.operation import Answer, Body, operation
from service.validation import shown

blueprint = Blueprint("tf_serving", __name__, url_prefix="/v1")


class WordConverter(BaseConverter):
    """What stands before the colon of `numnet:predict`."""

    regex = "[^/:]+"


_OBJECT = {"type": "object"}

SIGNATURE = "serving_default"
FORMS = {"instances": forms.rows, "inputs": forms.rows_or_columns}


@blueprint.post("/models/<word:name>:predict")
@blueprint.post("/models/<word:name>/versions/<word:version>:predict")
@operation(
    {200: Answer("The predictions.", _OBJECT)},
    "invalid-input",
    *OF_A_VERSION,
    body=Body({JSON: _OBJECT}),
    dialect=TF_SERVING,
)
def predict(name: str, version: str | None = None) -> Response:
    """Predict for `instances`, row by row, or for `inputs`, column by column."""
    found = version_of(name, version)
    body = read_body()  # of whatever type: curl's default is a form
    document = parse(body)
    form, value = _form(document)
    X = FORMS[form](found.inputs, value, f"/{form}", body)
    Y = answers.predictions(found, X)
    request_log.note(request.environ, rows=len(X), version=found.version)
    by_row = form == "instances"
    parts = answers.predictions_alone(found, Y) if by_row else [answers.columns_alone(found, Y)]
    return answer_in_parts(parts, len(X), JSON, answers.headers(found, X))


@blueprint.post("/models/<word:name>:classify")
@blueprint.post("/models/<word:name>:regress")
@blueprint.post("/models/<word:name>/versions/<word:version>:classify")
@blueprint.post("/models/<word:name>/versions/<word:version>:regress")
@operation(
    {},
    "not-implemented",
    *OF_A_VERSION,
    dialect=TF_SERVING,
)
def examples(name: str, version: str | None = None) -> Response:
    """Refuse: these take TensorFlow's examples."""
    version_of(name, version)
    raise NotSupported("there is no :classify and no :regress; :predict takes instances or inputs")


@blueprint.get("/models/<word:name>")
@blueprint.get("/models/<word:name>/versions/<word:version>")
@operation(
    {200: Answer("The state.", _OBJECT)},
    *OF_A_VERSION,
    dialect=TF_SERVING,
)
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
@operation(
    {200: Answer("The signature.", _OBJECT)},
    *OF_A_VERSION,
    dialect=TF_SERVING,
)
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


def _form(document: object) -> tuple[str, Any]:
    """Which of the forms it is, and the rows or columns themselves."""
    if not isinstance(document, dict):
        raise BadRequest(f"the body must be an object, got {shown(document)}")
    signature = document.pop("signature_name", None) or SIGNATURE
    if signature != SIGNATURE:
        raise BadRequest(f"signature_name is {shown(signature)}; there is {SIGNATURE}")
    if len(document) != 1 or not document.keys() <= FORMS.keys():
        names = ", ".join(map(shown, document)) or "nothing"
        raise BadRequest(f"the body must have one of {' and '.join(FORMS)}; got {names}")
    [(form, value)] = document.items()
    return form, value


def _tensor(name: str) -> dict[str, Any]:
    shape = {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    return {"dtype": "DT_DOUBLE", "tensor_shape": shape, "name": name}
