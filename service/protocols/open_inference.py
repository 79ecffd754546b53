"""`/v2`: the Open Inference Protocol, with Triton's binary tensors, for one model.

Source: Open Inference Protocol, inference_rest.md; Triton, docs/protocol.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, request
from marshmallow import EXCLUDE, Schema, ValidationError, fields
from werkzeug.exceptions import BadRequest

from config import VERSION
from registry import Registry, StorageError, VersionNotFound, VersionRefused
from service.model.current_version import LiveModel, Served
from service.model.prediction import note_rows
from service.openapi.contract import Answer, Body, JsonSchema, operation
from service.openapi.json_schema import TEXT, array, closed, one_of, same
from service.protocols import error_formats, tensor_schemas, tensors, triton_statistics
from service.protocols.error_formats import INFERENCE, NAME, check_name, model_operation, version_of
from service.telemetry.request_context import RequestContext
from service.telemetry.telemetry import Telemetry
from service.web.admin_token import admin_only
from service.web.bodies import compressed, json_answer, parse, read_body
from service.web.errors import NotSupported
from service.web.fields import Flag

blueprint = Blueprint("v2", __name__, url_prefix="/v2")

PLATFORM = "numnet"
EXTENSIONS = ["binary_tensor_data", "model_configuration", "model_repository", "statistics"]
JSON_LENGTH = "Inference-Header-Content-Length"
_BYTES = "application/octet-stream"
_BINARY = {_BYTES: {"type": "string", "minLength": 1, "contentMediaType": _BYTES}}
_VERSION = {"name": NAME, "version": error_formats.NUMBER}
_ENTRY = closed({**_VERSION, "state": one_of(("READY", "UNAVAILABLE")), "reason": TEXT})
_READY = closed({"name": NAME, "ready": same(True)})
_SERVER = closed({"name": same("numnet"), "version": TEXT, "extensions": array(TEXT)})
_LINKS = {
    view: {
        "operationId": f"v2.{view}:{method} /v2/models/{{name}}/versions/{{version}}{path}",
        "parameters": {"name": "$request.path.name", "version": "$response.body#/versions/0"},
    }
    for view, method, path in (
        ("model_ready", "GET", "/ready"),
        ("config", "GET", "/config"),
        ("infer", "POST", "/infer"),
    )
}


def _infer_schemas(served: Served | None) -> Mapping[str, JsonSchema]:
    return {**error_formats.named(served), "TensorValues": tensor_schemas.values()}


class _Body(Schema):
    class Meta:
        unknown = EXCLUDE

    error_messages = {"type": "must be an object"}


class IndexBody(_Body):
    """Which versions are to be listed."""

    ready = Flag(load_default=False)


class _Nothing(fields.Field[dict[str, Any]]):
    json_schema: JsonSchema = {"type": "object", "maxProperties": 0}
    default_error_messages = {"null": "must be empty or left out, got null"}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        if value != {}:
            raise ValidationError("must be empty: load takes none, as training publishes versions")
        return {}


class LoadBody(_Body):
    """What Triton's clients send along."""

    parameters = _Nothing()


@blueprint.get("", strict_slashes=False)
@operation({200: Answer("The server.", _SERVER)}, dialect=INFERENCE)
def server() -> Response:
    """Name the server, its version and the extensions of the protocol that it has."""
    return json_answer({"name": "numnet", "version": VERSION, "extensions": EXTENSIONS})


@blueprint.get("/health/live")
@operation({200: Answer("The process lives.", closed({"live": same(True)}))}, dialect=INFERENCE)
def live() -> Response:
    """Say that the process lives; 200 whether or not there is a model."""
    return json_answer({"live": True})


@blueprint.get("/health/ready")
@operation(
    {200: Answer("A verified model is loaded.", closed({"ready": same(True)}))},
    "no-model",
    dialect=INFERENCE,
)
def ready() -> Response:
    """Say whether a verified model is loaded: 200 or 503."""
    _live_model().require()
    return json_answer({"ready": True})


@blueprint.get("/models/<name>/ready")
@blueprint.get("/models/<name>/versions/<version>/ready")
@model_operation(
    INFERENCE, {200: Answer("It can be asked.", closed({"name": NAME, "ready": same(True)}))}
)
def model_ready(name: str, version: str | None = None) -> Response:
    """Say whether a version can be asked: 200, or why not."""
    version_of(name, version)
    return json_answer({"name": name, "ready": True})


@blueprint.get("/models/<name>")
@blueprint.get("/models/<name>/versions/<version>")
@model_operation(INFERENCE, {200: Answer("The tensors.", tensor_schemas.metadata, links=_LINKS)})
def metadata(name: str, version: str | None = None) -> Response:
    """Describe the model: its versions, and the tensors that one of them takes and gives."""
    found = version_of(name, version)
    versions = {*_registry().versions(), int(found.version)}
    return json_answer(
        {
            "name": name,
            "versions": [str(each) for each in sorted(versions)],
            "platform": PLATFORM,
            **tensors.described(found.inputs.model, found.calibration),
        }
    )


@blueprint.get("/models/<name>/config")
@blueprint.get("/models/<name>/versions/<version>/config")
@model_operation(INFERENCE, {200: Answer("The configuration.", tensor_schemas.config)})
def config(name: str, version: str | None = None) -> Response:
    """Describe the model as Triton's configuration does."""
    found = version_of(name, version)
    described = tensors.described(found.inputs.model, found.calibration)
    (matrix,) = described["inputs"]
    return json_answer(
        {
            "name": name,
            "platform": PLATFORM,
            "backend": PLATFORM,
            "version_policy": {"all": {}},
            # rows that a body has room for
            "max_batch_size": current_app.config["MAX_CONTENT_LENGTH"] // (8 * matrix["shape"][1]),
            "input": [_configured(matrix)],
            "output": [_configured(each) for each in described["outputs"]],
        }
    )


