"""The page on which predictions are tried: one row by sliders, many by a file."""

from typing import Any

from flask import current_app, request

from service.dashboard.asked_model import asked_model
from service.dashboard.blueprint import page
from service.dashboard.versions.description import describe
from service.services import services
from service.web.tokens.authorization import authorization_of

VERSION = {"type": "string", "description": "a version's number, by default the current one"}


@page("/try", "try.html", query={"version": VERSION})
def try_it() -> dict[str, Any]:
    """Show a version's features with their ranges, its targets, and where to send rows."""
    model = asked_model()
    asked_version = request.args.get("version")
    version = model.versions.require(asked_version)
    current = model.current_version.current()
    is_default = model.name == services().models.default.name
    return {
        "model": model.name,
        **describe(version),
        "asked_version": asked_version,
        "current": current and current.number,
        "versions": [str(number) for number in reversed(model.registry.versions())],
        "predict": "/predict" if is_default else f"/models/{model.name}/predict",
        "max_body_bytes": services().settings.max_body_bytes,
        "needs_token": authorization_of(current_app).restricts_reading,
    }
