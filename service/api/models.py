"""`/models`: the models, their versions, cards and files, and which version is current."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response
from marshmallow import RAISE, Schema
from werkzeug.routing import BaseConverter

from registry import (
    Promotion,
    Registry,
    StorageError,
    VersionNotFound,
    VersionRefused,
)
from service.api.model_schemas import ModelList, PromotionEntry, VersionCard, VersionList
from service.model.cards import readable_card
from service.model.loaded_version import LoadedVersion
from service.model.served_model import ServedModel
from service.model.version_cache import parse_version
from service.openapi.contract import BodySpec, ResponseSpec, operation
from service.services import services
from service.web.fields import Flag
from service.web.json_options import read_options
from service.web.responses import json_response
from service.web.tokens.authorization import admin_only, may_read

blueprint = Blueprint("models", __name__, url_prefix="/models")

PROMOTIONS = 50  # listed
_NO_VERSIONS: dict[str, Any] = {"current": None, "versions": [], "promotions": []}


class RollbackBody(Schema):
    """The options of a rollback."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "is unknown"}

    force = Flag(metadata={"description": "whether the version may have other features or targets"})


ROLLBACK_EXAMPLE = {"force": True}


class VersionConverter(BaseConverter):
    """A version's number in a path."""

    regex = "[0-9]+"


class ModelConverter(BaseConverter):
    """A model's name in a path; `/models/7` is a version, and `/models/rollback` another route."""

    regex = r"(?!(?:[0-9]+|rollback)\Z)[^/]+"


VERSION = {
    "version": {"type": "string", "pattern": "^[1-9][0-9]{0,8}$", "description": "its number"}
}
_LINKS = {
    view: {
        "operationId": f"models.{view}",
        "parameters": {"version": "$response.body#/versions/0/version"},
    }
    for view in ("show_model", "download", "promote")
}


@blueprint.get("")
@operation(
    {
        200: ResponseSpec(
            "The models, and the versions of the default model.", ModelList, links=_LINKS
        )
    },
    "service-unavailable",
)
def list_models() -> Response:
    """List all models, and the default model's versions with their metrics, newest first.

    With a token that is bound to models, it has only those that the token may read.
    """
    models = services().models
    entries = [
        {
            "name": name,
            "default": name == models.default.name,
            "current": str(promotion.version) if promotion else None,
        }
        for name, promotion in models.newest_promotions().items()
        if may_read(name)
    ]
    is_hidden = not may_read(models.default.name)
    versions = _NO_VERSIONS if is_hidden else _versions(models.default)
    return json_response({"models": entries, **versions})


@blueprint.get("/<model:name>")
@operation(
    {200: ResponseSpec("The versions.", VersionList, links=_LINKS)},
    "not-found",
    "service-unavailable",
)
def list_versions(name: str) -> Response:
    """List a model's versions with their metrics, newest first, and its newest promotions."""
    return json_response(_versions(services().models.find(name)))


@blueprint.get("/<version:version>")
@blueprint.get("/<model:name>/<version:version>")
@operation(
    {200: ResponseSpec("The card.", VersionCard)},
    "not-found",
    "version-refused",
    "service-unavailable",
    path=VERSION,
)
def show_model(version: str, name: str | None = None) -> Response:
    """Show a version's card: features, training, data and metrics."""
    model = services().models.find(name)
    card = readable_card(model.registry, parse_version(version), model.current_version.current())
    return json_response({**card, "version": version})


@blueprint.get("/<version:version>/weights.npz")
@blueprint.get("/<model:name>/<version:version>/weights.npz")
@operation(
    {
        200: ResponseSpec(
            "The file.",
            {"type": "string", "contentMediaType": "application/zip"},
            media_type="application/zip",
            headers={"Content-Disposition": "the file's name"},
        )
    },
    "not-found",
    "version-refused",
    "service-unavailable",
    path=VERSION,
)
def download(version: str, name: str | None = None) -> Response:
    """Download a version's file, which `numpy.load` reads."""
    content = services().models.find(name).registry.content(parse_version(version))
    response = Response(content, content_type="application/zip")
    file = f"{name or 'numnet'}-{version}.npz"
    response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


@blueprint.post("/<version:version>/promote")
@blueprint.post("/<model:name>/<version:version>/promote")
@operation(
    {200: ResponseSpec("The promotion.", PromotionEntry)},
    "not-found",
    "version-refused",
    path=VERSION,
)
@admin_only
def promote(version: str, name: str | None = None) -> Response:
    """Make a version current without asking the gate; 409 if its file fails verification."""
    model = services().models.find(name)
    promotion = _usable_registry(model).promote(
        parse_version(version), by="POST /models", reason="promoted by hand", at=datetime.now(UTC)
    )
    return _promoted(model, promotion)


@blueprint.post("/rollback")
@blueprint.post("/<model:name>/rollback")
@operation(
    {200: ResponseSpec("The promotion.", PromotionEntry)},
    "nothing-before",
    "features-differ",
    "not-found",
    "version-refused",
    "invalid-input",
    body=BodySpec({"application/json": RollbackBody}, required=False, example=ROLLBACK_EXAMPLE),
)
@admin_only
def roll_back(name: str | None = None) -> Response:
    """Make the previous version current again; 409 if there is none or its features differ."""
    force = read_options(RollbackBody(), ROLLBACK_EXAMPLE).get("force", False)
    model = services().models.find(name)
    registry = _usable_registry(model)
    promotion = registry.roll_back(by="POST /models", at=datetime.now(UTC), force=force)
    return _promoted(model, promotion)


def _versions(model: ServedModel) -> dict[str, Any]:
    """Return the versions and promotions of a model."""
    loaded = model.current_version.current()
    current = loaded.number if loaded else None
    versions = [
        _summary(model.registry, version, loaded) | {"current": str(version) == current}
        for version in reversed(model.registry.versions())
    ]
    promotions = [_entry(promotion) for promotion in reversed(model.registry.history(PROMOTIONS))]
    return {"current": current, "versions": versions, "promotions": promotions}


def _promoted(model: ServedModel, promotion: Promotion) -> Response:
    model.current_version.refresh()  # so that the next request need not wait for the load
    return json_response(_entry(promotion))


def _entry(promotion: Promotion) -> dict[str, Any]:
    versions = {
        key: None if value is None else str(value)
        for key, value in (("version", promotion.version), ("previous", promotion.previous))
    }
    return {"number": promotion.number, **promotion.as_entry(), **versions}


def _usable_registry(model: ServedModel) -> Registry:
    """Return a model's registry, unless the current version is missing in its folder.

    Raises
    ------
    StorageError
    """
    loaded = model.current_version.current()
    if loaded and not model.registry.promotion_numbers():
        raise StorageError(f"version {loaded.number} is missing in the models folder")
    return model.registry


def _summary(registry: Registry, version: int, loaded: LoadedVersion | None) -> dict[str, Any]:
    try:
        card = readable_card(registry, version, loaded)
    except (VersionRefused, VersionNotFound) as error:
        return {"version": str(version), "refused": str(error)}
    except StorageError:
        return {"version": str(version), "refused": "the file cannot be read"}
    return {
        "version": str(version),
        **{key: card.get(key) for key in ("created_at", "features", "targets", "metrics", "job")},
        **{key: card[key] for key in ("layers", "activation", "folds", "warnings") if key in card},
    }
