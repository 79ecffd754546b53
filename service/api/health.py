"""`GET /livez` and `GET /readyz`."""

from flask import Blueprint, Response
from marshmallow import Schema, fields, validate

from service.openapi.contract import ResponseSpec, operation
from service.services import services
from service.web.responses import json_response

blueprint = Blueprint("health", __name__)


class Liveness(Schema):
    """The process lives."""

    status = fields.String(required=True, validate=validate.Equal("live"))


class Readiness(Schema):
    """The version that is served."""

    status = fields.String(required=True, validate=validate.Equal("ready"))
    version = fields.String(required=True)


@blueprint.get("/livez")
@operation({200: ResponseSpec("The process lives.", Liveness)})
def livez() -> Response:
    """Say that the process lives; 200 whether or not there is a model."""
    return Response(b'{"status":"live"}', content_type="application/json")


@blueprint.get("/readyz")
@operation({200: ResponseSpec("A verified model is loaded.", Readiness)}, "no-model")
def readyz() -> Response:
    """Say whether a verified model is loaded: 200 with its version, or 503."""
    version = services().current_version.require()
    return json_response({"status": "ready", "version": version.number})
