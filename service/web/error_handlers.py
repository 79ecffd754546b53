"""Answers every exception with a problem document; the only module that maps errors to statuses."""

import logging
import math
from collections.abc import Callable
from functools import partial

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from export import NotExportable, UnknownFormat
from registry import (
    FeaturesDiffer,
    NoPreviousVersion,
    ObjectUnreadable,
    StorageError,
    VersionNotFound,
    VersionRefused,
)
from service.telemetry.request_context import RequestContext
from service.web import errors
from service.web.problems import problem, problem_of_status
from service.web.responses import reference_to
from service.web.tokens.authorization import without_hidden_models
from trainer.jobs import (
    InspectionFailed,
    InspectorBusy,
    JobConflict,
    JobFinished,
    JobNotFound,
    JobsUnavailable,
    TableExists,
    TableNotFound,
)

log = logging.getLogger(__name__)

_SLUGS: dict[type[Exception], str] = {  # of errors whose message is the problem's detail
    errors.InvalidInference: "bad-request",
    errors.NoIntervals: "no-intervals",
    errors.NotSupported: "not-implemented",
    errors.Forbidden: "forbidden",
    errors.Misdirected: "misdirected-request",
    NotExportable: "not-exportable",
    UnknownFormat: "not-found",
    VersionNotFound: "not-found",
    NoPreviousVersion: "nothing-before",
    JobNotFound: "not-found",
    TableNotFound: "not-found",
    TableExists: "table-exists",
    InspectionFailed: "content-too-large",
    errors.DataFolderFull: "insufficient-storage",
}


# How far the first training of a model is, and when to ask again; None if there is no training.
Progress = Callable[[str], tuple[str, int] | None]


def register(app: Flask, progress: Progress = lambda model: None) -> None:
    """Answer every exception that the application raises with a problem document."""
    app.register_error_handler(errors.NoModel, partial(_no_model, progress))
    for error, slug in _SLUGS.items():
        app.register_error_handler(error, partial(_plain, slug))
    app.register_error_handler(errors.InvalidInput, _invalid_input)
    app.register_error_handler(errors.ModelNotFound, _model_not_found)
    app.register_error_handler(errors.Unauthorized, _unauthorized)
    app.register_error_handler(errors.TooManyWrongTokens, _too_many_wrong_tokens)
    app.register_error_handler(errors.AdminUnavailable, _unavailable)
    app.register_error_handler(errors.TokensUnavailable, _unavailable)
    app.register_error_handler(errors.TooManyWatchers, _unavailable)
    app.register_error_handler(errors.DataFolderUnavailable, _unavailable)
    app.register_error_handler(InspectorBusy, _unavailable)
    app.register_error_handler(FeaturesDiffer, _features_differ)
    app.register_error_handler(VersionRefused, _version_refused)
    app.register_error_handler(ObjectUnreadable, _object_unreadable)
    app.register_error_handler(StorageError, _storage_error)
    app.register_error_handler(JobsUnavailable, _jobs_unavailable)
    app.register_error_handler(JobConflict, partial(_job_error, "job-active"))
    app.register_error_handler(JobFinished, partial(_job_error, "job-finished"))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected_error)


def _plain(slug: str, error: Exception) -> Response:
    return problem(slug, str(error))


def _invalid_input(error: errors.InvalidInput) -> Response:
    count = len(error.errors)
    wrong = "1 value is wrong" if count == 1 else f"{count} values are wrong"
    detail = wrong if error.complete else f"at least {wrong}"
    return problem("invalid-input", detail, errors=error.errors, example=error.example)


def _no_model(progress: Progress, error: errors.NoModel) -> Response:
    found = progress(error.model)
    if found is None:
        return problem("no-model", str(error))
    words, retry_seconds = found
    reason = str(error).partition(":")[0]
    response = problem("no-model", f"{reason}; a version is being trained: {words}")
    response.headers["Retry-After"] = str(retry_seconds)
    return response


def _model_not_found(error: errors.ModelNotFound) -> Response:
    return problem("not-found", str(without_hidden_models(error)))


def _unauthorized(error: errors.Unauthorized) -> Response:
    response = problem("unauthorized", str(error))
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _too_many_wrong_tokens(error: errors.TooManyWrongTokens) -> Response:
    response = problem("too-many-requests", str(error))
    response.headers["Retry-After"] = str(math.ceil(error.wait_seconds))
    return response


def _features_differ(error: FeaturesDiffer) -> Response:
    return problem("features-differ", f'{error}; {{"force": true}} rolls back all the same')


def _version_refused(error: VersionRefused) -> Response:
    return problem("version-refused", f"the version failed verification: {error}")


def _object_unreadable(error: ObjectUnreadable) -> Response:
    log.error("unreadable: %s", error, extra=_request_id())
    reason = error.reason or "it is not a regular file, or too large"
    return problem("version-refused", f"the version's file cannot be read: {reason}")


def _storage_error(error: StorageError) -> Response:
    reason = f": {error.reason}" if error.reason else ""
    return _unavailable(error, f"the models folder is unavailable{reason}")


def _jobs_unavailable(error: JobsUnavailable) -> Response:
    return _unavailable(error, "the jobs database is unavailable")


def _unavailable(error: Exception, detail: str = "") -> Response:
    """Return a 503; log the error itself, whose message may contain paths and hosts."""
    log.error("unavailable: %s", error, extra=_request_id())
    return problem("service-unavailable", detail or str(error))


def _job_error(slug: str, error: JobConflict | JobFinished) -> Response:
    path = f"/retrain/{error.job_id}" if error.job_id else None
    response = problem(slug, str(error), job=path)
    if path:
        response.headers["Link"] = f'<{reference_to(path)}>; rel="related"'
    return response


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    detail = _DETAILS.get(status, error.description or "")
    if isinstance(error, MethodNotAllowed):
        detail += f"; allowed: {', '.join(sorted(error.valid_methods or []))}"
    response = problem_of_status(status, detail)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


_DETAILS = {
    404: "there is nothing at this path; /docs describes the API, and / is the dashboard; see also "
    "/predict, /models, /models/NAME/predict, /retrain, /readyz, /v2",
    405: "the path does not support this method",
}


def _unexpected_error(error: Exception) -> Response:
    log.exception("unexpected error", extra=_request_id())
    return problem("internal-server-error", "unexpected error; see the log for this request id")


def _request_id() -> dict[str, str]:
    return {"request_id": RequestContext.from_environ(request.environ).request_id}
