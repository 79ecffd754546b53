"""`GET /models/{v}/evaluation` and `GET /models/{v}/report`."""

from flask import Blueprint, Response, request

from export.report.evaluation import evaluate_version
from export.report.page import policy, render
from registry import Version
from service.api.models import VERSION
from service.api.reports.schemas import EVALUATION
from service.model.version_cache import parse_version
from service.openapi.contract import ResponseSpec, operation
from service.services import services
from service.web.errors import InvalidInput
from service.web.field_errors import shown
from service.web.responses import compress, json_response

blueprint = Blueprint("reports", __name__, url_prefix="/models")

DOWNLOAD = "download"
_HTML = "text/html; charset=utf-8"
_PROBLEMS = ("not-found", "version-refused", "service-unavailable")


@blueprint.get("/<version:version>/evaluation")
@blueprint.get("/<model:name>/<version:version>/evaluation")
@operation({200: ResponseSpec("The evaluation.", EVALUATION)}, *_PROBLEMS, path=VERSION)
def evaluation(version: str, name: str | None = None) -> Response:
    """Show how good a version is, as numbers to draw: losses, predicted and actual values.

    A version of an earlier release lacks some of them, which are empty.
    """
    loaded = _load(version, name)
    document = evaluate_version(loaded.card, loaded.held_out).as_json()
    return compress(
        json_response({"version": version, "targets": list(loaded.model.targets), **document})
    )


@blueprint.get("/<version:version>/report")
@blueprint.get("/<model:name>/<version:version>/report")
@operation(
    {
        200: ResponseSpec(
            "The report, one HTML file that opens anywhere.",
            {"type": "string"},
            media_type=_HTML,
            headers={
                "Content-Security-Policy": "allows the report's own style, and nothing else",
                "Content-Disposition": "with `download`: the file's name",
            },
        )
    },
    *_PROBLEMS,
    "invalid-input",
    path=VERSION,
    query={
        DOWNLOAD: {
            "type": "string",
            "enum": ["true", "false"],
            "default": "false",
            "description": "whether browsers save the report as a file",
        }
    },
)
def report(version: str, name: str | None = None) -> Response:
    """Show a report on a version: the data, decisions and reasons, errors, figures and warnings."""
    model = services().models.find(name)
    is_download = _is_download()
    text = render(_load(version, name), model.name)
    response = Response(text, content_type=_HTML)
    response.headers["Content-Security-Policy"] = f"{policy()}; frame-ancestors 'none'"
    response.vary.add("Accept-Encoding")
    if is_download:
        file = f"{name or 'numnet'}-{version}-report.html"
        response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return compress(response)


def _is_download() -> bool:
    """Return whether the request asks for a file to be saved.

    Raises
    ------
    InvalidInput
    """
    values = request.args.getlist(DOWNLOAD) or ["false"]
    if len(values) > 1:
        raise _wrong(DOWNLOAD, "must be given once")
    if values[0] not in ("true", "false"):
        raise _wrong(DOWNLOAD, f"must be true or false, got {shown(values[0])}")
    return values[0] == "true"


def _wrong(parameter: str, detail: str) -> InvalidInput:
    return InvalidInput([{"parameter": parameter, "detail": detail}], {})


def _load(version: str, name: str | None) -> Version:
    """Read a version's file: what is drawn of it is not kept in memory.

    Raises
    ------
    VersionNotFound, VersionRefused, StorageError
    """
    return services().models.find(name).registry.load(parse_version(version))
