"""One line of JSON for each request."""

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from service.telemetry import request_context
from service.telemetry.access_log import AccessLog, line


def said(environ: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line(environ, 200, 64, 0.0015))
    return found


def test_a_line_says_who_asked_what_and_how_long_it_took() -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": '/a"\n\xc3\xa9',
        "QUERY_STRING": "key=secret",
        "REMOTE_ADDR": "10.0.0.1",
    }
    made = request_context.request_id(environ)
    request_context.note(environ, route="/predict", rows=3, version="7")
    found = said(environ)
    assert datetime.fromisoformat(found.pop("time")).tzinfo
    assert found == {
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


def test_a_request_of_which_nothing_is_known_has_a_line_too() -> None:
    found = said({"REMOTE_ADDR": "10.0.0.1"})
    assert (found["method"], found["path"], found["client"]) == (None, "", "10.0.0.1")
    assert found["request_id"]


def test_lines_are_written_in_order_and_only_once(capfd: pytest.CaptureFixture[str]) -> None:
    log = AccessLog()
    for number in range(100):
        log.add({"PATH_INFO": f"/{number}"}, 200, 0, 0.0)
    log.write()
    log.write()
    out, _ = capfd.readouterr()
    assert [json.loads(each)["path"] for each in out.splitlines()] == [f"/{n}" for n in range(100)]


def test_a_write_takes_no_more_than_a_pipe_keeps_together(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    monkeypatch.setattr(os, "write", lambda file, data: written.append(data))
    log = AccessLog()
    for _ in range(100):
        log.add({"PATH_INFO": "/predict"}, 200, 0, 0.0)
    log.write()
    assert all(len(each) <= 4096 and each.endswith(b"\n") for each in written)
    assert b"".join(written).count(b"\n") == 100


def test_a_log_that_cannot_be_written_drops_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    log = AccessLog()
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        log.add({"PATH_INFO": "/livez"}, 200, 64, 0.0)
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
def test_a_trace_is_passed_on_to_the_log(traceparent: str, taken: bool) -> None:
    found = said({"PATH_INFO": "/", "HTTP_TRACEPARENT": traceparent})
    traced = {key: found[key] for key in ("trace_id", "parent_id") if key in found}
    assert traced == ({"trace_id": TRACE, "parent_id": PARENT} if taken else {})
