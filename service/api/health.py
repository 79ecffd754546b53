"""`GET /livez` and `GET /readyz`."""

from flask import Blueprint, Response, current_app
from marshmallow import Schema, fields, validate

from service.model.current_version import LiveModel
from service.openapi.contract import Answer, operation
from service.web.bodies import json_answer

blueprint = Blueprint("health", __name__)


class Liveness(Schema):
    """The process lives."""

    status = fields.String(required=True, validate=validate.Equal("live"))


class Readiness(Schema):
    """The version that is served."""

    status = fields.String(required=True, validate=validate.Equal("ready"))
    version = fields.String(required=True)


@blueprint.get("/livez")
@operation({200: Answer("The process lives.", Liveness)})
def livez() -> Response:
    """Say that the process lives; 200 whether or not there is a model."""
    return Response(b'{"status":"live"}', content_type="application/json")


@blueprint.get("/readyz")
@operation({200: Answer("A verified model is loaded.", Readiness)}, "no-model")
def readyz() -> Response:
    """Say whether a verified model is loaded: 200 with its version, or 503."""
    live: LiveModel = current_app.extensions["live_model"]
    return json_answer({"status": "ready", "version": live.require().version})
