"""The model's name and a version in a path: how they are found, and how they are described."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from service.model.loaded_version import LoadedVersion
from service.openapi.contract import (
    MODEL_NAME,
    Dialect,
    JsonSchema,
    ResponseSpec,
    operation,
    ref,
)
from service.services import services

NAME = ref(MODEL_NAME)
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
        **description,
    )


def find_version(name: str, number: str | None) -> LoadedVersion:
    """Return the version that a path names, by default the current one.

    Raises
    ------
    ModelNotFound, NoModel, VersionNotFound, VersionRefused, StorageError
    """
    return services().models.find(name).versions.require(number)
