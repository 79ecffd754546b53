"""`GET /livez` and `GET /readyz`."""

from flask import Blueprint, Response
from marshmallow import Schema, fields, validate

from service.openapi.contract import Answer, operation
from service.services import services
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
    version = services().current_version.require()
    return json_answer({"status": "ready", "version": version.number})
