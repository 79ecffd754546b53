"""`POST /predict`."""

import numpy as np
from flask import Blueprint, Response, current_app, request

from network import Array
from service import answers, csv_rows, npy, request_log
from service.bodies import JSON, answer_in_parts, check_type, json_body, read_body
from service.live import LiveModel, Served

blueprint = Blueprint("predict", __name__)

TABLES = {csv_rows.MEDIA_TYPE: csv_rows, npy.MEDIA_TYPE: npy}  # what can be sent, and answered


@blueprint.post("/predict")
def predict() -> Response:
    """Predict the target for one row, `{"x1": 0.1, …}`, or for many, `{"instances": [row, …]}`.

    Many rows may also be sent, and be answered, as CSV with a header or as a NumPy array.
    """
    live: LiveModel = current_app.extensions["live_model"]
    media_type = check_type(JSON, *TABLES)
    document, body = json_body() if media_type == JSON else (None, read_body())
    served = live.require()
    inputs = served.inputs
    if request.args:
        raise inputs.unknown_parameters(list(request.args))
    wanted = request.accept_mimetypes.best_match([JSON, *TABLES], default=JSON)
    if media_type != JSON:
        return _many(served, TABLES[media_type].read(inputs, body), wanted)
    if not isinstance(document, dict):
        raise inputs.not_an_object(document)
    if inputs.are_many(document):
        return _many(served, inputs.rows(document, body), wanted)
    values = inputs.row(document, body)
    if wanted != JSON:
        return _many(served, np.array([values]), wanted)
    answer = answers.one_row(served, values)
    request_log.note(request.environ, rows=1, version=served.version)
    return Response(answer, content_type=JSON)


def _many(served: Served, X: Array, media_type: str) -> Response:
    Y = answers.predictions(served, X)
    request_log.note(request.environ, rows=len(X), version=served.version)
    if media_type == JSON:
        return answer_in_parts(answers.many_rows(served, X, Y), len(X), JSON)
    parts = TABLES[media_type].write(served, X, Y)
    return answer_in_parts(parts, len(X), media_type, answers.headers(served, X))
