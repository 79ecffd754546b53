"""`/v2`: the Open Inference Protocol, with Triton's binary tensors.

Source: Open Inference Protocol, inference_rest.md; Triton, docs/protocol.
"""

from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest

from config import VERSION
from service.model.loaded_version import LoadedVersion
from service.model.prediction import choose_version, predict_rows
from service.openapi.contract import BodySpec, ResponseSpec, operation
from service.openapi.json_schema import TEXT, array, closed, same
from service.protocols import triton_statistics
from service.protocols.error_formats import INFERENCE
from service.protocols.model_address import (
    NAME,
    find_version,
    model_operation,
)
from service.protocols.tensors import request as tensor_request
from service.protocols.tensors import response as tensor_response
from service.protocols.tensors import schemas as tensor_schemas
from service.protocols.tensors.values import BY_KIND
from service.services import services
from service.telemetry.request_context import RequestContext
from service.web.bodies import JSON, parse, read_body
from service.web.errors import InvalidInference, PredictionNotFinite
from service.web.responses import compress, json_response, response_in_parts
from service.web.tokens.authorization import may_read

blueprint = Blueprint("v2", __name__, url_prefix="/v2")

PLATFORM = "numnet"
EXTENSIONS = ["binary_tensor_data", "model_configuration", "model_repository", "statistics"]
JSON_LENGTH = "Inference-Header-Content-Length"
_BYTES = "application/octet-stream"
_BINARY = {_BYTES: {"type": "string", "minLength": 1, "contentMediaType": _BYTES}}
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


@blueprint.get("", strict_slashes=False)
@operation({200: ResponseSpec("The server.", _SERVER)}, dialect=INFERENCE)
def server() -> Response:
    """Return the server's name, version and protocol extensions."""
    return json_response({"name": "numnet", "version": VERSION, "extensions": EXTENSIONS})


@blueprint.get("/health/live")
@operation(
    {200: ResponseSpec("The process is running.", closed({"live": same(True)}))}, dialect=INFERENCE
)
def live() -> Response:
    """Report that the process is running, with or without a model."""
    return json_response({"live": True})


@blueprint.get("/health/ready")
@operation(
    {200: ResponseSpec("A verified version is loaded.", closed({"ready": same(True)}))},
    "no-model",
    dialect=INFERENCE,
)
def ready() -> Response:
    """Report whether a verified version is loaded: 200 or 503."""
    services().models.default.current_version.require()
    return json_response({"ready": True})


@blueprint.get("/models/<name>/ready")
@blueprint.get("/models/<name>/versions/<version>/ready")
@model_operation(
    INFERENCE,
    {200: ResponseSpec("The version is ready.", closed({"name": NAME, "ready": same(True)}))},
)
def model_ready(name: str, version: str | None = None) -> Response:
    """Report whether a version is ready: 200, or an error with the reason."""
    find_version(name, version)
    return json_response({"name": name, "ready": True})


@blueprint.get("/models/<name>")
@blueprint.get("/models/<name>/versions/<version>")
@model_operation(
    INFERENCE, {200: ResponseSpec("The tensors.", tensor_schemas.metadata, links=_LINKS)}
)
def metadata(name: str, version: str | None = None) -> Response:
    """Describe the model: its versions, and the input and output tensors of one version."""
    model = services().models.find(name)
    found = model.versions.require(version)
    versions = {*model.registry.versions(), int(found.number)}
    return json_response(
        {
            "name": name,
            "versions": [str(each) for each in sorted(versions)],
            "platform": PLATFORM,
            "inputs": _inputs(found),
            "outputs": _outputs(found),
        }
    )


@blueprint.get("/models/<name>/config")
@blueprint.get("/models/<name>/versions/<version>/config")
@model_operation(INFERENCE, {200: ResponseSpec("The configuration.", tensor_schemas.config)})
def config(name: str, version: str | None = None) -> Response:
    """Describe the model in the format of Triton's configuration."""
    found = find_version(name, version)
    row_bytes = 8 * len(found.model.features)
    return json_response(
        {
            "name": name,
            "platform": PLATFORM,
            "backend": PLATFORM,
            "version_policy": {"all": {}},
            "max_batch_size": services().settings.max_body_bytes // row_bytes,
            "input": [_configured(each) for each in _inputs(found)],
            "output": [_configured(each) for each in _outputs(found)],
        }
    )


