"""The context of a request, and its id."""

import subprocess
import sys
from itertools import chain

import pytest
from flask import Flask

from service.telemetry.request_context import RequestContext, acceptable_request_id
from tests.service.small_models import FEATURES

UNFIT = ("", " ", "a b", "a\tb", "a\nb", "a\x00b", "é", "名", "a" * 129, '{"a":1}', "<b>", "a,b")


@pytest.mark.parametrize("given", ["a", "7f3c-22", "A.b_c:d/e+f=g@h", "x" * 128])
def test_acceptable_id_is_kept(given: str) -> None:
    assert acceptable_request_id(given) == given


@pytest.mark.parametrize("given", UNFIT)
def test_unacceptable_id_is_replaced(given: str) -> None:
    made = acceptable_request_id(given)
    assert made != given
    assert acceptable_request_id(made) == made


def test_new_ids_are_distinct_in_and_between_processes() -> None:
    code = "from service.telemetry.request_context import acceptable_request_id as new\n"
    code += "for _ in range(100): print(new(''))"
    ids = [
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout.split()
        for _ in range(3)
    ]
    assert len(set(chain.from_iterable(ids))) == 300


def test_environ_gives_one_context() -> None:
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/s\xc3\xa9",
        "REMOTE_ADDR": "10.0.0.1",
        "HTTP_X_REQUEST_ID": "kept",
        "HTTP_TRACEPARENT": "00-a-b-01",
    }
    context = RequestContext.from_environ(environ)
    assert context == RequestContext("POST", "/sé", "10.0.0.1", "kept", "00-a-b-01")
    assert RequestContext.from_environ(environ) is context
    other = {"REQUEST_METHOD": "GET"}
    context.store(other)
    assert RequestContext.from_environ(other) is context


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/predict", 200),
        ("POST", "/predict?a=1", 422),
        ("GET", "/predict", 405),
        ("GET", "/models", 200),
        ("GET", "/models/1", 200),
        ("GET", "/models/99", 404),
        ("GET", "/livez", 200),
        ("OPTIONS", "/predict", 200),
        ("GET", "/nowhere", 404),
    ],
)
def test_every_response_carries_the_id(app: Flask, method: str, path: str, status: int) -> None:
    client, row = app.test_client(), dict.fromkeys(FEATURES, 0.5)
    kept = client.open(path, method=method, json=row, headers={"X-Request-ID": "kept"})
    assert (kept.status_code, kept.headers.getlist("X-Request-ID")) == (status, ["kept"])
    made = [client.open(path, method=method, json=row).headers["X-Request-ID"] for _ in range(3)]
    assert len(set(made)) == 3
