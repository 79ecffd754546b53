"""`GET /models` and `GET /models/{v}`: which versions there are, and what each is."""

from collections.abc import Hashable
from functools import lru_cache
from typing import Any

import orjson
from flask import Blueprint, Response, current_app

from registry import Card, Registry, StorageError, VersionNotFound, VersionRefused
from service.live import LiveModel

blueprint = Blueprint("models", __name__, url_prefix="/models")


@blueprint.get("")
def list_models() -> Response:
    """List all versions, newest first, with their metrics, and say which one is being served."""
    registry: Registry = current_app.extensions["registry"]
    live: LiveModel = current_app.extensions["live_model"]
    served = live.current()
    current = served.version if served else None
    versions = [
        _summary(registry, version) | {"current": str(version) == current}
        for version in reversed(registry.versions())
    ]
    return _json({"current": current, "versions": versions})


@blueprint.get("/<version>")
def show_model(version: str) -> Response:
    """Show one version's card: features, layers, training, data and metrics."""
    registry: Registry = current_app.extensions["registry"]
    if not (version.isascii() and version.isdecimal() and len(version) < 10 and version[0] != "0"):
        raise VersionNotFound(version)
    card = _card(registry, int(version), registry.generation())
    return _json({**card, "version": version})


@lru_cache(maxsize=64)
def _card(registry: Registry, version: int, generation: Hashable) -> Card:
    """A version never changes, so its card is read once, and again where the folder is another."""
    return registry.load(version).card


def _summary(registry: Registry, version: int) -> dict[str, Any]:
    try:
        card = _card(registry, version, registry.generation())
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
