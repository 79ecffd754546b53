"""What the protocols of other servers have in common: their shapes of errors, a model's name."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from flask import Response, current_app

from service.bodies import JSON
from service.errors import ModelNotFound
from service.live import Loaded
from service.operation import JsonSchema
from service.versions import Versions

PROBLEM = "application/problem+json"
ERROR: JsonSchema = {
    "type": "object",
    "properties": {"error": {"type": "string"}},
    "required": ["error"],
}
OF_A_VERSION = ("not-found", "version-refused", "no-model", "service-unavailable")


def reworded(
    response: Response,
    shape: Callable[[int, str], Mapping[str, Any]],
    statuses: Mapping[int, int] | None = None,
) -> Response:
    """A problem document as another error document; any other response as it is.

    Parameters
    ----------
    shape : the document of a status and a message, which names every wrong value
    statuses : in place of those that this dialect does not have
    """
    if response.mimetype != PROBLEM:
        return response
    problem = orjson.loads(response.get_data())
    response.status_code = (statuses or {}).get(response.status_code, response.status_code)
    response.set_data(orjson.dumps(shape(response.status_code, _message(problem))))
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
