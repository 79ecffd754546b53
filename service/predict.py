"""`POST /predict`."""

from flask import Blueprint, Response, current_app, request

from service import answers, request_log
from service.bodies import json_body
from service.live import LiveModel

blueprint = Blueprint("predict", __name__)


@blueprint.post("/predict")
def predict() -> Response:
    """Predict the target for one row, `{"x1": 0.1, …}`, or for many, `{"instances": [row, …]}`."""
    live: LiveModel = current_app.extensions["live_model"]
    document, body = json_body()
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
