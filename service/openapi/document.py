"""The API in OpenAPI 3.1, with the features of the current version.

Made of what is there: Flask's routes, the views' docstrings, what `service.openapi.contract` says
beside them, and the marshmallow schemas that bodies are checked with.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

import orjson
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from marshmallow import Schema, fields
from werkzeug.routing import Rule

from config import VERSION
from service.model.loaded_version import LoadedVersion
from service.openapi.contract import Answer, Dialect, JsonSchema, Operation, operation_of
from service.web import problems
from service.web.admin_token import is_admin_only

ABOUT = (
    "Predictions by small neural networks, their versions, and retraining.\n\n"
    "A caller's `X-Request-ID`, of 1 to 128 letters, digits or `._:/+=@-`, comes back in the "
    "answer and is in the log; else one is made. An address that does not exist answers 404 as a "
    "problem document (RFC 9457)."
)
_ARGUMENT = re.compile(r"<(?:[^:<>]+:)?(\w+)>")  # in a rule of Flask's
_HEAD = {"X-Request-ID": "X-Request-ID"}


class Document:
    """The document of an application, made again where another version is in use."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._made: tuple[LoadedVersion | None, bytes] | None = None

    def content(self, version: LoadedVersion | None) -> bytes:
        """The document as JSON.

        Parameters
        ----------
        version : the version in use, if there is one
        """
        made = self._made
        if made is None or made[0] is not version:
            self._made = made = version, orjson.dumps(document(self._app, version))
        return made[1]


def document(app: Flask, version: LoadedVersion | None) -> JsonSchema:
    """The OpenAPI document.

    Parameters
    ----------
    version : whose features and targets it has; without one, rows are of any
    """
    plugin = MarshmallowPlugin(schema_name_resolver=lambda schema: _class(schema).__name__)
    spec = APISpec(
        title="numnet",
        version=VERSION,
        openapi_version="3.1.0",
        info={"description": ABOUT, "license": {"name": "MIT", "identifier": "MIT"}},
        plugins=[plugin],
    )
    plugin.converter.add_attribute_function(_own_words)  # type: ignore[union-attr]
    spec.components.header(
        "X-Request-ID",
        {"description": "the request's id", "required": True, "schema": {"type": "string"}},
    )
    spec.components.security_scheme(
        "admin", {"type": "http", "scheme": "bearer", "description": "the admin token"}
    )
    for slug in problems.PROBLEMS:
        spec.components.schema(problems.schema_name(slug), schema=problems.schema_of(slug))
    named: dict[str, Schema | JsonSchema] = {}
    for rule, view, described in described_rules(app):
        with app.app_context():
            named |= described.schemas(version)
        shaped = described.of(None if "version" in rule.arguments else version)
        for method in methods_of(rule):
            made = {"operationId": name_of(rule, method), **_operation(rule, view, shaped)}
            spec.path(path=path_of(rule), operations={method.lower(): made})
    for name, schema in named.items():
        if isinstance(schema, Schema):
            spec.components.schema(name, schema=schema)
        else:
            spec.components.schema(name, schema)
    return spec.to_dict()


def described_rules(app: Flask) -> Iterator[tuple[Rule, Callable[..., Any], Operation]]:
    """The routes whose views are described."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if described := operation_of(view):
            yield rule, view, described


def path_of(rule: Rule) -> str:
    """A route's path as OpenAPI writes it."""
    return _ARGUMENT.sub(r"{\1}", rule.rule)


def methods_of(rule: Rule) -> list[str]:
    """A route's methods but for those that Flask answers by itself."""
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def name_of(rule: Rule, method: str) -> str:
    """An operation's name: its view's, and which it is where a view answers several."""
    rules = rule.map.iter_rules(rule.endpoint)
    several = len(methods_of(rule)) > 1 or len(list(rules)) > 1
    return f"{rule.endpoint}:{method} {path_of(rule)}" if several else rule.endpoint


