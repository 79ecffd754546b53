"""The access log has one line of JSON per request."""

import json
import os
import pty
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from service.telemetry.access_log import AccessLog, line
from service.telemetry.meter import totals
from service.telemetry.request_context import RequestContext
from service.telemetry.telemetry import Telemetry


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry.of_single_process()


@pytest.fixture
def log(telemetry: Telemetry) -> AccessLog:
    return telemetry.access_log


def context(path: str = "/predict", **fields: Any) -> RequestContext:
    return RequestContext(**{"method": "POST", "client": "", "request_id": "a"} | fields, path=path)


def entry(of: RequestContext) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line(of, 200, 64, 0.0015))
    return found


def test_line_has_the_request_its_response_and_the_duration() -> None:
    found = entry(
        context(
            '/a"\né', client="10.0.0.1", request_id="kept", route="/predict", rows=3, version="7"
        )
    )
    assert datetime.fromisoformat(found.pop("time")).tzinfo
    assert found == {
        "level": "INFO",
        "logger": "access",
        "request_id": "kept",
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


def test_request_that_could_not_be_parsed_has_a_line() -> None:
    found = entry(context("", method="", client="10.0.0.1"))
    assert (found["method"], found["path"], found["client"]) == (None, "", "10.0.0.1")
    assert not found.keys() & {"rows", "version", "job"}


def test_job_id_is_logged() -> None:
    assert entry(context("/retrain", job="b1"))["job"] == "b1"


def test_lines_are_written_once_and_in_order(
    log: AccessLog, capfd: pytest.CaptureFixture[str]
) -> None:
    for number in range(100):
        log.add(context(f"/{number}"), 200, 0, 0.0)
    log.write()
    log.write()
    out, _ = capfd.readouterr()
    assert [json.loads(each)["path"] for each in out.splitlines()] == [f"/{n}" for n in range(100)]


def test_request_answered_twice_is_logged_and_counted_once(
    telemetry: Telemetry, capfd: pytest.CaptureFixture[str]
) -> None:
    request = context("/models", method="GET", route="/models")
    telemetry.access_log.add(request, 503, 0, 20.0)  # by the event loop, after the timeout
    telemetry.access_log.add(request, 200, 0, 21.0)  # by its thread, later
    telemetry.access_log.write()
    assert json.loads(capfd.readouterr().out)["status"] == 503
    labels = ("GET", "/models", "native", "")
    counted = totals(telemetry.counters)
    assert counted["numnet_requests"] == {(*labels, "503"): 1}
    assert counted["numnet_request_duration_seconds"][*labels, "sum"] == 20.0


def test_write_is_no_larger_than_a_pipe_keeps_together(
    log: AccessLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    monkeypatch.setattr(os, "write", lambda file, data: written.append(data))
    for _ in range(100):
        log.add(context(), 200, 0, 0.0)
    log.write()
    assert all(len(each) <= 4096 and each.endswith(b"\n") for each in written)
    assert b"".join(written).count(b"\n") == 100


def test_log_that_cannot_be_written_raises_nothing(
    log: AccessLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        log.add(context(), 200, 64, 0.0)
        log.write()


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
def test_valid_traceparent_is_logged(traceparent: str, taken: bool) -> None:
    found = entry(context(traceparent=traceparent))
    traced = {key: found[key] for key in ("trace_id", "parent_id") if key in found}
    assert traced == ({"trace_id": TRACE, "parent_id": PARENT} if taken else {})


def test_terminal_has_lines_for_people(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyboard, screen = pty.openpty()
    monkeypatch.setenv("NO_COLOR", "1")
    with open(keyboard, "rb", 0) as shown, open(screen, "w") as stdout:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdout", stdout)
        log = AccessLog(telemetry.meter)
        log.add(context(rows=1000, version="7"), 200, 64, 0.0015)
        log.add(context("/static/pages/now.js", method="GET"), 200, 64, 0.0002)
        log.add(context("/static/pages/now.js", method="GET"), 304, 0, 0.0002)
        log.add(context("/now/traffic.json", method="GET"), 200, 64, 0.0002)
        log.add(context("/static/gone.js", method="GET"), 404, 64, 0.0002)
        log.add(context("/no\x1b[31m"), 404, 64, 0.0002)
        log.write()
        lines = shown.read(4096).decode().splitlines()
    assert [line.partition(" ")[2] for line in lines] == [
        "POST /predict 200, 1.5 ms, 1,000 rows, version 7",
        "GET /static/gone.js 404, 0.2 ms",
        "POST /no\N{REPLACEMENT CHARACTER}[31m 404, 0.2 ms",
    ]
