"""Every error as an RFC 9457 problem document; the only place that knows HTTP statuses.

ServiceError
├── InvalidInput      the values sent are wrong; names each of them
│   └── PredictionNotFinite  rows so far out of range that their predictions overflow
├── InvalidInference  the same, in the words of the Open Inference Protocol
├── NoModel           nothing to serve yet
├── NoIntervals       the version has nothing to make intervals of
├── ModelNotFound     no model of that name
├── NotSupported      a part of another server's protocol that has no meaning here
├── Unauthorized      the admin token is missing
├── Forbidden         the admin token is wrong
├── AdminUnavailable  there is no admin token to compare with
├── TooManyWatchers   no more event streams at a time
└── Misdirected       the request is for another host
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from registry import NothingBefore, StorageError, VersionNotFound, VersionRefused
from service.telemetry.request_context import RequestContext
from trainer.jobs import JobConflict, JobFinished, JobNotFound, JobsUnavailable

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
MAX_ERRORS = 20


class ServiceError(Exception):
    """Root of the package's errors."""


class InvalidInput(ServiceError):
    """The values sent are wrong.

    Attributes
    ----------
    errors : one entry per wrong value: where it is (`pointer`, RFC 6901, or `parameter`), and
        `detail`, what is wrong with it
    complete : whether these are all; False where there may be more
    example : a body that would be taken
    """

    def __init__(
        self, errors: list[dict[str, str]], example: Mapping[str, Any], complete: bool = True
    ) -> None:
        super().__init__(f"{len(errors)} values are wrong")
        self.errors = errors
        self.complete = complete
        self.example = example


class PredictionNotFinite(InvalidInput):
    """Rows are so far outside the range seen in training that their predictions overflow.

    Attributes
    ----------
    rows : the first of them, from 0
    """

    def __init__(
        self, rows: list[int], errors: list[dict[str, str]], example: Mapping[str, Any]
    ) -> None:
        super().__init__(errors[:MAX_ERRORS], example, complete=len(errors) < MAX_ERRORS)
        self.rows = rows[:MAX_ERRORS]


class InvalidInference(ServiceError):
    """The values sent are wrong, in the words of the Open Inference Protocol."""


class NoModel(ServiceError):
    """Nothing to serve yet."""


class NoIntervals(ServiceError):
    """The version has nothing to make intervals of."""


class ModelNotFound(ServiceError):
    """No model of that name."""


class NotSupported(ServiceError):
    """A part of another server's protocol that has no meaning here."""


class Unauthorized(ServiceError):
    """The admin token is missing."""


class Forbidden(ServiceError):
    """The admin token is wrong."""


class AdminUnavailable(ServiceError):
    """There is no admin token to compare with."""


class TooManyWatchers(ServiceError):
    """No more event streams at a time."""


class Misdirected(ServiceError):
    """The request is for another host."""


def problem(
    status: int, detail: str, *, slug: str = "", title: str = "", **members: Any
) -> Response:
    """A problem document.

    Parameters
    ----------
    slug : the last part of `type`; by default from the status's phrase
    members : further members of the document
    """
    phrase = _PHRASES.get(status) or HTTPStatus(status).phrase
    document = {
        "type": f"/problems/{slug or phrase.lower().replace(' ', '-')}",
        "title": title or phrase,
        "status": status,
        "detail": detail,
        **members,
    }
    return Response(orjson.dumps(document), status, content_type="application/problem+json")


_PHRASES = {413: "Content Too Large"}  # Python before 3.13 has the older name


