"""Requests' ids, and what is noted of them for the access log."""

import pytest
from flask import Flask

from service.telemetry import request_context
from service.telemetry.request_context import note, notes, request_id
from tests.service.small_models import FEATURES

UNFIT = ("", " ", "a b", "a\tb", "a\nb", "a\x00b", "é", "名", "a" * 129, '{"a":1}', "<b>", "a,b")


@pytest.mark.parametrize("given", ["a", "7f3c-22", "A.b_c:d/e+f=g@h", "x" * 128])
def test_the_callers_id_is_kept(given: str) -> None:
    environ = {"HTTP_X_REQUEST_ID": given}
    assert request_id(environ) == request_id(environ) == given


@pytest.mark.parametrize("given", UNFIT)
def test_an_unfit_id_is_replaced(given: str) -> None:
    environ = {"HTTP_X_REQUEST_ID": given}
    made = request_id(environ)
    assert made != given
    assert made == request_id(environ)
    assert request_id({"HTTP_X_REQUEST_ID": made}) == made


def test_made_ids_are_distinct_in_and_between_processes() -> None:
    made = set()
    for _ in range(10):
        request_context._made_here.cache_clear()  # as another process begins
        made |= {request_id({}) for _ in range(100)}
    assert len(made) == 1000


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
def test_every_answer_carries_the_id(app: Flask, method: str, path: str, status: int) -> None:
    client, row = app.test_client(), dict.fromkeys(FEATURES, 0.5)
    kept = client.open(path, method=method, json=row, headers={"X-Request-ID": "kept"})
    assert (kept.status_code, kept.headers.getlist("X-Request-ID")) == (status, ["kept"])
    made = [client.open(path, method=method, json=row).headers["X-Request-ID"] for _ in range(3)]
    assert len(set(made)) == 3


def test_a_later_note_adds_and_replaces() -> None:
    environ: dict[str, object] = {}
    assert notes(environ) == {}
    note(environ, route="/predict")
    note(environ, rows=2, route="/other")
    assert notes(environ) == {"route": "/other", "rows": 2}
