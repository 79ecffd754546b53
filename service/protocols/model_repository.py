"""`/v2/repository`: Triton's extension of the protocol to list and load versions.

Source: Triton, docs/protocol/extension_model_repository.md.
"""

from typing import Any

import orjson
from flask import Blueprint, Response
from marshmallow import EXCLUDE, Schema, ValidationError, fields

from registry import Registry, StorageError, VersionNotFound, VersionRefused
from service.openapi.contract import BodySpec, JsonSchema, ResponseSpec, operation
from service.openapi.json_schema import TEXT, array, closed, one_of
from service.protocols.error_formats import INFERENCE
from service.protocols.model_address import NAME, VERSION, model_operation
from service.protocols.tensors.request import load as validated
from service.services import services
from service.web.bodies import parse, read_body
from service.web.errors import NotSupported
from service.web.fields import Flag
from service.web.responses import json_response
from service.web.tokens.authorization import admin_only, may_read

blueprint = Blueprint("v2_repository", __name__, url_prefix="/v2/repository")

_VERSION = {"name": NAME, "version": VERSION}
_STATE = one_of(("READY", "UNAVAILABLE"))
_ENTRY = closed({"name": TEXT, "version": VERSION, "state": _STATE, "reason": TEXT})


class _Body(Schema):
    class Meta:
        unknown = EXCLUDE

    error_messages = {"type": "must be an object"}


class IndexBody(_Body):
    """Which versions to list."""

    ready = Flag(load_default=False)


class _Nothing(fields.Field[dict[str, Any]]):
    json_schema: JsonSchema = {"type": "object", "maxProperties": 0}
    default_error_messages = {"null": "must be empty or left out, got null"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        if value != {}:
            raise ValidationError("must be empty: versions are published by training, not loaded")
        return {}


class LoadBody(_Body):
    """The body that Triton's clients send."""

    parameters = _Nothing()


@blueprint.post("/index")
@operation(
    {200: ResponseSpec("The versions.", array(_ENTRY))},
    "service-unavailable",
    body=BodySpec({"application/json": IndexBody}, required=False),
    dialect=INFERENCE,
)
def index() -> Response:
    """List all versions of all models; with `{"ready": true}` only those that are ready."""
    only_ready = _optional_body(IndexBody)["ready"]
    models = services().models
    entries = [
        _entry(registry, name, version)
        for name in models.names()
        if may_read(name)
        for registry in [models.registry(name)]
        for version in registry.versions()
    ]
    listed = [entry for entry in entries if entry["state"] == "READY" or not only_ready]
    return Response(orjson.dumps(listed), content_type="application/json")


@blueprint.post("/models/<name>/load")
@admin_only
@model_operation(
    INFERENCE,
    {200: ResponseSpec("The version.", closed(_VERSION))},
    body=BodySpec({"application/json": LoadBody}, required=False),
)
def load(name: str) -> Response:
    """Verify the current version's file again; loading happens automatically."""
    model = services().models.find(name)
    _optional_body(LoadBody)
    version, promotion = model.current_version.require(), model.registry.current()
    if promotion is None:
        raise StorageError(f"version {version.number} is missing in the models folder")
    model.registry.load(promotion.version, promotion.sha256)
    return json_response({"name": name, "version": str(promotion.version)})


@blueprint.post("/models/<name>/unload")
@admin_only
@operation({}, "not-implemented", "not-found", dialect=INFERENCE, path={"name": NAME})
def unload(name: str) -> Response:
    """Not implemented, because one version is always current."""
    services().models.find(name)
    raise NotSupported(
        f"the model cannot be unloaded; POST /models/{name}/{{version}}/promote makes another "
        "version current"
    )


def _optional_body(schema: type[Schema]) -> dict[str, Any]:
    body = read_body()
    return validated(schema(), parse(body) if body else {})


def _entry(registry: Registry, name: str, version: int) -> dict[str, str]:
    try:
        registry.card(version)
        state, reason = "READY", ""
    except (VersionRefused, VersionNotFound) as error:
        state, reason = "UNAVAILABLE", str(error)
    except StorageError:
        state, reason = "UNAVAILABLE", "the file cannot be read"
    return {"name": name, "version": str(version), "state": state, "reason": reason}
