"""The OpenAPI 3.1 document, with the features of the current version.

It is made of Flask's routes, the views' docstrings, their `Operation`s, and the marshmallow schemas
that validate bodies.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema, fields
from werkzeug.routing import Rule

from config import VERSION
from service.model.loaded_version import LoadedVersion
from service.openapi.contract import JsonSchema, Operation, ResponseSpec, operation_of
from service.openapi.problem_responses import (
    error_responses,
    header_objects,
    problem_schema,
    problem_slugs,
    schema_name,
)
from service.web.problems import PROBLEMS
from service.web.tokens.authorization import authorization_of, token_schemes

ABOUT = (
    "Predictions by small neural networks, their versions, and retraining.\n\n"
    "Every response has an `X-Request-ID` header, and the log contains it: the request's own if "
    "that is 1 to 128 letters, digits or `._:/+=@-`, otherwise a new one. Unknown paths are "
    "answered with 404 and a problem document (RFC 9457)."
)
_ARGUMENT = re.compile(r"<(?:[^:<>]+:)?(\w+)>")  # in a rule of Flask's


class Document:
    """The document of an application; remade if the current version has changed."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._made: tuple[LoadedVersion | None, bytes] | None = None

    def content(self, version: LoadedVersion | None) -> bytes:
        """Return the document as JSON.

        Parameters
        ----------
        version : the current version, if there is one
        """
        made = self._made
        if made is None or made[0] is not version:
            self._made = made = version, orjson.dumps(document(self._app, version))
        return made[1]


def document(app: Flask, version: LoadedVersion | None) -> JsonSchema:
    """Return the OpenAPI document.

    Parameters
    ----------
    version : whose features and targets it describes; without one, rows may have any
    """
    plugin = MarshmallowPlugin(schema_name_resolver=lambda schema: _class(schema).__name__)
    spec = APISpec(
        title="numnet",
        version=VERSION,
        openapi_version="3.1.0",
        info={"description": ABOUT, "license": {"name": "MIT", "identifier": "MIT"}},
        servers=[{"url": ".", "description": "where this document is, whatever proxies strip"}],
        plugins=[plugin],
    )
    plugin.converter.add_attribute_function(_field_schema)  # type: ignore[union-attr]
    spec.components.header(
        "X-Request-ID",
        {"description": "the request's id", "required": True, "schema": {"type": "string"}},
    )
    for name, description in (("admin", "the admin token"), ("read", "the read token")):
        if name == "admin" or authorization_of(app).read_token:
            spec.components.security_scheme(
                name, {"type": "http", "scheme": "bearer", "description": description}
            )
    schemas: dict[str, Schema | JsonSchema] = {
        schema_name(slug): problem_schema(slug) for slug in PROBLEMS
    }
    for rule, view, operation in described_rules(app):
        with app.app_context():
            schemas |= operation.schemas(version)
        shaped = operation.of_version(None if "version" in rule.arguments else version)
        tokens = token_schemes(app, view, rule.rule)
        for method in methods_of(rule):
            made = {"operationId": name_of(rule, method), **_operation(rule, view, shaped, tokens)}
            spec.path(path=path_of(rule), operations={method.lower(): made})
    for name, schema in schemas.items():
        if isinstance(schema, Schema):
            spec.components.schema(name, schema=schema)
        else:
            spec.components.schema(name, schema)
    return spec.to_dict()


def described_rules(app: Flask) -> Iterator[tuple[Rule, Callable[..., Any], Operation]]:
    """Yield the routes whose views are described."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if operation := operation_of(view):
            yield rule, view, operation


def path_of(rule: Rule) -> str:
    """Return a route's path as OpenAPI writes it."""
    return _ARGUMENT.sub(r"{\1}", rule.rule)


def methods_of(rule: Rule) -> list[str]:
    """Return a route's methods except those that Flask answers itself."""
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def name_of(rule: Rule, method: str) -> str:
    """Return an operation's name: its view's, with method and path if the view has several."""
    rules = rule.map.iter_rules(rule.endpoint)
    several = len(methods_of(rule)) > 1 or len(list(rules)) > 1
    return f"{rule.endpoint}:{method} {path_of(rule)}" if several else rule.endpoint


def _operation(
    rule: Rule, view: Callable[..., Any], operation: Operation, tokens: list[str]
) -> JsonSchema:
    summary, _, description = (view.__doc__ or "").strip().partition("\n")
    made: JsonSchema = {
        "tags": [rule.endpoint.partition(".")[0]],
        "summary": summary.removesuffix("."),
        "parameters": list(_parameters(rule, operation)),
        "responses": {
            **{str(status): _response(spec) for status, spec in operation.responses.items()},
            **error_responses(
                problem_slugs(operation, needs_token=bool(tokens)), operation.dialect
            ),
        },
    }
    if description:
        made["description"] = " ".join(description.split())
    if operation.body:
        content = {kind: {"schema": shape} for kind, shape in operation.body.shapes.items()}
        if operation.body.example is not None:
            content["application/json"]["example"] = operation.body.example
        made["requestBody"] = {"required": operation.body.required, "content": content}
    if tokens:
        made["security"] = [{name: []} for name in tokens]
    return made


def _parameters(rule: Rule, operation: Operation) -> Iterator[JsonSchema]:
    path = {name: operation.path.get(name, {"type": "string"}) for name in sorted(rule.arguments)}
    for place, named in (
        ("path", path),
        ("query", operation.query),
        ("header", operation.headers),
    ):
        for name, schema in named.items():
            about = {key: value for key, value in schema.items() if key == "description"}
            rest = {key: value for key, value in schema.items() if key != "description"}
            yield {"name": name, "in": place, "required": place == "path", "schema": rest, **about}


def _response(spec: ResponseSpec) -> JsonSchema:
    made: JsonSchema = {
        "description": spec.description,
        "headers": header_objects(spec.headers),
    }
    if spec.shape is not None:
        media = {"schema": spec.shape}
        if spec.example is not None:
            media["example"] = spec.example
        made["content"] = {
            spec.media_type: media,
            **{kind: {"schema": shape} for kind, shape in spec.others.items()},
        }
    if spec.links:
        made["links"] = dict(spec.links)
    return made


def _field_schema(converter: Any, field: fields.Field[Any], **_: Any) -> JsonSchema:
    """Return the JSON Schema that one of our fields declares."""
    schema: JsonSchema = getattr(field, "json_schema", {})
    return schema


def _class(schema: Any) -> type[Schema]:
    return schema if isinstance(schema, type) else type(schema)
