"""`/models`: which versions there are, what each is, and which one is current."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response
from marshmallow import INCLUDE, Schema, fields
from werkzeug.routing import BaseConverter

from registry import (
    Card,
    Promotion,
    Registry,
    StorageError,
    VersionNotFound,
    VersionRefused,
)
from service.model.loaded_version import LoadedVersion
from service.model.version_cache import parse_version
from service.openapi.contract import ResponseSpec, operation
from service.services import services
from service.web.admin_token import admin_only
from service.web.responses import json_response

blueprint = Blueprint("models", __name__, url_prefix="/models")

PROMOTIONS = 50


class VersionConverter(BaseConverter):
    """What stands for a version in an address: anything but the address beside it."""

    regex = r"(?!rollback$)[^/]+"


_VERSION = {
    "version": {"type": "string", "pattern": "^[1-9][0-9]{0,8}$", "description": "its number"}
}


class PromotionEntry(Schema):
    """An entry of the promotion log."""

    number = fields.Integer(required=True, metadata={"description": "its place in the log"})
    version = fields.String(required=True)
    previous = fields.String(required=True, allow_none=True)
    at = fields.DateTime(required=True)
    by = fields.String(required=True)
    reason = fields.String(required=True)
    sha256 = fields.String(required=True, metadata={"description": "of the version's file"})
    undoes = fields.Integer(
        metadata={"description": "for a rollback, the number of the promotion that it takes back"}
    )


class VersionEntry(Schema):
    """A version in brief; one that does not verify says why instead."""

    version = fields.String(required=True)
    current = fields.Boolean(required=True, metadata={"description": "whether it is served"})
    created_at = fields.DateTime(allow_none=True)
    features = fields.List(fields.String())
    targets = fields.List(fields.String())
    layers = fields.List(fields.Integer(), metadata={"description": "sizes, from end to end"})
    activation = fields.String()
    metrics = fields.Dict(allow_none=True)
    job = fields.String(allow_none=True, metadata={"description": "that trained it"})
    refused = fields.String(metadata={"description": "why it does not verify"})


class ModelList(Schema):
    """All versions and the newest promotions."""

    current = fields.String(
        required=True, allow_none=True, metadata={"description": "the version that is served"}
    )
    versions = fields.List(fields.Nested(VersionEntry), required=True)
    promotions = fields.List(fields.Nested(PromotionEntry), required=True)


class VersionCard(Schema):
    """All that is known of a version; its trainer may have added more."""

    class Meta:
        unknown = INCLUDE

    version = fields.String(required=True)
    features = fields.List(fields.String(), required=True)
    targets = fields.List(fields.String(), required=True)
    layers = fields.List(fields.Integer(), required=True)
    activation = fields.String(required=True)
    created_at = fields.DateTime()
    recipe = fields.Dict()
    data = fields.Dict()
    metrics = fields.Dict()
    test_report = fields.Dict()
    training = fields.Dict()
    libraries = fields.Dict()
    job = fields.String()


def _of_the_newest(name: str) -> dict[str, Any]:
    return {
        "operationId": f"models.{name}",
        "parameters": {"version": "$response.body#/versions/0/version"},
    }


@blueprint.get("")
@operation(
    {
        200: ResponseSpec(
            "The versions.",
            ModelList,
            links={name: _of_the_newest(name) for name in ("show_model", "download", "promote")},
        )
    },
    "service-unavailable",
)
def list_models() -> Response:
    """List all versions, newest first, with their metrics; which is served; the promotions."""
    registry, loaded = _registry_and_current()
    current = loaded.number if loaded else None
    versions = [
        _summary(registry, version, loaded) | {"current": str(version) == current}
        for version in reversed(registry.versions())
    ]
    promotions = [_entry(promotion) for promotion in reversed(registry.history(PROMOTIONS))]
    return json_response({"current": current, "versions": versions, "promotions": promotions})


@blueprint.get("/<version:version>")
@operation(
    {200: ResponseSpec("The card.", VersionCard)},
    "not-found",
    "version-refused",
    "service-unavailable",
    path=_VERSION,
)
def show_model(version: str) -> Response:
    """Show one version's card: features, layers, training, data and metrics."""
    registry, loaded = _registry_and_current()
    return json_response({**_card(registry, parse_version(version), loaded), "version": version})


@blueprint.get("/<version:version>/weights.npz")
@operation(
    {
        200: ResponseSpec(
            "The file.",
            {"type": "string", "contentMediaType": "application/zip"},
            media_type="application/zip",
            headers={"Content-Disposition": "a name to save it under"},
        )
    },
    "not-found",
    "version-refused",
    "service-unavailable",
    path=_VERSION,
)
def download(version: str) -> Response:
    """Take a version away: its file, which `numpy.load` reads."""
    content = services().registry.content(parse_version(version))
    response = Response(content, content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="numnet-{version}.npz"'
    return response


@blueprint.post("/<version:version>/promote")
@operation(
    {200: ResponseSpec("The promotion.", PromotionEntry)},
    "not-found",
    "version-refused",
    path=_VERSION,
)
@admin_only
def promote(version: str) -> Response:
    """Make a version current, whatever the gate would say; 409 if it does not verify."""
    promotion = _registry_in_use().promote(
        parse_version(version), by="POST /models", reason="promoted by hand", at=datetime.now(UTC)
    )
    return _promoted(promotion)


@blueprint.post("/rollback")
@operation(
    {200: ResponseSpec("The promotion.", PromotionEntry)},
    "nothing-before",
    "not-found",
    "version-refused",
)
@admin_only
def roll_back() -> Response:
    """Make the version current that was so before; 409 if there is none."""
    return _promoted(_registry_in_use().roll_back(by="POST /models", at=datetime.now(UTC)))


def _promoted(promotion: Promotion) -> Response:
    services().current_version.refresh()  # so that the next request need not wait for the load
    return json_response(_entry(promotion))


def _entry(promotion: Promotion) -> dict[str, Any]:
    versions = {
        key: None if value is None else str(value)
        for key, value in (("version", promotion.version), ("previous", promotion.previous))
    }
    return {"number": promotion.number, **promotion.as_entry(), **versions}


def _registry_and_current() -> tuple[Registry, LoadedVersion | None]:
    ours = services()
    return ours.registry, ours.current_version.current()


def _registry_in_use() -> Registry:
    """The registry, unless what is being served has gone from its folder.

    Raises
    ------
    StorageError
    """
    registry, loaded = _registry_and_current()
    if loaded and not registry.promotion_numbers():
        raise StorageError(f"the folder of models has lost version {loaded.number}")
    return registry


def _card(registry: Registry, version: int, loaded: LoadedVersion | None) -> Card:
    """The card of what is being served, not of what may since have taken its file's place."""
    return loaded.card if loaded and loaded.number == str(version) else registry.card(version)


def _summary(registry: Registry, version: int, loaded: LoadedVersion | None) -> dict[str, Any]:
    try:
        card = _card(registry, version, loaded)
    except (VersionRefused, VersionNotFound) as error:
        return {"version": str(version), "refused": str(error)}
    except StorageError:
        return {"version": str(version), "refused": "the file cannot be read"}
    return {
        "version": str(version),
        **{key: card.get(key) for key in ("created_at", "features", "targets", "layers")},
        "activation": card.get("activation"),
        "metrics": card.get("metrics"),
        "job": card.get("job"),
    }