def register(app: Flask) -> None:
    """Answer every fault the application can raise with a problem document."""
    app.register_error_handler(InvalidInput, _invalid_input)
    app.register_error_handler(InvalidInference, _invalid_inference)
    app.register_error_handler(NoModel, _no_model)
    app.register_error_handler(NoIntervals, _no_intervals)
    app.register_error_handler(ModelNotFound, _not_found)
    app.register_error_handler(NotSupported, _not_supported)
    app.register_error_handler(VersionNotFound, _not_found)
    app.register_error_handler(VersionRefused, _refused)
    app.register_error_handler(StorageError, _storage)
    app.register_error_handler(NothingBefore, _nothing_before)
    app.register_error_handler(Unauthorized, _unauthorized)
    app.register_error_handler(Forbidden, _forbidden)
    app.register_error_handler(AdminUnavailable, _unavailable)
    app.register_error_handler(TooManyWatchers, _unavailable)
    app.register_error_handler(Misdirected, _misdirected)
    app.register_error_handler(JobConflict, _job_conflict)
    app.register_error_handler(JobFinished, _job_finished)
    app.register_error_handler(JobNotFound, _not_found)
    app.register_error_handler(JobsUnavailable, _jobs_unavailable)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _invalid_input(error: InvalidInput) -> Response:
    count = len(error.errors)
    many = f"{count} values are" if count > 1 else "1 value is"
    return problem(
        422,
        f"{many} wrong" if error.complete else f"at least {many} wrong",
        slug="invalid-input",
        title="Invalid input",
        errors=error.errors,
        example=error.example,
    )


def _invalid_inference(error: InvalidInference) -> Response:
    return problem(400, str(error))


def _not_supported(error: NotSupported) -> Response:
    return problem(501, str(error))


def _no_model(error: NoModel) -> Response:
    response = problem(503, str(error), slug="no-model", title="No model")
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _no_intervals(error: NoIntervals) -> Response:
    return problem(409, str(error), slug="no-intervals", title="No intervals")


def _not_found(error: Exception) -> Response:
    return problem(404, str(error))


def _refused(error: VersionRefused) -> Response:
    return problem(
        409,
        f"the version does not verify: {error}",
        slug="version-refused",
        title="Version refused",
    )


def _storage(error: StorageError) -> Response:
    reason = f": {error.reason}" if error.reason else ""
    return _unavailable(error, f"the folder of models cannot be used at the moment{reason}")


def _jobs_unavailable(error: JobsUnavailable) -> Response:
    return _unavailable(error, "the database of jobs cannot be used at the moment")


def _unavailable(error: Exception, detail: str = "") -> Response:
    """The log has the error itself, which may name paths and hosts."""
    log.error("unavailable: %s", error, extra=_request_id())
    response = problem(503, detail or str(error))
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _unauthorized(error: Unauthorized) -> Response:
    response = problem(401, str(error))
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _forbidden(error: Forbidden) -> Response:
    return problem(403, str(error))


def _misdirected(error: Misdirected) -> Response:
    return problem(421, str(error))


def _nothing_before(error: NothingBefore) -> Response:
    return problem(409, str(error), slug="nothing-before", title="Nothing before")


def _job_conflict(error: JobConflict) -> Response:
    return _of_a_job(error, "job-active", "A job is active")


def _job_finished(error: JobFinished) -> Response:
    return _of_a_job(error, "job-finished", "The job is finished")


def _of_a_job(error: JobConflict | JobFinished, slug: str, title: str) -> Response:
    address = f"/retrain/{error.job_id}" if error.job_id else None
    response = problem(409, str(error), slug=slug, title=title, job=address)
    if address:
        response.headers["Link"] = f'<{address}>; rel="related"'
    return response


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    detail = _DETAILS.get(status, error.description or "")
    if isinstance(error, MethodNotAllowed):
        detail += f"; allowed: {', '.join(sorted(error.valid_methods or []))}"
    response = problem(status, detail)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


_DETAILS = {
    404: "nothing is at this address; see /predict, /models, /retrain, /readyz, /v2",
    405: "the address does not take this method",
}


def _unexpected(error: Exception) -> Response:
    log.exception("unexpected error", extra=_request_id())
    return problem(500, "an unexpected error; the log has it under this request's id")


def _request_id() -> dict[str, str | None]:
    return {"request_id": RequestContext.from_environ(request.environ).request_id}
