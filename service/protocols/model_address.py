"""The model's name and a version in a path: how they are found, and how they are described."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from service.model.loaded_version import LoadedVersion
from service.openapi.contract import Dialect, JsonSchema, ResponseSpec, operation, ref
from service.openapi.json_schema import one_of
from service.services import services
from service.web.errors import ModelNotFound

NAME = ref("ModelName")
VERSION: JsonSchema = {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"}

_PROBLEMS = ("not-found", "version-refused", "no-model", "service-unavailable")

V = TypeVar("V", bound=Callable[..., Any])


def model_operation(
    dialect: Dialect, responses: Mapping[int, ResponseSpec], *problems: str, **description: Any
) -> Callable[[V], V]:
    """Describe a view whose path contains the model's name, as `operation` does."""
    return operation(
        responses,
        *problems,
        *_PROBLEMS,
        dialect=dialect,
        path={"name": NAME, "version": {**VERSION, "description": "its number"}},
        **{"schemas": name_schema, **description},
    )


def name_schema(version: LoadedVersion | None) -> Mapping[str, JsonSchema]:
    """Return the schema that `NAME` refers to."""
    return {"ModelName": one_of((services().settings.model_name,))}


def check_name(name: str) -> None:
    """Raise `ModelNotFound` unless this is the model's name."""
    if name != (known := services().settings.model_name):
        raise ModelNotFound(f"there is no model {name[:64]}; there is {known}")


def find_version(name: str, number: str | None) -> LoadedVersion:
    """Return the version that a path names, by default the current one.

    Raises
    ------
    ModelNotFound, NoModel, VersionNotFound, VersionRefused, StorageError
    """
    check_name(name)
    return services().versions.require(number)
