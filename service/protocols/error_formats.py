"""Errors in the formats of other servers' protocols."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson
from flask import Flask, Response, request
from marshmallow import Schema, fields, validate

from service.openapi.contract import Dialect
from service.openapi.json_schema import TEXT, closed
from service.web.bodies import JSON
from service.web.problems import MEDIA_TYPE, problem_of_status

_ERROR = closed({"error": TEXT})
_ERROR_CODES = ("BAD_REQUEST", "TEMPORARILY_UNAVAILABLE")


class MlflowError(Schema):
    """MLflow's error document."""

    error_code = fields.String(required=True, validate=validate.OneOf(_ERROR_CODES))
    message = fields.String(required=True)


def _error(status: int, message: str) -> Mapping[str, str]:
    return {"error": message}


def _mlflow_error(status: int, message: str) -> Mapping[str, str]:
    return {"error_code": _ERROR_CODES[status >= 500], "message": message}


# None of these protocols has a 422 for wrong values.
INFERENCE = Dialect(_ERROR, _error)
TF_SERVING = Dialect(_ERROR, _error, {422: 400})
MLFLOW = Dialect(MlflowError, _mlflow_error, {422: 400})
_BY_FIRST_SEGMENT = {"v1": TF_SERVING, "v2": INFERENCE} | dict.fromkeys(
    ("invocations", "ping", "health", "version"), MLFLOW
)


def register(app: Flask) -> None:
    """Rewrite problem documents in the format of the path's protocol, including 404s."""
    app.after_request(lambda response: _rewrite(response, request.path))


@lru_cache(64)
def error_document(path: str, status: int, detail: str) -> tuple[int, str, bytes]:
    """Return the response to a request that the server rejects before the application sees it.

    Parameters
    ----------
    path : of the request; `/` if it is unknown

    Returns
    -------
    status : as the path's protocol has it
    content_type, body : an error in the format of the path's protocol
    """
    response = _rewrite(problem_of_status(status, detail), path)
    return response.status_code, response.content_type, response.get_data()


def _rewrite(response: Response, path: str) -> Response:
    dialect = _BY_FIRST_SEGMENT.get(path.removeprefix("/").split("/", 1)[0])
    if dialect is None or response.mimetype != MEDIA_TYPE:
        return response
    document = orjson.loads(response.get_data())
    status = dialect.statuses.get(response.status_code, response.status_code)
    response.status_code = status
    response.set_data(orjson.dumps(dialect.document(status, _message(document))))
    response.content_type = JSON
    return response


def _message(problem_document: dict[str, Any]) -> str:
    """Return a problem document in one line, with each wrong value."""
    wrong = [
        f"{each.get('pointer') or each.get('parameter') or 'the body'} {each['detail']}"
        for each in problem_document.get("errors", [])
    ]
    return ": ".join(filter(None, [problem_document["detail"], "; ".join(wrong)]))
