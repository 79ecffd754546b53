"""Log lines are JSON objects, one per line."""

import json
import logging
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config

from registry.log_lines import formatter
from service import request_log
from service.logs import JsonLogger


@pytest.fixture(autouse=True)
def _loggers_are_put_back() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("gunicorn.error", "gunicorn.access", "service")]
    before = [(log.handlers.copy(), log.level, log.propagate) for log in loggers]
    yield
    for log, (handlers, level, propagate) in zip(loggers, before, strict=True):
        log.handlers, log.propagate = handlers, propagate
        log.setLevel(level)


def json_logger() -> JsonLogger:
    """gunicorn's logger as the service sets it; takes the standard error of the moment."""
    config = Config()
    config.set("accesslog", "-")
    return JsonLogger(config)


def access_line(
    capfd: pytest.CaptureFixture[str], environ: dict[str, Any], **request: Any
) -> dict[str, Any]:
    answer = SimpleNamespace(status="200 OK", sent=64)
    json_logger().access(answer, SimpleNamespace(**request), environ, timedelta(milliseconds=1.5))
    out, _ = capfd.readouterr()
    assert out.count("\n") == 1
    line: dict[str, Any] = json.loads(out)
    return line


def test_an_access_line_says_who_asked_what_and_how_long_it_took(
    capfd: pytest.CaptureFixture[str],
) -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": '/a"\n\xc3\xa9',
        "QUERY_STRING": "key=secret",
        "REMOTE_ADDR": "10.0.0.1",
    }
    made = request_log.RequestIds().identify(environ)
    request_log.note(environ, route="/predict", rows=3, version="7")
    line = access_line(capfd, environ)
    assert datetime.fromisoformat(line.pop("time")).tzinfo
    assert line == {
        "level": "INFO",
        "logger": "access",
        "request_id": made,
        "method": "POST",
        "path": '/a"\né',
        "status": 200,
        "duration_ms": 1.5,
        "bytes": 64,
        "client": "10.0.0.1",
        "route": "/predict",
        "rows": 3,
        "version": "7",
    }


def test_a_request_that_did_not_reach_the_application_has_a_line_too(
    capfd: pytest.CaptureFixture[str],
) -> None:
    line = access_line(capfd, {"REQUEST_METHOD": "POST"}, path="/predict")
    assert (line["request_id"], line["path"], line["status"]) == (None, "/predict", 200)


@pytest.mark.parametrize("name", ["service.live", "gunicorn.error"])
def test_what_happens_goes_to_stderr_as_one_line(
    capfd: pytest.CaptureFixture[str], name: str
) -> None:
    json_logger()
    logging.getLogger(name).warning("two\nlines %s", "é", extra={"version": "7"})
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    line = json.loads(err)
    assert datetime.fromisoformat(line.pop("time")).tzinfo
    assert line == {"level": "WARNING", "logger": name, "message": "two\nlines é", "version": "7"}


def test_an_exception_is_logged_with_its_traceback() -> None:
    try:
        raise RuntimeError("lost")
    except RuntimeError:
        record = logging.getLogger().makeRecord(
            "a", logging.ERROR, "", 0, "went wrong", (), exc_info=sys.exc_info()
        )
    line = json.loads(formatter().format(record))
    assert line["message"] == "went wrong"
    assert line["exc_info"].endswith("RuntimeError: lost")


def test_a_log_that_cannot_be_written_drops_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = json_logger()
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        answer = SimpleNamespace(status="200 OK", sent=64)
        logger.access(answer, SimpleNamespace(), {"PATH_INFO": "/livez"}, timedelta())


TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("traceparent", "taken"),
    [
        (f"00-{TRACE}-{PARENT}-01", True),
        (f"00-{TRACE}-{PARENT}-00", True),
        (f"cc-{TRACE}-{PARENT}-01", True),
        (f"cc-{TRACE}-{PARENT}-01-what-the-future-brings", True),
        (f"00-{TRACE}-{PARENT}-01-more", False),
        (f"cc-{TRACE}-{PARENT}-01.more", False),
        (f"ff-{TRACE}-{PARENT}-01", False),
        (f"00-{'0' * 32}-{PARENT}-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{TRACE.upper()}-{PARENT}-01", False),
        (f"00-{TRACE}-{PARENT}", False),
        (f"00-{TRACE}-{PARENT}-01\n", False),
        ("", False),
    ],
)
def test_a_trace_is_passed_on_to_the_log(
    capfd: pytest.CaptureFixture[str], traceparent: str, taken: bool
) -> None:
    line = access_line(capfd, {"PATH_INFO": "/", "HTTP_TRACEPARENT": traceparent})
    traced = {key: line[key] for key in ("trace_id", "parent_id") if key in line}
    assert traced == ({"trace_id": TRACE, "parent_id": PARENT} if taken else {})
