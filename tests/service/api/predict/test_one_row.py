"""The fast path returns the bytes that Flask would return, and leaves all other requests to it."""

import io
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIEnvironment

import orjson
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, run_wsgi_app

from config import Settings
from registry import Registry
from service.api.one_row import MAX_BYTES
from service.app import Application, create_app
from service.formats import json_rows
from service.telemetry.request_context import RequestContext
from tests.service import near_valid
from tests.service.small_models import FEATURES, serve, small_model, some_calibration

BODY = orjson.dumps(dict.fromkeys(FEATURES, 0.5))
JSON = {"content_type": "application/json"}


def request_environ(**arguments: Any) -> WSGIEnvironment:
    defaults: dict[str, Any] = {"method": "POST", "path": "/predict", "data": BODY} | JSON
    return EnvironBuilder(**defaults | arguments).get_environ()


def fast_path(
    app: Application, environ: WSGIEnvironment
) -> tuple[list[tuple[str, str]], bytes] | None:
    """Return headers and body of the fast path; None if Flask has to answer."""
    body = environ["wsgi.input"].read()
    environ["wsgi.input"] = io.BytesIO(body)
    if environ["PATH_INFO"] != "/predict":
        return None  # the server asks only for the request target /predict
    fields = {
        name.removeprefix("HTTP_").replace("_", "-").lower().encode(): value.encode()
        for name, value in environ.items()
        if name.startswith("HTTP_") or name == "CONTENT_TYPE"
    }
    query = environ["QUERY_STRING"].encode()
    answer = app.fast_path(RequestContext.from_environ(environ), query, fields, body)
    if answer is None:
        return None
    lines = answer[0].decode().split("\r\n")
    assert lines.pop() == ""
    headers = [tuple(each.split(": ", 1)) for each in lines]
    return headers, answer[1]  # type: ignore[return-value]  # pairs they are


@pytest.fixture(scope="module")
def odd_app(tmp_path_factory: pytest.TempPathFactory) -> Application:
    """An application whose model has the features of `near_valid`."""
    folder = tmp_path_factory.mktemp("models")
    model = small_model(near_valid.FEATURES, feature_range=(-1e3, 2.0**53))
    serve(Registry.local(folder), model, some_calibration())
    return create_app(Settings(models=folder))


QUERIES = [
    *("interval=0.9", "interval=.5", "explain=true", "interval=0.25&explain=true", "a=1", "&"),
    *("explain=true&interval=0.9", "interval=0.99", "interval=0.9&interval=0.9", "interval=9e-1"),
    *("explain=false", "explain=1", "interval=0", "interval=", "interval=0.0", "interval=%2E9"),
    *(
        "interval",
        "explain=true&",
        "explain=true&a",
        "interval=1.0",
        "interval=0.9;a",
        "interval=+.9",
    ),
]


@pytest.mark.slow
@given(
    body=near_valid.one_row_bodies(),
    content_type=st.sampled_from([JSON["content_type"]] * 6 + ["application/json;", "text/json"]),
    query=st.sampled_from([""] * 8 + QUERIES),
    request_id=st.sampled_from(["abc", "not fit"]),
)
@settings(max_examples=300)
def test_flask_returns_the_same_bytes_as_the_fast_path(
    odd_app: Application, body: bytes, content_type: str, query: str, request_id: str
) -> None:
    environ = request_environ(
        data=body,
        content_type=content_type,
        query_string=query,
        headers={"X-Request-ID": request_id},
    )
    short = fast_path(odd_app, environ)
    event(f"answered by: {'the short way' if short else 'Flask'}")
    if short is None:
        return
    assert near_valid.valid_values(body) is not None
    parts, status, long = run_wsgi_app(odd_app, environ)
    assert (status, b"".join(parts)) == ("200 OK", short[1])
    assert sorted(long) == sorted(short[0])  # the same request id, which the context keeps


LONG_BODY = BODY.ljust(MAX_BYTES + 1)


@pytest.mark.parametrize(
    ("arguments", "status", "short"),
    [
        pytest.param({}, 200, True, id="a plain row"),
        pytest.param({"data": BODY.replace(b"0.5", b"7")}, 200, True, id="a row out of range"),
        pytest.param({"data": LONG_BODY[:-1]}, 200, True, id="just short enough"),
        pytest.param({"data": LONG_BODY}, 200, False, id="too long"),
        pytest.param({"method": "PUT"}, 405, False, id="another method"),
        pytest.param({"path": "/predict//"}, 404, False, id="another path"),
        pytest.param({"path": "/predict/"}, 200, False, id="a slash at the end"),
        pytest.param({"query_string": "a"}, 422, False, id="a query"),
        pytest.param({"content_type": "text/plain"}, 415, False, id="another media type"),
        pytest.param({"content_type": None}, 415, False, id="no media type"),
        pytest.param({"headers": {"Content-Encoding": "br"}}, 415, False, id="encoded"),
        pytest.param({"headers": {"Accept": "text/csv"}}, 200, False, id="to be answered as CSV"),
        pytest.param({"headers": {"Accept": "*/*"}}, 200, True, id="whatever answer"),
        pytest.param({"data": b'{"instances": [[0, 0, 0, 0]]}'}, 200, False, id="many rows"),
        pytest.param({"data": BODY[:-1]}, 400, False, id="not JSON"),
        pytest.param({"data": BODY.replace(b"x1", b"x5")}, 422, False, id="another name"),
        pytest.param({"data": BODY.replace(b"0.5", b"1e308")}, 422, False, id="overflow"),
    ],
)
def test_only_plain_rows_take_the_fast_path(
    models: Path, registry: Registry, arguments: dict[str, Any], status: int, short: bool
) -> None:
    serve(registry, small_model(activation="relu", gain=1e10))
    app = create_app(Settings(models=models))
    environ = request_environ(**arguments)
    environ["wsgi.input_terminated"] = True
    assert (fast_path(app, environ) is not None) == short
    _, line, headers = run_wsgi_app(app, environ)
    assert line.startswith(str(status))
    assert headers["X-Request-ID"]


def test_without_a_model_flask_answers(models: Path) -> None:
    app = create_app(Settings(models=models))
    environ = request_environ()
    assert fast_path(app, environ) is None
    assert run_wsgi_app(app, environ)[1] == "503 SERVICE UNAVAILABLE"


def test_both_paths_note_the_same_in_the_context(app: Application) -> None:
    short, long = request_environ(), request_environ()
    assert fast_path(app, short)
    list(app(long, lambda *_: print))
    contexts = [RequestContext.from_environ(environ) for environ in (short, long)]
    for context in contexts:
        assert (context.route, context.version, context.rows) == ("/predict", "1", 1)


def test_unexpected_error_is_left_to_flask(
    registry: Registry, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(registry, small_model())
    app = create_app(Settings(models=models))

    def fail(*_: object) -> bytes:
        raise RuntimeError

    monkeypatch.setattr(json_rows, "one_row", fail)
    assert fast_path(app, request_environ()) is None
    answer = app.test_client().post("/predict", data=BODY, **JSON)
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert answer.headers["X-Request-ID"]