def problem_slugs(view: Callable[..., Any], described: Operation) -> list[str]:
    """All types of problem that an endpoint may answer, in the order of their statuses."""
    slugs = [*described.problems, *problems.OF_ANY_REQUEST]
    if described.body:
        slugs += problems.OF_A_BODY
    if is_admin_only(view):
        slugs += problems.OF_ADMINS
    known = problems.PROBLEMS
    return [slug for slug in known if slug in slugs and known[slug].status not in described.answers]


def _operation(rule: Rule, view: Callable[..., Any], described: Operation) -> JsonSchema:
    summary, _, description = (view.__doc__ or "").strip().partition("\n")
    made: JsonSchema = {
        "tags": [rule.endpoint.partition(".")[0]],
        "summary": summary.removesuffix("."),
        "parameters": list(_parameters(rule, described)),
        "responses": {
            **{str(status): _answer(answer) for status, answer in described.answers.items()},
            **_errors(problem_slugs(view, described), described.dialect),
        },
    }
    if description:
        made["description"] = " ".join(description.split())
    if described.body:
        content = {kind: {"schema": shape} for kind, shape in described.body.shapes.items()}
        if described.body.example is not None:
            content["application/json"]["example"] = described.body.example
        made["requestBody"] = {"required": described.body.required, "content": content}
    if is_admin_only(view):
        made["security"] = [{"admin": []}]
    return made


def _parameters(rule: Rule, described: Operation) -> Iterator[JsonSchema]:
    path = {name: described.path.get(name, {"type": "string"}) for name in sorted(rule.arguments)}
    for place, named in (
        ("path", path),
        ("query", described.query),
        ("header", described.headers),
    ):
        for name, schema in named.items():
            about = {key: value for key, value in schema.items() if key == "description"}
            rest = {key: value for key, value in schema.items() if key != "description"}
            yield {"name": name, "in": place, "required": place == "path", "schema": rest, **about}


def _answer(answer: Answer) -> JsonSchema:
    made: JsonSchema = {
        "description": answer.description,
        "headers": {**_HEAD, **_headers(answer.headers)},
    }
    if answer.shape is not None:
        media = {"schema": answer.shape}
        if answer.example is not None:
            media["example"] = answer.example
        made["content"] = {
            answer.media_type: media,
            **{kind: {"schema": shape} for kind, shape in answer.others.items()},
        }
    if answer.links:
        made["links"] = dict(answer.links)
    return made


def _errors(slugs: list[str], dialect: Dialect | None) -> dict[str, JsonSchema]:
    """One answer for each status, of any of its problems, maybe in a dialect."""
    made = {}
    statuses = dialect.statuses if dialect else {}

    def status_of(slug: str) -> int:
        status = problems.PROBLEMS[slug].status
        return statuses.get(status, status)

    for status, group in groupby(sorted(slugs, key=status_of), key=status_of):
        same = list(group)
        shapes = [{"$ref": f"#/components/schemas/{problems.schema_name(slug)}"} for slug in same]
        headers: dict[str, str] = {}
        for slug in same:
            headers |= problems.PROBLEMS[slug].headers
        when = "; or ".join(problems.PROBLEMS[slug].when for slug in same)
        made[str(status)] = {
            "description": when[0].upper() + when[1:] + ".",
            "headers": {**_HEAD, **_headers(headers)},
            "content": {"application/json": {"schema": dialect.shape}}
            if dialect
            else {
                "application/problem+json": {
                    "schema": shapes[0] if len(shapes) == 1 else {"oneOf": shapes}
                }
            },
        }
    return made


def _headers(named: Mapping[str, str]) -> dict[str, JsonSchema]:
    return {
        name: {"description": about, "schema": {"type": "string"}} for name, about in named.items()
    }


def _own_words(converter: Any, field: fields.Field[Any], **_: Any) -> JsonSchema:
    """What a field of ours says of itself."""
    words: JsonSchema = getattr(field, "json_schema", {})
    return words


def _class(schema: Any) -> type[Schema]:
    return schema if isinstance(schema, type) else type(schema)
