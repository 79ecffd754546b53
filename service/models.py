"""`GET /models` and `GET /models/{v}`: which versions there are, and what each is."""

from typing import Any

import orjson
from flask import Blueprint, Response, current_app

from registry import Card, Registry, StorageError, VersionNotFound, VersionRefused
from service.live import LiveModel, Served

blueprint = Blueprint("models", __name__, url_prefix="/models")


@blueprint.get("")
def list_models() -> Response:
    """List all versions, newest first, with their metrics, and say which one is being served."""
    registry, served = _registry_and_served()
    current = served.version if served else None
    versions = [
        _summary(registry, version, served) | {"current": str(version) == current}
        for version in reversed(registry.versions())
    ]
    return _json({"current": current, "versions": versions})


@blueprint.get("/<version>")
def show_model(version: str) -> Response:
    """Show one version's card: features, layers, training, data and metrics."""
    registry, served = _registry_and_served()
    if not (version.isascii() and version.isdecimal() and len(version) < 10 and version[0] != "0"):
        raise VersionNotFound(version)
    return _json({**_card(registry, int(version), served), "version": version})


def _registry_and_served() -> tuple[Registry, Served | None]:
    live: LiveModel = current_app.extensions["live_model"]
    return current_app.extensions["registry"], live.current()


def _card(registry: Registry, version: int, served: Served | None) -> Card:
    """The card of what is being served, not of what may since have taken its file's place."""
    return served.card if served and served.version == str(version) else registry.card(version)


def _summary(registry: Registry, version: int, served: Served | None) -> dict[str, Any]:
    try:
        card = _card(registry, version, served)
    except (VersionRefused, VersionNotFound) as error:
        return {"version": str(version), "refused": str(error)}
    except StorageError:
        return {"version": str(version), "refused": "the file cannot be read"}
    return {
        "version": str(version),
        **{key: card.get(key) for key in ("created_at", "features", "targets", "layers")},
        "activation": card.get("activation"),
        "metrics": card.get("metrics"),
    }


def _json(document: dict[str, Any]) -> Response:
    return Response(orjson.dumps(document), content_type="application/json")
