"""`POST /predict`."""

import orjson
from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from service import answers, request_log
from service.errors import NoModel
from service.live import LiveModel

blueprint = Blueprint("predict", __name__)


@blueprint.post("/predict")
def predict() -> Response:
    """Predict the target for one row, `{"x1": 0.1, …}`, or for many, `{"instances": [row, …]}`."""
    live: LiveModel = current_app.extensions["live_model"]
    document, body = _json_body()
    served = live.current()
    if served is None:
        raise NoModel
    inputs = served.inputs
    for name in request.args:
        raise inputs.unknown_parameter(name)
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
    body = request.get_data(cache=False)
    # Werkzeug cuts a chunked body off at the limit without a word.
    if len(body) == request.max_content_length and request.environ["wsgi.input"].read(1):
        raise RequestEntityTooLarge
    if not body:
        raise BadRequest("the body is empty; expected a JSON object")
    try:
        return orjson.loads(body), body
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
