"""Every error of the application is a problem document."""

import logging
from pathlib import Path
from typing import Any, NoReturn

import pytest
from flask import Flask
from werkzeug.exceptions import Gone, ServiceUnavailable

from config import Settings
from registry import FeaturesDiffer, NoPreviousVersion, StorageError
from service.app import create_app
from service.web.errors import AdminUnavailable, Forbidden, TooManyWatchers, Unauthorized
from tests.service.problem_shape import assert_problem
from trainer.jobs import JobConflict, JobFinished, JobNotFound, JobsUnavailable


def refused(app: Flask, method: str, path: str, status: int, **arguments: Any) -> dict[str, Any]:
    answer = app.test_client().open(path, method=method, **arguments)
    return assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=status)


@pytest.mark.parametrize(
    "path",
    [
        "/index.html",
        "/predict//",
        "/Predict",
        "/predict/x",
        "/models//",
        "/models//1",
        "/nowhere",
        "/%00",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_path_is_404(app: Flask, method: str, path: str) -> None:
    assert refused(app, method, path, 404)["type"] == "/problems/not-found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/predict", {"POST", "OPTIONS"}),
        ("PUT", "/predict", {"POST", "OPTIONS"}),
        ("DELETE", "/predict", {"POST", "OPTIONS"}),
        ("BREW", "/predict", {"POST", "OPTIONS"}),
        ("POST", "/models", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/models/1", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/models/1", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/models/1/promote", {"POST", "OPTIONS"}),
        ("PUT", "/retrain", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("POST", "/retrain/1", {"GET", "HEAD", "DELETE", "OPTIONS"}),
        ("DELETE", "/retrain/1/events", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/livez", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/readyz", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_unsupported_method_is_405_with_an_allow_header(
    app: Flask, method: str, path: str, allowed: set[str]
) -> None:
    assert refused(app, method, path, 405)["type"] == "/problems/method-not-allowed"
    answer = app.test_client().open(path, method=method)
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_head_response_of_an_error_has_no_body(app: Flask) -> None:
    for path, status in (("/predict", 405), ("/nowhere", 404), ("/models/99", 404)):
        answer = app.test_client().head(path)
        assert (answer.status_code, answer.data) == (status, b"")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["X-Request-ID"]


def failing_app(models: Path, error: Exception) -> Flask:
    app = create_app(Settings(models=models))

    def fail() -> NoReturn:
        raise error

    app.add_url_rule("/fail", view_func=fail)
    return app


def test_unexpected_error_is_500_without_details_and_logged(
    models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = failing_app(models, RuntimeError(f"secret in {models}"))
    document = refused(app, "GET", "/fail", 500, headers={"X-Request-ID": "look-for-me"})
    assert document["type"] == "/problems/internal-server-error"
    for hidden in ("secret", str(models), "RuntimeError", ".py"):
        assert hidden not in str(document)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.__dict__["request_id"] == "look-for-me"
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == f"secret in {models}"


def test_storage_error_is_503_without_paths_and_logged(
    models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = failing_app(models, StorageError(f"cannot read under {models}"))
    document = refused(app, "GET", "/fail", 503, headers={"X-Request-ID": "look-for-me"})
    assert str(models) not in str(document)
    assert "Retry-After" in app.test_client().get("/fail").headers
    assert str(models) in caplog.records[0].getMessage()
    assert caplog.records[0].__dict__["request_id"] == "look-for-me"


@pytest.mark.parametrize("error", [Gone(), ServiceUnavailable(retry_after=7)])
def test_http_exception_keeps_its_status_and_headers(models: Path, error: Any) -> None:
    app = failing_app(models, error)
    assert refused(app, "GET", "/fail", error.code)["title"]
    headers = app.test_client().get("/fail").headers
    assert headers.get("Retry-After") == ("7" if error.code == 503 else None)
    assert len(headers.getlist("Content-Type")) == 1


@pytest.mark.parametrize(
    ("error", "status", "type_"),
    [
        (Unauthorized("no token"), 401, "unauthorized"),
        (Forbidden("wrong token"), 403, "forbidden"),
        (JobNotFound("a-job"), 404, "not-found"),
        (NoPreviousVersion("no version before"), 409, "nothing-before"),
        (FeaturesDiffer("other features"), 409, "features-differ"),
        (JobConflict("a-job", "running"), 409, "job-active"),
        (JobFinished("a-job", "failed"), 409, "job-finished"),
        (AdminUnavailable("no token to compare with"), 503, "service-unavailable"),
        (TooManyWatchers("too many"), 503, "service-unavailable"),
        (JobsUnavailable("secret: no database"), 503, "service-unavailable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_error_has_its_status_and_type(
    models: Path, error: Exception, status: int, type_: str
) -> None:
    app = failing_app(models, error)
    document = refused(app, "GET", "/fail", status)
    assert document["type"] == f"/problems/{type_}"
    assert document.get("job") == ("/retrain/a-job" if "job-" in type_ else None)
    assert "secret" not in str(document)
    assert ("Retry-After" in app.test_client().get("/fail").headers) == (status == 503)


def test_conflict_with_a_job_that_just_finished_has_no_link(models: Path) -> None:
    answer = failing_app(models, JobConflict()).test_client().get("/fail")
    document = answer.get_json()
    assert (answer.status_code, document["job"], "Link" in answer.headers) == (409, None, False)
    assert "try again" in document["detail"]
