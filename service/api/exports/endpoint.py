"""`GET /models/{v}/model.onnx` and other forms of a version, for programs without numnet."""

import threading

from flask import Blueprint, Response, request

from export import FORMATS, Format, Source, format_of, write
from service.api.models import VERSION
from service.model import options
from service.model.loaded_version import LoadedVersion
from service.model.prediction_interval import Level
from service.openapi.contract import JsonSchema, ResponseSpec, operation
from service.services import services
from service.web.field_errors import shown

blueprint = Blueprint("exports", __name__, url_prefix="/models")

# While a file is written, it is in memory several times. A file of a large version is some 100 MB.
_writing = threading.Lock()

LEVEL, FORM = "level", "form"
_FORMS = sorted({form for each in FORMATS.values() for form in each.forms})


def _body(media_type: str) -> JsonSchema:
    if media_type.endswith("json"):
        return {"type": "object"}
    return {"type": "string", "contentMediaType": media_type}


_HEADERS = {"Content-Disposition": "the file's name", "ETag": "of the file"}
_MAIN, *_OTHERS = dict.fromkeys(each.media_type for each in FORMATS.values())


@blueprint.get("/<version:version>/model.<suffix>")
@blueprint.get("/<model:name>/<version:version>/model.<suffix>")
@operation(
    {
        200: ResponseSpec(
            "The file.",
            _body(_MAIN),
            media_type=_MAIN,
            others={kind: _body(kind) for kind in _OTHERS},
            headers=_HEADERS,
        ),
        304: ResponseSpec(
            "The caller has the file already, as `If-None-Match` says.", headers=_HEADERS
        ),
    },
    "invalid-input",
    "no-intervals",
    "not-exportable",
    "not-found",
    "version-refused",
    "service-unavailable",
    path=VERSION | {"suffix": {"type": "string", "enum": [*FORMATS], "description": "the format"}},
    query={
        LEVEL: {
            **Level().json_schema,
            "description": "the probability with which the true value lies in the prediction "
            "interval; without it the file computes no intervals",
        },
        FORM: {
            "type": "string",
            "enum": _FORMS,
            "description": "a variant of the format; `folded` ONNX has one input with all "
            "features, and `MatMul`, `Add` and activations alone",
        },
    },
)
def export_version(version: str, suffix: str, name: str | None = None) -> Response:
    """Download a version in another form, which computes its predictions without numnet."""
    chosen = format_of(suffix)
    model = services().models.find(name)
    loaded = model.versions.require(version)
    source = _source(model.name, loaded, chosen)
    with _writing:
        content = write(source, suffix)
    response = Response(content, content_type=chosen.media_type)
    file = f"{name or 'numnet'}-{version}.{suffix}"
    response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    response.headers["Cache-Control"] = "private, no-cache"  # ask whether the file is the same
    response.add_etag()
    response.make_conditional(request)
    return response


def _source(name: str, version: LoadedVersion, chosen: Format) -> Source:
    """Return what the query parameters ask for.

    Raises
    ------
    InvalidInput, NoIntervals
    """
    parameters, refusals = request.args, version.reader.refusals
    options.check_names(version, parameters, LEVEL, FORM)
    interval = options.interval(version, parameters, LEVEL)
    form = parameters.get(FORM, "")
    if form not in ("", *chosen.forms):
        expected = " or ".join(chosen.forms) or "none, as the format has only one"
        raise refusals.wrong_parameter(FORM, f"must be {expected}, got {shown(form)}")
    return Source(
        name,
        int(version.number),
        version.model,
        version.card,
        version.calibration,
        interval.level if interval else None,
        form,
    )