@blueprint.get("/models/stats")
@blueprint.get("/models/<name>/stats")
@blueprint.get("/models/<name>/versions/<version>/stats")
@model_operation(INFERENCE, {200: Answer("The statistics.", triton_statistics.SHAPE)})
def model_statistics(name: str | None = None, version: str | None = None) -> Response:
    """Count the rows and requests that each version answered on all workers, and their time."""
    found = version_of(name, version) if name is not None else _live_model().current()
    versions = {found.version} if found else set()
    telemetry: Telemetry = current_app.extensions["telemetry"]
    counters = telemetry.counters
    if version is None:
        versions |= triton_statistics.counted_versions(counters)
    model_name = current_app.config["MODEL_NAME"]
    by_number = sorted(versions, key=int)
    return json_answer(triton_statistics.of_versions(counters, model_name, by_number))


@blueprint.post("/models/<name>/infer")
@blueprint.post("/models/<name>/versions/<version>/infer")
@model_operation(
    INFERENCE,
    {
        200: Answer(
            "The output tensors.",
            tensor_schemas.answer,
            others=_BINARY,
            headers={JSON_LENGTH: "bytes of JSON before the binary tensors"},
        )
    },
    body=Body({"application/json": tensor_schemas.request, **_BINARY}),
    headers={
        JSON_LENGTH: {
            "type": "string",
            "pattern": "^[0-9]{1,11}$",
            "description": "bytes of JSON before the binary tensors, where there are any",
        }
    },
    schemas=_infer_schemas,
)
def infer(name: str, version: str | None = None) -> Response:
    """Predict for the rows in tensors, JSON or binary."""
    found = version_of(name, version)
    RequestContext.from_environ(request.environ).version = found.version
    model = found.inputs.model
    inference = tensors.read(*_json_and_binary(), model, found.calibration)
    outside = model.outside(inference.X)
    body, json_bytes = tensors.write(inference, outside, model, name, found.version)
    note_rows(RequestContext.from_environ(request.environ), model.features, outside)
    response = Response(body, content_type="application/json")
    if json_bytes is not None:
        response.content_type = _BYTES
        response.headers[JSON_LENGTH] = str(json_bytes)
    return compressed(response)


@blueprint.post("/repository/index")
@operation(
    {200: Answer("The versions.", array(_ENTRY))},
    "service-unavailable",
    body=Body({"application/json": IndexBody}, required=False),
    dialect=INFERENCE,
)
def index() -> Response:
    """List all versions, and which of them can be asked; `{"ready": true}`: those alone."""
    only_ready = _optional(IndexBody)["ready"]
    name = current_app.config["MODEL_NAME"]
    entries = [_entry(name, version) for version in _registry().versions()]
    listed = [entry for entry in entries if entry["state"] == "READY" or not only_ready]
    return Response(orjson.dumps(listed), content_type="application/json")


@blueprint.post("/repository/models/<name>/load")
@admin_only
@model_operation(
    INFERENCE,
    {200: Answer("The version.", closed(_VERSION))},
    body=Body({"application/json": LoadBody}, required=False),
)
def load(name: str) -> Response:
    """Verify the current version's file again; nothing is to be loaded by hand."""
    check_name(name)
    _optional(LoadBody)
    served, promotion = _live_model().require(), _registry().current()
    if promotion is None:
        raise StorageError(f"the folder of models has lost version {served.version}")
    _registry().load(promotion.version, promotion.sha256)
    return json_answer({"name": name, "version": str(promotion.version)})


@blueprint.post("/repository/models/<name>/unload")
@admin_only
@operation({}, "not-implemented", "not-found", dialect=INFERENCE, path={"name": NAME})
def unload(name: str) -> Response:
    """Refuse: there is always a version to ask, once there was one."""
    check_name(name)
    raise NotSupported(
        "the model cannot be unloaded; POST /models/{version}/promote makes another version current"
    )


def _registry() -> Registry:
    registry: Registry = current_app.extensions["registry"]
    return registry


def _live_model() -> LiveModel:
    live: LiveModel = current_app.extensions["live_model"]
    return live


def _json_and_binary() -> tuple[object, bytes]:
    """The body's JSON, parsed, and what follows it."""
    body = read_body()
    length = request.headers.get(JSON_LENGTH)
    if length is None:
        return parse(body), b""
    if not (length.isascii() and length.isdecimal() and len(length) < 12):
        raise BadRequest(f"{JSON_LENGTH} is {length[:40]}; expected the JSON's length in bytes")
    if int(length) > len(body):
        raise BadRequest(f"{JSON_LENGTH} is {length}, and the body has {len(body):,} bytes")
    return parse(body[: int(length)]), body[int(length) :]


def _optional(schema: type[Schema]) -> dict[str, Any]:
    body = read_body()
    return tensors.loaded(schema(), parse(body) if body else {})


def _configured(tensor: tensors.Tensor) -> dict[str, Any]:
    """A tensor as Triton's configuration has it: without the rows."""
    return {
        "name": tensor["name"],
        "data_type": f"TYPE_{tensor['datatype']}",
        "dims": tensor["shape"][1:],
    }


def _entry(name: str, version: int) -> dict[str, str]:
    try:
        _registry().card(version)
        state, reason = "READY", ""
    except (VersionRefused, VersionNotFound) as error:
        state, reason = "UNAVAILABLE", str(error)
    except StorageError:
        state, reason = "UNAVAILABLE", "the file cannot be read"
    return {"name": name, "version": str(version), "state": state, "reason": reason}
