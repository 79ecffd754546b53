"""The protocols of other servers: how they word errors, and what they have in common."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import orjson
from flask import Flask, Response, current_app, request
from marshmallow import Schema, fields, validate

from service.model.current_version import Loaded, Served
from service.model.version_cache import Versions
from service.openapi.contract import Answer, Dialect, JsonSchema, operation, ref
from service.openapi.json_schema import TEXT, closed, one_of
from service.web.bodies import JSON
from service.web.errors import ModelNotFound

PROBLEM = "application/problem+json"
NAME = ref("ModelName")
NUMBER: JsonSchema = {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"}  # a version's

V = TypeVar("V", bound=Callable[..., Any])

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


# Values that are wrong are a 422 in none of them.
INFERENCE = Dialect(_ERROR, _error)
TF_SERVING = Dialect(_ERROR, _error, {422: 400})
MLFLOW = Dialect(MlflowError, _mlflow_error, {422: 400})
_BY_ADDRESS = {"v1": TF_SERVING, "v2": INFERENCE} | dict.fromkeys(
    ("invocations", "ping", "health", "version"), MLFLOW
)

OF_A_VERSION = ("not-found", "version-refused", "no-model", "service-unavailable")


def model_operation(
    dialect: Dialect, answers: Mapping[int, Answer], *problems: str, **contract: Any
) -> Callable[[V], V]:
    """Describe a view below a model's name; the arguments are the fields of `Operation`."""
    return operation(
        answers,
        *problems,
        *OF_A_VERSION,
        dialect=dialect,
        path={"name": NAME, "version": {**NUMBER, "description": "its number"}},
        **{"schemas": named, **contract},
    )


def named(served: Served | None) -> Mapping[str, JsonSchema]:
    """The schemas that descriptions of these protocols refer to."""
    return {"ModelName": one_of((current_app.config["MODEL_NAME"],))}


def register(app: Flask) -> None:
    """Word errors as the protocol that an address belongs to, be there anything or not."""
    app.after_request(lambda response: reworded(response, request.path))


def reworded(response: Response, path: str) -> Response:
    """A problem document as the address's protocol has errors; any other response as it is."""
    dialect = _BY_ADDRESS.get(path.split("/", 2)[1] if path else "")
    if dialect is None or response.mimetype != PROBLEM:
        return response
    problem = orjson.loads(response.get_data())
    status = dialect.statuses.get(response.status_code, response.status_code)
    response.status_code = status
    response.set_data(orjson.dumps(dialect.document(status, _message(problem))))
    response.content_type = JSON
    return response


def check_name(name: str) -> None:
    """Let the one model's name pass.

    Raises
    ------
    ModelNotFound
    """
    if name != (known := current_app.config["MODEL_NAME"]):
        raise ModelNotFound(f"there is no model {name[:64]}; there is {known}")


def version_of(name: str, version: str | None) -> Loaded:
    """The version that an address names, by default the current one.

    Raises
    ------
    ModelNotFound, NoModel, VersionNotFound, VersionRefused, StorageError
    """
    check_name(name)
    versions: Versions = current_app.extensions["versions"]
    return versions.require(version)


def _message(problem: dict[str, Any]) -> str:
    wrong = [
        f"{each.get('pointer') or each.get('parameter') or 'the body'} {each['detail']}"
        for each in problem.get("errors", [])
    ]
    return ": ".join(filter(None, [problem["detail"], "; ".join(wrong)]))
