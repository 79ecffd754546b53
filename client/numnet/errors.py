"""The errors of the client.

NumnetError
├── NotConnected              no connection to the service, or it broke
├── TimedOut                  no complete response in time
├── BadResponse               the response is not one of a numnet service
│   └── Redirected            the address redirects to another one
├── JobFailed                 a retraining job ended as failed
├── JobCancelled              a retraining job was cancelled
└── Problem                   the service answered with an error; one class per type of problem
    ├── BadRequest            400  the body is not what its media type says
    ├── Unauthorized          401  the token is missing
    ├── Forbidden             403  the token is wrong, or lacks the right
    ├── NotFound              404  no such model, version or job
    ├── MethodNotAllowed      405
    ├── RequestTimeout        408  the request arrived too slowly
    ├── Conflict              409
    │   ├── VersionRefused         the version's file failed verification
    │   ├── NothingBefore          no version to roll back to
    │   ├── FeaturesDiffer         the version to roll back to has other features
    │   ├── NoIntervals            the version cannot make prediction intervals
    │   ├── NotExportable          the version cannot be written in this form
    │   ├── TableExists            another table has this name
    │   ├── JobActive              another job of the model is queued or running
    │   └── JobFinished            the job ended before
    ├── ContentTooLarge       413
    ├── UnsupportedMediaType  415
    ├── MisdirectedRequest    421  the service does not accept this host name
    ├── InvalidInput          422  wrong values, each of them named
    ├── TooManyRequests       429  too many wrong tokens
    ├── InternalServerError   500
    ├── NotSupported          501
    ├── Unavailable           503
    │   ├── NoModel                no version is loaded
    │   └── ServiceUnavailable     overloaded, or its storage or database is unavailable
    └── InsufficientStorage   507  the service's disk has no room for a table
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from numnet.records import Job

MAX_SHOWN = 3  # wrong values in a message; `errors` has all of them
MAX_LENGTH = 1_000  # of a message


class NumnetError(Exception):
    """The root of all errors of this package. The message has one line."""

    def __init__(self, message: str) -> None:
        super().__init__(_in_one_line(message))


class _Interrupted(NumnetError):
    """There is no complete response.

    Attributes
    ----------
    not_sent : whether it is certain that the service did not get the request; otherwise it may have
        been executed
    """

    def __init__(self, message: str, *, not_sent: bool = False) -> None:
        super().__init__(message)
        self.not_sent = not_sent


class NotConnected(_Interrupted):
    """There is no connection to the service, or it broke before the response was complete."""


class TimedOut(_Interrupted):
    """There was no complete response in time."""


class BadResponse(NumnetError):
    """The response is not one of a numnet service, or it was cut short."""


class Redirected(BadResponse):
    """The address redirects to another one, which the client does not follow.

    Attributes
    ----------
    location : the other address
    """

    def __init__(self, message: str, location: str) -> None:
        super().__init__(message)
        self.location = location


class JobFailed(NumnetError):
    """A retraining job failed.

    Attributes
    ----------
    job : its last state; `job.error` is the reason
    """

    def __init__(self, job: "Job") -> None:
        super().__init__(f"job {job.id} failed: {job.error or 'see the log of the trainer'}")
        self.job = job


class JobCancelled(NumnetError):
    """A retraining job was cancelled.

    Attributes
    ----------
    job : its last state
    """

    def __init__(self, job: "Job") -> None:
        super().__init__(f"job {job.id} was cancelled")
        self.job = job


@dataclass(frozen=True)
class WrongValue:
    """A wrong value in a request.

    Attributes
    ----------
    detail : what is wrong, and what was expected
    pointer : where it is in the body (RFC 6901), such as `/instances/17/x3`; "" if elsewhere
    parameter : the query parameter or header that is wrong; "" if it is in the body
    """

    detail: str
    pointer: str = ""
    parameter: str = ""

    def __str__(self) -> str:
        return f"{self.pointer or self.parameter} {self.detail}".strip()


class Problem(NumnetError):
    """The service answered with an error.

    Attributes
    ----------
    status : of HTTP
    title, detail : what kind of error it is, and what exactly was wrong
    document : the whole problem document (RFC 9457)
    request_id : under which the service's logs have the request; "" if there is none
    retry_after_seconds : when the service asks for the next attempt; None if it does not say
    errors : the wrong values, if any
    example : a valid body, if the service gave one
    """

    slug: ClassVar[str] = ""  # at the end of the problem's `type`

    def __init__(
        self,
        status: int,
        document: Mapping[str, Any],
        request_id: str = "",
        retry_after_seconds: float | None = None,
    ) -> None:
        self.status = status
        self.document = dict(document)
        self.title = str(document.get("title", ""))
        self.detail = str(document.get("detail", ""))
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds
        self.errors = tuple(_wrong_values(document.get("errors")))
        self.example: Any = document.get("example")
        super().__init__(self._message())

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = self.status, self.document, self.request_id, self.retry_after_seconds
        return type(self), arguments

    @property
    def type(self) -> str:
        """The type of the problem, such as `/problems/invalid-input`."""
        return str(self.document.get("type", ""))

    def _message(self) -> str:
        parts = [f"{self.status} {self.title}".strip()]
        parts += [self.detail] if self.detail else []
        if self.errors:
            parts.append("; ".join(map(str, self.errors[:MAX_SHOWN])))
        message = ": ".join(parts)
        if len(self.errors) > MAX_SHOWN:
            message += f"; and {len(self.errors) - MAX_SHOWN} more"
        return message


class BadRequest(Problem):
    """The body is empty, does not decompress, or is not what its media type says."""

    slug = "bad-request"


class Unauthorized(Problem):
    """The request needs a token."""

    slug = "unauthorized"


class Forbidden(Problem):
    """The token is wrong, or lacks the right; `detail` says which."""

    slug = "forbidden"


class NotFound(Problem):
    """The model, version or job does not exist."""

    slug = "not-found"


class MethodNotAllowed(Problem):
    """The path does not support the method."""

    slug = "method-not-allowed"


class RequestTimeout(Problem):
    """The request arrived too slowly."""

    slug = "request-timeout"


class Conflict(Problem):
    """The request does not fit the state of the service."""


class VersionRefused(Conflict):
    """The version's file cannot be read or failed verification; `detail` says why."""

    slug = "version-refused"


