"""Every type of problem that is answered, as the OpenAPI document lists them."""

from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema, fields, validate

PREFIX = "/problems/"


@dataclass(frozen=True)
class Problem:
    """A type of problem document.

    Attributes
    ----------
    status : HTTP's
    when : it is answered
    members : the document's, beside `type`, `title`, `status` and `detail`
    headers : what each header beside `X-Request-ID` says
    """

    status: int
    when: str
    members: dict[str, fields.Field[Any]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class WrongValue(Schema):
    """Where a value is wrong: in the body, or in a query parameter or header; and how."""

    pointer = fields.String(metadata={"description": "into the body (RFC 6901)"})
    parameter = fields.String(metadata={"description": "name of a query parameter or header"})
    detail = fields.String(required=True)


_RETRY = {"Retry-After": "seconds after which to ask again"}
_JOB: dict[str, fields.Field[Any]] = {
    "job": fields.String(
        required=True, allow_none=True, metadata={"description": "address of that job"}
    )
}
_RELATED = {"Link": "address of that job, as `related`"}

PROBLEMS = {
    "bad-request": Problem(
        400, "the body is not what its type says, does not inflate, or is empty"
    ),
    "unauthorized": Problem(
        401, "the admin token is missing", headers={"WWW-Authenticate": "Bearer"}
    ),
    "forbidden": Problem(403, "the admin token is wrong"),
    "not-found": Problem(404, "there is no such version or job"),
    "method-not-allowed": Problem(
        405,
        "the address does not take this method",
        headers={"Allow": "the methods that it takes"},
    ),
    "request-timeout": Problem(408, "the request did not come in time"),
    "version-refused": Problem(409, "the version's file does not verify"),
    "nothing-before": Problem(409, "no version was current before"),
    "no-intervals": Problem(409, "the version has nothing to make intervals of"),
    "job-active": Problem(409, "another job waits or runs", _JOB, _RELATED),
    "job-finished": Problem(409, "the job is finished already", _JOB, _RELATED),
    "content-too-large": Problem(413, "the body is larger than is taken"),
    "unsupported-media-type": Problem(415, "the body's type or encoding is not taken"),
    "misdirected-request": Problem(421, "this service goes by another host"),
    "invalid-input": Problem(
        422,
        "values are wrong; each is named, up to 20",
        {
            "errors": fields.List(
                fields.Nested(WrongValue), required=True, validate=validate.Length(1, 20)
            ),
            "example": fields.Dict(
                required=True, metadata={"description": "a body that would be taken"}
            ),
        },
    ),
    "internal-server-error": Problem(500, "an error in the service; its log has it"),
    "not-implemented": Problem(501, "there is no such thing here"),
    "no-model": Problem(503, "no version is loaded", headers=_RETRY),
    "service-unavailable": Problem(
        503,
        "what the answer needs cannot be used at the moment, too much is asked at a time, or it "
        "took too long",
        headers=_RETRY,
    ),
}
OF_ANY_REQUEST = (
    "method-not-allowed",
    "request-timeout",
    "misdirected-request",
    "internal-server-error",
    "service-unavailable",
)
OF_A_BODY = ("bad-request", "content-too-large", "unsupported-media-type")
OF_ADMINS = ("unauthorized", "forbidden", "service-unavailable")


def schema_name(slug: str) -> str:
    """The name of its schema in the document: `NoModel` of `no-model`."""
    return "".join(word.capitalize() for word in slug.split("-"))


def schema_of(slug: str) -> Schema:
    """The shape of its documents."""
    problem = PROBLEMS[slug]
    members: dict[str, fields.Field[Any]] = {
        "type": fields.String(required=True, validate=validate.Equal(PREFIX + slug)),
        "title": fields.String(required=True),
        "status": fields.Integer(required=True, validate=validate.Equal(problem.status)),
        "detail": fields.String(
            required=True, metadata={"description": "what was wrong, in words"}
        ),
    }
    return Schema.from_dict({**members, **problem.members}, name=schema_name(slug))()
