"""Problem documents (RFC 9457), and the catalogue of their types."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
from flask import Response
from marshmallow import Schema, fields, validate

MEDIA_TYPE = "application/problem+json"
PREFIX = "/problems/"
RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True)
class Problem:
    """A type of problem document.

    Attributes
    ----------
    status : the HTTP status
    when : the cause, for the OpenAPI document
    title : by default the status's phrase
    members : members of the document besides `type`, `title`, `status` and `detail`
    headers : descriptions of the response headers besides `X-Request-ID`
    """

    status: int
    when: str
    title: str = ""
    members: dict[str, fields.Field[Any]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class WrongValue(Schema):
    """A wrong value: where it is (in the body, a query parameter or a header), and why."""

    pointer = fields.String(metadata={"description": "into the body (RFC 6901)"})
    parameter = fields.String(metadata={"description": "name of a query parameter or header"})
    detail = fields.String(required=True)


_RETRY = {"Retry-After": "seconds to wait before the next attempt"}
_JOB: dict[str, fields.Field[Any]] = {
    "job": fields.String(
        required=True, allow_none=True, metadata={"description": "path of that job"}
    )
}
_RELATED = {"Link": "relative reference to that job, with `rel=related`"}

PROBLEMS = {
    "bad-request": Problem(
        400, "the body is empty, does not decompress, or is not what its Content-Type says"
    ),
    "unauthorized": Problem(401, "the token is missing", headers={"WWW-Authenticate": "Bearer"}),
    "forbidden": Problem(403, "the token is wrong, or lacks the right"),
    "not-found": Problem(404, "the model, version or job does not exist"),
    "method-not-allowed": Problem(
        405, "the path does not support the method", headers={"Allow": "the supported methods"}
    ),
    "request-timeout": Problem(408, "the client sent the request too slowly"),
    "version-refused": Problem(409, "the version's file failed verification", "Version refused"),
    "nothing-before": Problem(409, "no other version was current before", "Nothing before"),
    "features-differ": Problem(
        409, "the previous version has other features or targets", "Features differ"
    ),
    "no-intervals": Problem(409, "the version cannot make prediction intervals", "No intervals"),
    "not-exportable": Problem(409, "the version cannot be written in this form", "Not exportable"),
    "job-active": Problem(
        409, "another job of the model is queued or running", "A job is active", _JOB, _RELATED
    ),
    "job-finished": Problem(
        409, "the job is already finished", "The job is finished", _JOB, _RELATED
    ),
    "table-exists": Problem(
        409, "another table has this name, and `replace` is not `true`", "Table exists"
    ),
    "content-too-large": Problem(
        413, "the body is larger than the limit, or has too many values, or takes too long to check"
    ),
    "unsupported-media-type": Problem(415, "the body's media type or encoding is not supported"),
    "misdirected-request": Problem(421, "the Host header names another service"),
    "invalid-input": Problem(
        422,
        "values are wrong; each is listed, up to 20",
        "Invalid input",
        {
            "errors": fields.List(
                fields.Nested(WrongValue), required=True, validate=validate.Length(1, 20)
            ),
            "example": fields.Dict(required=True, metadata={"description": "a valid body"}),
        },
    ),
    "too-many-requests": Problem(
        429, "too many wrong tokens came from the client's address", headers=_RETRY
    ),
    "internal-server-error": Problem(500, "an error in the service; its log has the details"),
    "not-implemented": Problem(501, "this part of the protocol is not implemented"),
    "no-model": Problem(503, "no version is loaded", "No model", headers=_RETRY),
    "service-unavailable": Problem(
        503,
        "the storage or database is unavailable, the service is overloaded, or the request timed "
        "out",
        headers=_RETRY,
    ),
    "insufficient-storage": Problem(507, "the disk has no room for the body"),
}


def problem(slug: str, detail: str, **members: Any) -> Response:
    """Return a response with a problem document.

    Parameters
    ----------
    slug : the type, as in `PROBLEMS`
    members : further members of the document
    """
    kind = PROBLEMS[slug]
    response = _response(slug, kind.title or _phrase(kind.status), kind.status, detail, members)
    if "Retry-After" in kind.headers:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def problem_of_status(status: int, detail: str) -> Response:
    """Return a response with a problem document of any HTTP status, titled with its phrase."""
    phrase = _phrase(status)
    return _response(phrase.lower().replace(" ", "-"), phrase, status, detail, {})


def _response(slug: str, title: str, status: int, detail: str, members: dict[str, Any]) -> Response:
    document = {"type": PREFIX + slug, "title": title, "status": status, "detail": detail}
    return Response(orjson.dumps(document | members), status, content_type=MEDIA_TYPE)


def _phrase(status: int) -> str:
    # Python before 3.13 has the older phrase for 413.
    return "Content Too Large" if status == 413 else HTTPStatus(status).phrase
