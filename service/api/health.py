"""`GET /livez` and `GET /readyz`."""

from flask import Blueprint, Response
from marshmallow import Schema, fields, validate

from service.openapi.contract import ResponseSpec, operation
from service.services import services
from service.web.bodies import JSON
from service.web.responses import json_response

blueprint = Blueprint("health", __name__)


class Liveness(Schema):
    """The process is running."""

    status = fields.String(required=True, validate=validate.Equal("live"))


class Readiness(Schema):
    """The current version is loaded."""

    status = fields.String(required=True, validate=validate.Equal("ready"))
    version = fields.String(required=True)


@blueprint.get("/livez")
@operation({200: ResponseSpec("The process is running.", Liveness)})
def livez() -> Response:
    """Report that the process is running, with or without a model."""
    return Response(b'{"status":"live"}', content_type=JSON)


@blueprint.get("/readyz")
@operation({200: ResponseSpec("A verified version is loaded.", Readiness)}, "no-model")
def readyz() -> Response:
    """Report whether a verified version is loaded: 200 with its number, or 503."""
    version = services().models.default.current_version.require()
    return json_response({"status": "ready", "version": version.number})
