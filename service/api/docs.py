"""`GET /openapi.json`, and `GET /docs`: Swagger UI, with all assets from this service."""

from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Response, send_from_directory

from service.openapi.contract import ResponseSpec, operation
from service.services import services
from service.web.bodies import JSON
from service.web.responses import sent_path

ASSETS = Path(flask_swagger_ui.__file__).parent / "dist"
# `data:` allows the images in Swagger UI's style sheet.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>numnet: the API</title>
<link rel="stylesheet" href="{folder}swagger-ui.css">
<link rel="stylesheet" href="{folder}index.css">
<link rel="icon" href="{folder}favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{folder}swagger-ui-bundle.js"></script>
<script src="{folder}start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: new URL("../openapi.json", document.currentScript.src).href,
  dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null
});
"""

blueprint = Blueprint("docs", __name__)


@blueprint.get("/openapi.json")
@blueprint.get("/models/<model:name>/openapi.json")
@operation({200: ResponseSpec("The document.", {"type": "object"})}, "not-found")
def openapi(name: str | None = None) -> Response:
    """Describe this API in OpenAPI 3.1, with the features of the current version.

    Every other model has a document of its own, `/models/NAME/openapi.json`.
    """
    ours = services()
    model = ours.models.find(name)
    version = model.current_version.current()
    content = ours.documents.content(version, model.name, is_default=name is None)
    return Response(content, content_type=JSON)


@blueprint.get("/docs")
@blueprint.get("/models/<model:name>/docs")
@operation(
    {
        200: ResponseSpec(
            "The page.",
            {"type": "string"},
            media_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": "allows only assets of this service"},
        )
    }
)
def page(name: str | None = None) -> Response:
    """Show this API in a browser; needs no other network access."""
    if name is not None:
        services().models.find(name)
    folder = "" if sent_path().endswith("/") else "docs/"  # relative to this page
    response = Response(_PAGE.format(folder=folder), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    return response


@blueprint.get("/docs/start.js")
@blueprint.get("/models/<model:name>/docs/start.js")
def start(name: str | None = None) -> Response:
    """Return the page's own script."""
    return Response(_START, content_type="text/javascript; charset=utf-8")


@blueprint.get("/docs/<path:file>")
@blueprint.get("/models/<model:name>/docs/<path:file>")
def asset(file: str, name: str | None = None) -> Response:
    """Return one of Swagger UI's files."""
    return send_from_directory(ASSETS, file)
