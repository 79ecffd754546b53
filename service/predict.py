"""`POST /predict`."""

import orjson
from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from service import answers, request_log
from service.live import LiveModel

blueprint = Blueprint("predict", __name__)


@blueprint.post("/predict")
def predict() -> Response:
    """Predict the target for one row, `{"x1": 0.1, …}`, or for many, `{"instances": [row, …]}`."""
    live: LiveModel = current_app.extensions["live_model"]
    document, body = _json_body()
    served = live.require()
    inputs = served.inputs
    if request.args:
        raise inputs.unknown_parameters(list(request.args))
    if not isinstance(document, dict):
        raise inputs.not_an_object(document)
    if inputs.are_many(document):
        X = inputs.rows(document, body)
        count, answer = len(X), answers.many_rows(served, X)
    else:
        count, answer = 1, answers.one_row(served, inputs.row(document, body))
    request_log.note(request.environ, rows=count, version=served.version)
    return Response(answer, content_type="application/json")


def _json_body() -> tuple[object, bytes]:
    """The request's body, parsed and raw."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(
            f"the body is {request.mimetype or 'of no declared type'}; "
            f"expected Content-Type: application/json"
        )
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("the body is encoded; expected no Content-Encoding")
    body = _read_body()
    if not body:
        raise BadRequest("the body is empty; expected a JSON object")
    try:
        return orjson.loads(body), body
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {_reason(error, body)}") from None


def _read_body() -> bytes:
    limit: int = current_app.config["MAX_CONTENT_LENGTH"]
    try:
        body = request.get_data(cache=False)
        # Werkzeug cuts a chunked body off at the limit without a word.
        if len(body) < limit or not request.environ["wsgi.input"].read(1):
            return body
    except RequestEntityTooLarge:
        pass
    raise RequestEntityTooLarge(f"the body is larger than {limit:,} bytes: send fewer rows at once")


def _reason(error: orjson.JSONDecodeError, body: bytes) -> str:
    try:
        body.decode()
    except UnicodeDecodeError as undecodable:
        return f"byte {undecodable.start} is not UTF-8"
    return str(error)