class NothingBefore(Conflict):
    """There is no previous version with other weights to roll back to."""

    slug = "nothing-before"


class FeaturesDiffer(Conflict):
    """The version to roll back to has other features or targets: `rollback(force=True)`."""

    slug = "features-differ"


class NoIntervals(Conflict):
    """The version was published without what prediction intervals need."""

    slug = "no-intervals"


class NotExportable(Conflict):
    """The version cannot be written in this form; `detail` says why."""

    slug = "not-exportable"


class TableExists(Conflict):
    """Another table has this name: `upload(replace=True)` replaces it."""

    slug = "table-exists"


class _JobConflict(Conflict):
    @property
    def job_id(self) -> str | None:
        """The id of the job that is in the way; None if the service does not say."""
        path = self.document.get("job")
        return path.rpartition("/")[2] if isinstance(path, str) else None


class JobActive(_JobConflict):
    """Another job of the model is queued or running; `job_id` is its id."""

    slug = "job-active"


class JobFinished(_JobConflict):
    """The job had ended before; `job_id` is its id."""

    slug = "job-finished"


class ContentTooLarge(Problem):
    """The body is larger than the service allows."""

    slug = "content-too-large"


class UnsupportedMediaType(Problem):
    """The service does not accept the body's media type or encoding."""

    slug = "unsupported-media-type"


class MisdirectedRequest(Problem):
    """The service does not accept requests for this host name."""

    slug = "misdirected-request"


class InvalidInput(Problem):
    """Values are wrong: `errors` names up to 20 of them, and `example` is a valid body."""

    slug = "invalid-input"


class TooManyRequests(Problem):
    """Too many wrong tokens came from this address."""

    slug = "too-many-requests"


class InternalServerError(Problem):
    """The service has a bug; its log has the details under `request_id`."""

    slug = "internal-server-error"


class NotSupported(Problem):
    """The service does not support this."""

    slug = "not-implemented"


class Unavailable(Problem):
    """The service cannot answer now."""


class NoModel(Unavailable):
    """No version was trained yet, or none can be verified."""

    slug = "no-model"


class ServiceUnavailable(Unavailable):
    """The service is overloaded, or its storage or database is unavailable."""

    slug = "service-unavailable"


class InsufficientStorage(Problem):
    """The service's disk has no room for a table."""

    slug = "insufficient-storage"


def problem(
    status: int,
    document: Mapping[str, Any],
    request_id: str = "",
    retry_after_seconds: float | None = None,
) -> Problem:
    """Return the error of a problem document; of an unknown type, the class of its status."""
    slug = str(document.get("type", "")).rpartition("/")[2]
    kind = _BY_SLUG.get(slug) or _BY_STATUS.get(status, Problem)
    return kind(status, document, request_id, retry_after_seconds)


_BY_STATUS: dict[int, type[Problem]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    408: RequestTimeout,
    409: Conflict,
    413: ContentTooLarge,
    415: UnsupportedMediaType,
    421: MisdirectedRequest,
    422: InvalidInput,
    429: TooManyRequests,
    500: InternalServerError,
    501: NotSupported,
    503: Unavailable,
    507: InsufficientStorage,
}


def _of_every_slug(root: type[Problem]) -> dict[str, type[Problem]]:
    found = {root.slug: root} if root.slug else {}
    for kind in root.__subclasses__():
        found |= _of_every_slug(kind)
    return found


_BY_SLUG = _of_every_slug(Problem)


def _wrong_values(entries: object) -> list[WrongValue]:
    if not isinstance(entries, list):
        return []
    return [
        WrongValue(*(str(entry.get(name, "")) for name in ("detail", "pointer", "parameter")))
        for entry in entries
        if isinstance(entry, dict)
    ]


def _in_one_line(message: str) -> str:
    line = "".join(each if each.isprintable() else " " for each in message)
    line = " ".join(line.split())
    return line if len(line) <= MAX_LENGTH else line[: MAX_LENGTH - 1] + "…"
