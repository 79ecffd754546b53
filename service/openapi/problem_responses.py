"""The error responses of an operation, and the schemas of problem documents."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from marshmallow import Schema, fields, validate

from service.openapi.contract import Dialect, JsonSchema, Operation, ref
from service.web.problems import MEDIA_TYPE, PREFIX, PROBLEMS

_ANY_REQUEST = (
    "method-not-allowed",
    "request-timeout",
    "misdirected-request",
    "internal-server-error",
    "service-unavailable",
)
_ANY_BODY = ("bad-request", "content-too-large", "unsupported-media-type")
_WITH_TOKEN = ("unauthorized", "forbidden", "too-many-requests")


def schema_name(slug: str) -> str:
    """Return the name of a problem's schema: `NoModel` for `no-model`."""
    return "".join(word.capitalize() for word in slug.split("-"))


def problem_schema(slug: str) -> Schema:
    """Return the schema of a problem's documents."""
    problem = PROBLEMS[slug]
    members: dict[str, fields.Field[Any]] = {
        "type": fields.String(required=True, validate=validate.Equal(PREFIX + slug)),
        "title": fields.String(required=True),
        "status": fields.Integer(required=True, validate=validate.Equal(problem.status)),
        "detail": fields.String(required=True, metadata={"description": "what was wrong"}),
    }
    return Schema.from_dict({**members, **problem.members}, name=schema_name(slug))()


def problem_slugs(operation: Operation, *, needs_token: bool) -> list[str]:
    """Return the types of problem that an endpoint may answer, in the order of their statuses."""
    slugs = [*operation.problems, *_ANY_REQUEST]
    if operation.body:
        slugs += _ANY_BODY
    if needs_token:
        slugs += _WITH_TOKEN
    return [
        slug
        for slug, problem in PROBLEMS.items()
        if slug in slugs and problem.status not in operation.responses
    ]


def error_responses(slugs: list[str], dialect: Dialect | None) -> dict[str, JsonSchema]:
    """Return one response object per status, for all problems with that status.

    Parameters
    ----------
    dialect : the format of the errors; None for problem documents
    """
    statuses = dialect.statuses if dialect else {}

    def status_of(slug: str) -> int:
        status = PROBLEMS[slug].status
        return statuses.get(status, status)

    return {
        str(status): _response(list(group), dialect)
        for status, group in groupby(sorted(slugs, key=status_of), key=status_of)
    }


def _response(slugs: list[str], dialect: Dialect | None) -> JsonSchema:
    problems = [PROBLEMS[slug] for slug in slugs]
    causes = "; or ".join(problem.when for problem in problems)
    headers: dict[str, str] = {}
    for problem in problems:
        headers |= problem.headers
    if dialect:
        content = {"application/json": {"schema": dialect.shape}}
    else:
        shapes = [ref(schema_name(slug)) for slug in slugs]
        content = {MEDIA_TYPE: {"schema": shapes[0] if len(shapes) == 1 else {"oneOf": shapes}}}
    return {
        "description": causes[0].upper() + causes[1:] + ".",
        "headers": header_objects(headers),
        "content": content,
    }


def header_objects(descriptions: Mapping[str, str]) -> dict[str, JsonSchema | str]:
    """Return the headers of a response: `X-Request-ID`, and others by their descriptions."""
    described = {
        name: {"description": description, "schema": {"type": "string"}}
        for name, description in descriptions.items()
    }
    return {"X-Request-ID": "X-Request-ID", **described}