@blueprint.get("/models/stats")
@blueprint.get("/models/<name>/stats")
@blueprint.get("/models/<name>/versions/<version>/stats")
@model_operation(INFERENCE, {200: ResponseSpec("The statistics.", triton_statistics.SHAPE)})
def model_statistics(name: str | None = None, version: str | None = None) -> Response:
    """Return the number of requests and rows of each version, and their total time."""
    ours = services()
    default = ours.models.default
    found = find_version(name, version) if name is not None else default.current_version.current()
    statistics = triton_statistics.Statistics(ours.telemetry.counters)
    counted = {} if version else statistics.versions()
    asked = name or default.name
    versions = {asked: counted.pop(asked, set()) | ({found.number} if found else set())}
    if name is None:
        versions |= dict(sorted(counted.items()))
    return json_response(
        statistics.of({each: versions[each] for each in versions if may_read(each)})
    )


@blueprint.post("/models/<name>/infer")
@blueprint.post("/models/<name>/versions/<version>/infer")
@model_operation(
    INFERENCE,
    {
        200: ResponseSpec(
            "The output tensors.",
            tensor_schemas.response,
            others=_BINARY,
            headers={JSON_LENGTH: "size of the JSON before the binary tensors, in bytes"},
        )
    },
    body=BodySpec({"application/json": tensor_schemas.request, **_BINARY}),
    headers={
        JSON_LENGTH: {
            "type": "string",
            "pattern": "^[0-9]{1,11}$",
            "description": "size of the JSON in bytes, if binary tensors follow it",
        }
    },
    schemas=tensor_schemas.named,
)
def infer(name: str, version: str | None = None) -> Response:
    """Predict for rows in tensors, as JSON or binary."""
    context = RequestContext.from_environ(request.environ)
    found = choose_version(services().models.find(name), context, version)
    inference = tensor_request.read(*_json_and_binary(found), found)
    try:
        with_ends = any(output.interval for output in inference.outputs.values())
        prediction = predict_rows(found, inference.X, context, scale=with_ends)
    except PredictionNotFinite as error:
        raise InvalidInference(
            f"row {error.rows[0]} is too far outside the range seen in training: its prediction is "
            "not finite"
        ) from None
    parts, json_bytes = tensor_response.write(
        prediction, inference.outputs, model_name=name, request_id=inference.id
    )
    media_type, headers = JSON, dict[str, str]()
    if json_bytes is not None:
        media_type, headers = _BYTES, {JSON_LENGTH: str(json_bytes)}
    return compress(response_in_parts(parts, len(prediction.Y), media_type, headers))


def _json_and_binary(version: LoadedVersion) -> tuple[object, bytes]:
    """Return the body's JSON, parsed, and the bytes that follow it or are all there is."""
    body = read_body()
    length = request.headers.get(JSON_LENGTH)
    if length is None:
        try:
            return parse(body), b""
        except BadRequest:
            if not body or request.mimetype != _BYTES:
                raise
            return tensor_request.raw(body, version.reader)
    if not (length.isascii() and length.isdecimal() and len(length) < 12):
        raise BadRequest(f"{JSON_LENGTH} is {length[:40]}; expected the size of the JSON in bytes")
    if int(length) > len(body):
        raise BadRequest(f"{JSON_LENGTH} is {length}, but the body has only {len(body):,} bytes")
    if not int(length):
        if request.mimetype == JSON:
            raise BadRequest(f"{JSON_LENGTH} is {length}, but the Content-Type is {JSON}")
        return tensor_request.raw(body, version.reader)
    return parse(body[: int(length)]), body[int(length) :]


def _inputs(version: LoadedVersion) -> list[dict[str, Any]]:
    """Return the metadata of the tensor with all features, or of one tensor for each.

    The size −1 stands for any number of rows.
    """
    columns = version.model.columns
    if not tensor_request.has_matrix(version.reader):
        return [_tensor(each.name, 1, BY_KIND[each.kind][0]) for each in columns]
    features = list(version.model.features)
    return [_tensor(tensor_request.MATRIX, len(columns)) | {"parameters": {"features": features}}]


def _outputs(version: LoadedVersion) -> list[dict[str, Any]]:
    """Return the metadata of a tensor per target, and of the ends of intervals."""
    targets = list(version.model.targets)
    ends = tensor_response.output_names(version)[len(targets) :]
    return [_tensor(target, 1) for target in targets] + [
        _tensor(end, len(targets)) | {"parameters": {"targets": targets}} for end in ends
    ]


def _tensor(name: str, columns: int, datatype: str = "FP64") -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [-1, columns]}


def _configured(tensor: dict[str, Any]) -> dict[str, Any]:
    """Return a tensor as Triton's configuration describes it, without the rows."""
    return {
        "name": tensor["name"],
        "data_type": f"TYPE_{tensor['datatype']}".replace("BYTES", "STRING"),
        "dims": tensor["shape"][1:],
    }
