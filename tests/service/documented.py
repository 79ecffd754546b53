"""A test client that compares accepted requests and all responses with the OpenAPI document."""

import re
from typing import Any

import orjson
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse
from werkzeug.wrappers import Request

from service.api.predict import TABLES
from service.openapi.contract import operation_of
from service.openapi.document import document, path_of
from service.protocols import json_lines
from service.protocols.open_inference import JSON_LENGTH
from service.services import services_of
from service.web.tokens.scopes import MODEL_HEADER

MAX_BYTES = 100_000  # of a body that is validated: 100,000 rows would take twenty seconds


class DocumentedClient(FlaskClient):
    """Fails if a response, or an accepted JSON body, is not as documented.

    Attributes
    ----------
    met : method, path and status of the answers so far, as the document has them
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.met: set[tuple[str, str, int]] = set()

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        answer = super().open(*args, **kwargs)
        request = answer.request
        if found := _documented_path(self.application, request.path, request.method):
            path, model = found
            if path == "/invocations":
                model = request.headers.get(MODEL_HEADER)
            api = document_of(self.application)
            if model is not None:
                api = document_of_model(self.application, model)
            assert_documented(api, request.method, path, answer)
            if answer.status_code < 300:
                assert_documented_body(api, request, path)
            self.met.add((request.method, path, answer.status_code))
        return answer


def document_of(app: Flask) -> dict[str, Any]:
    """Return the document of the service and its default model."""
    return _document(app, services_of(app).models.default.name, one_model=False)


def document_of_model(app: Flask, name: str) -> dict[str, Any]:
    """Return the document of one model, which need not exist."""
    return _document(app, name, one_model=True)


def _document(app: Flask, name: str, *, one_model: bool) -> dict[str, Any]:
    """Return the document of the loaded version; asking for the current one might load another."""
    services = services_of(app)
    opened = services.models.if_opened(name)
    version = opened.current_version.if_unchanged() if opened else None
    model = version and version.model
    names = model and (model.columns, model.targets)  # the ranges do not matter
    settings = services.settings
    has_intervals = version and version.calibration is not None
    key = (
        *(name, one_model, settings.unseen_categories, bool(settings.read_token)),
        bool(settings.tokens_file),
        *(names, has_intervals, version and version.reader.others),
    )
    if key not in _documents:
        _documents[key] = document(app, version, name, one_model)
    return _documents[key]


_documents: dict[object, dict[str, Any]] = {}


def assert_documented(api: dict[str, Any], method: str, path: str, answer: TestResponse) -> None:
    """Check status, headers, media type and body."""
    operation = api["paths"][path]["get" if method == "HEAD" else method.lower()]
    described = operation["responses"].get(str(answer.status_code))
    assert described, f"{method} {path} answers {answer.status_code}, which is not documented"
    assert answer.headers["X-Request-ID"]
    for name in ("Location", "Retry-After", "WWW-Authenticate", "Link", "Content-Disposition"):
        assert name not in answer.headers or name in described["headers"], name
    if method == "HEAD":
        return
    content = described.get("content")
    if content is None:
        assert answer.data == b""
        return
    media_type = answer.headers["Content-Type"]
    assert media_type in content, f"{method} {path}: {media_type}"
    schema = content[media_type]["schema"]
    if "Content-Encoding" in answer.headers:
        return
    if media_type.endswith("json") and answer.data.strip() and len(answer.data) < MAX_BYTES:
        _validate(api, schema, orjson.loads(answer.data))
    elif media_type == "text/event-stream" and not answer.is_streamed:
        for event in filter(None, answer.text.split("\n\n")):
            assert_documented_event(api, event)


def assert_documented_body(api: dict[str, Any], request: Request, path: str) -> None:
    """Check the JSON of an accepted request, whatever its Content-Type."""
    described = api["paths"][path].get(request.method.lower(), {}).get("requestBody")
    if described is None or "Content-Encoding" in request.headers:
        return
    if not any(kind.endswith("json") for kind in described["content"]):
        return  # it takes files
    sent = request.environ["wsgi.input"]
    sent.seek(0)
    body = sent.read(MAX_BYTES)[: int(request.headers.get(JSON_LENGTH, MAX_BYTES))]
    is_json = request.mimetype not in (*TABLES, *json_lines.MEDIA_TYPES)
    if request.mimetype == "application/octet-stream" or JSON_LENGTH in request.headers:
        is_json = body.startswith(b"{")  # otherwise the body is a tensor
    assert body or not is_json or not described["required"]
    if 0 < len(body) < MAX_BYTES and is_json:
        _validate(api, described["content"]["application/json"]["schema"], orjson.loads(body))


def assert_documented_event(api: dict[str, Any], event: str) -> None:
    """Check one event of a job's stream."""
    fields = dict(re.findall(r"^(\w+): (.*)$", event, flags=re.M))
    schema = api["paths"]["/retrain/{job_id}/events"]["get"]["responses"]["200"]["content"][
        "text/event-stream"
    ]["schema"]
    _validate(api, schema, fields)
    data = schema["properties"]["data"]["contentSchema"]
    _validate(api, data, orjson.loads(fields["data"]))


def _documented_path(app: Flask, path: str, method: str) -> tuple[str, str | None] | None:
    """Return the path as the document has it, and the model whose document that is."""
    try:
        rule, given = app.url_map.bind("").match(path, method, return_rule=True)
    except HTTPException:
        return None
    described = operation_of(app.view_functions[rule.endpoint])
    if not described or method == "OPTIONS":
        return None
    name = given.get("name")
    if name == services_of(app).models.default.name and "<model:" not in rule.rule:
        name = None
    return path_of(rule, name or ""), name


def _validate(api: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    Draft202012Validator(
        {**schema, "components": api["components"]},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    ).validate(value)
