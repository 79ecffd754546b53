"""`GET /livez` and `GET /readyz`."""

from flask import Blueprint, Response, current_app

from service.bodies import json_answer
from service.live import LiveModel

blueprint = Blueprint("health", __name__)


@blueprint.get("/livez")
def livez() -> Response:
    """Say that the process lives; 200 whether or not there is a model."""
    return Response(b'{"status":"live"}', content_type="application/json")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Say whether a verified model is loaded: 200 with its version, or 503."""
    live: LiveModel = current_app.extensions["live_model"]
    return json_answer({"status": "ready", "version": live.require().version})
