"""The OpenAPI 3.1 documents: of the service with its default model, and of each other model.

One document for all of a thousand models would be large, and paths could not say which rows belong
to which. So each model has its own, with the features of its current version.

It is made of Flask's routes, the views' docstrings, their `Operation`s, and the marshmallow schemas
that validate bodies.
"""

import re
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import orjson
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema, fields
from werkzeug.routing import Rule

from config import VERSION
from service.model.loaded_version import LoadedVersion
from service.openapi.contract import (
    MODEL_NAME,
    JsonSchema,
    Operation,
    ResponseSpec,
    operation_of,
)
from service.openapi.json_schema import one_of
from service.openapi.problem_responses import (
    error_responses,
    header_objects,
    problem_schema,
    problem_slugs,
    schema_name,
)
from service.web.problems import PROBLEMS
from service.web.tokens.authorization import scheme_descriptions, token_schemes
from service.web.tokens.scopes import MODEL_HEADER

ABOUT = (
    "Predictions by small neural networks, their versions, and retraining.\n\n"
    "Every response has an `X-Request-ID` header, and the log contains it: the request's own if "
    "that is 1 to 128 letters, digits or `._:/+=@-`, otherwise a new one. Unknown paths are "
    "answered with 404 and a problem document (RFC 9457).\n\n"
)
ABOUT_SERVICE = (
    ABOUT
    + "Paths without a model's name mean the default model. Every other model has a document of "
    "its own, `/models/NAME/openapi.json`, and a page, `/models/NAME/docs`."
)
ABOUT_MODEL = (
    ABOUT + "This document describes one of the models; `/openapi.json` describes the service."
)
CAPACITY = 8  # documents of models
_OF_ONE_MODEL = "<model:name>"  # in the rules that do for one model what others do for the default
_ARGUMENT = re.compile(r"<(?:[^:<>]+:)?(\w+)>")  # in a rule of Flask's


class Documents:
    """The documents of an application; remade if a current version has changed."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        # by model and whether it describes the service; the one used last comes last
        self._made: OrderedDict[tuple[str, bool], tuple[LoadedVersion | None, bytes]] = (
            OrderedDict()
        )

    def content(self, version: LoadedVersion | None, model: str, *, is_default: bool) -> bytes:
        """Return the document of a model as JSON.

        Parameters
        ----------
        version : the model's current version, if there is one
        is_default : whether to describe the service, too
        """
        key = model, is_default
        with self._lock:
            made = self._made.get(key)
            if made is None or made[0] is not version:
                one_model = not is_default
                made = version, orjson.dumps(document(self._app, version, model, one_model))
            self._made[key] = made
            self._made.move_to_end(key)
            if len(self._made) > CAPACITY:
                self._made.popitem(last=False)
        return made[1]


def document(
    app: Flask, version: LoadedVersion | None, model: str = "numnet", one_model: bool = False
) -> JsonSchema:
    """Return the OpenAPI document of the service and its default model, or of one model.

    Parameters
    ----------
    version : whose features and targets it describes; without one, rows may have any
    model : the name of the version's model
    one_model : whether to describe that model alone, with its name in the paths
    """
    spec = _empty_document(model, one_model)
    for name, description in scheme_descriptions(app).items():
        spec.components.security_scheme(
            name, {"type": "http", "scheme": "bearer", "description": description}
        )
    schemas: dict[str, Schema | JsonSchema] = {
        schema_name(slug): problem_schema(slug) for slug in PROBLEMS
    }
    schemas[MODEL_NAME] = one_of((model,))
    rules = described_rules(app, one_model)
    endpoints = Counter(rule.endpoint for rule, _, _ in rules)
    for rule, view, operation in rules:
        with app.app_context():
            schemas |= operation.schemas(version)
        shaped = operation.of_version(None if "version" in rule.arguments else version)
        tokens = token_schemes(app, view, rule.rule)
        for method in methods_of(rule):
            several = len(methods_of(rule)) > 1 or endpoints[rule.endpoint] > 1
            name = f"{rule.endpoint}:{method} {path_of(rule, model)}" if several else rule.endpoint
            made = {"operationId": name, **_operation(rule, view, shaped, tokens)}
            spec.path(path=path_of(rule, model), operations={method.lower(): made})
    for name, schema in schemas.items():
        if isinstance(schema, Schema):
            spec.components.schema(name, schema=schema)
        else:
            spec.components.schema(name, schema)
    return spec.to_dict()


def _empty_document(model: str, one_model: bool) -> APISpec:
    """Return a document with what it is about, and the header of all responses."""
    plugin = MarshmallowPlugin(schema_name_resolver=lambda schema: _class(schema).__name__)
    spec = APISpec(
        title=f"numnet: {model}" if one_model else "numnet",
        version=VERSION,
        openapi_version="3.1.0",
        info={
            "description": ABOUT_MODEL if one_model else ABOUT_SERVICE,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        servers=[
            {
                "url": "../.." if one_model else ".",  # relative to the document
                "description": "where this service is, whatever proxies strip",
            }
        ],
        plugins=[plugin],
    )
    plugin.converter.add_attribute_function(_field_schema)  # type: ignore[union-attr]
    spec.components.header(
        "X-Request-ID",
        {"description": "the request's id", "required": True, "schema": {"type": "string"}},
    )
    return spec


def described_rules(
    app: Flask, one_model: bool
) -> list[tuple[Rule, Callable[..., Any], Operation]]:
    """Return the routes whose views are described.

    Parameters
    ----------
    one_model : whether to return those that a model can be named for, and no others; if False, all
        except those that do for one model what others do for the default model
    """
    found = []
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        operation = operation_of(view)
        if operation is None:
            continue
        if not one_model:
            if _OF_ONE_MODEL not in rule.rule:
                found.append((rule, view, operation))
        elif "name" in rule.arguments or MODEL_HEADER in operation.headers:
            problems = (*operation.problems, "not-found")
            found.append((rule, view, replace(operation, problems=problems)))
    return found


def path_of(rule: Rule, model: str) -> str:
    """Return a route's path as OpenAPI writes it, with the model's name if it is of one model."""
    return _ARGUMENT.sub(r"{\1}", rule.rule.replace(_OF_ONE_MODEL, model))


def methods_of(rule: Rule) -> list[str]:
    """Return a route's methods except those that Flask answers itself."""
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


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
    names = sorted(_ARGUMENT.findall(rule.rule.replace(_OF_ONE_MODEL, "")))
    path = {name: operation.path.get(name, {"type": "string"}) for name in names}
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
