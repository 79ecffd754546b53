"""The short way answers what Flask's own view would answer, and leaves the rest to it."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import orjson
import pytest
from flask import Flask
from hypothesis import event, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app

from registry import Registry, Settings
from service import answers
from service.app import create_app
from service.plain_row import MAX_BYTES, PlainRow
from service.request_log import RequestIds, notes
from tests.service import near_valid
from tests.service.small_models import FEATURES, serve, small_model

BODY = orjson.dumps(dict.fromkeys(FEATURES, 0.5))
JSON = {"content_type": "application/json"}


class LongWay:
    """Flask's own application, without the short way; remembers the bodies it was handed."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._ids = RequestIds()
        self.bodies: list[bytes] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        self.bodies.append(body)
        environ["wsgi.input"] = io.BytesIO(body)
        self._ids.identify(environ)
        return Flask.wsgi_app(self._app, environ, start_response)


def request_environ(**arguments: Any) -> WSGIEnvironment:
    defaults: dict[str, Any] = {"method": "POST", "path": "/predict", "data": BODY} | JSON
    return EnvironBuilder(**defaults | arguments).get_environ()


def both_ways(app: Flask, max_body_bytes: int = 2**24) -> tuple[PlainRow, LongWay]:
    long_way = LongWay(app)
    return PlainRow(long_way, app.extensions["live_model"], max_body_bytes), long_way


@pytest.fixture(scope="module")
def odd_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Serves the features that `near_valid` makes bodies for."""
    folder = tmp_path_factory.mktemp("models")
    serve(Registry.local(folder), small_model(near_valid.FEATURES, feature_range=(-1e3, 2.0**53)))
    return create_app(Settings(models=folder))


@given(
    body=near_valid.one_row_bodies(),
    content_type=st.sampled_from([JSON["content_type"]] * 6 + ["application/json;", "text/json"]),
    query=st.sampled_from([""] * 8 + ["a=1"]),
    request_id=st.sampled_from(["abc", "not fit"]),
)
@settings(max_examples=1000, deadline=None, derandomize=True)
def test_what_the_short_way_answers_flask_answers_with_the_same_bytes(
    odd_app: Flask, body: bytes, content_type: str, query: str, request_id: str
) -> None:
    short_way, long_way = both_ways(odd_app)
    request: dict[str, Any] = {
        "method": "POST",
        "data": body,
        "content_type": content_type,
        "query_string": query,
        "headers": {"X-Request-ID": request_id},
    }
    short = Client(short_way).open("/predict", **request)
    event(f"answered by: {'Flask' if long_way.bodies else 'the short way'}")
    if long_way.bodies:
        assert long_way.bodies == [body]
        return
    assert short.status_code == 200
    assert near_valid.valid_values(body) is not None
    long = Client(long_way).open("/predict", **request)
    assert (long.status, long.data) == (short.status, short.data)
    if request_id == "not fit":
        del long.headers["X-Request-ID"], short.headers["X-Request-ID"]
    assert sorted(long.headers) == sorted(short.headers)


LONG_BODY = BODY.ljust(MAX_BYTES + 1)


@pytest.mark.parametrize(
    ("arguments", "status", "short"),
    [
        pytest.param({}, 200, True, id="a plain row"),
        pytest.param({"data": BODY.replace(b"0.5", b"7")}, 200, True, id="a row out of range"),
        pytest.param({"data": LONG_BODY[:-1]}, 200, True, id="just short enough"),
        pytest.param({"data": LONG_BODY}, 200, False, id="too long"),
        pytest.param({"method": "PUT"}, 405, False, id="another method"),
        pytest.param({"path": "/predict/"}, 404, False, id="another path"),
        pytest.param({"query_string": "a"}, 422, False, id="a query"),
        pytest.param({"content_type": "text/plain"}, 415, False, id="another media type"),
        pytest.param({"content_type": None}, 415, False, id="no media type"),
        pytest.param({"headers": {"Content-Encoding": "br"}}, 415, False, id="encoded"),
        pytest.param({"headers": {"Accept": "text/csv"}}, 200, False, id="to be answered as CSV"),
        pytest.param({"headers": {"Accept": "*/*"}}, 200, True, id="whatever answer"),
        pytest.param({"environ_overrides": {"CONTENT_LENGTH": ""}}, 200, False, id="no length"),
        pytest.param({"data": b'{"instances": [[0, 0, 0, 0]]}'}, 200, False, id="many rows"),
        pytest.param({"data": BODY[:-1]}, 400, False, id="not JSON"),
        pytest.param({"data": BODY.replace(b"x1", b"x5")}, 422, False, id="another name"),
        pytest.param({"data": BODY.replace(b"0.5", b"1e308")}, 422, False, id="overflow"),
    ],
)
def test_only_what_is_beyond_doubt_goes_the_short_way(
    models: Path, registry: Registry, arguments: dict[str, Any], status: int, short: bool
) -> None:
    serve(registry, small_model(activation="relu", gain=1e10))
    short_way, long_way = both_ways(create_app(Settings(models=models)))
    environ = request_environ(**arguments)
    environ["wsgi.input_terminated"] = True  # as gunicorn sets it
    _, line, headers = run_wsgi_app(short_way, environ)
    assert line.startswith(str(status))
    assert long_way.bodies == ([] if short else [arguments.get("data", BODY)])
    assert headers["X-Request-ID"]


def test_a_lower_body_limit_holds_on_the_short_way(app: Flask) -> None:
    short_way, long_way = both_ways(app, max_body_bytes=1024)
    for length, count in ((1024, 0), (1025, 1)):
        Client(short_way).post("/predict", data=BODY.ljust(length), **JSON)
        assert len(long_way.bodies) == count


def test_without_a_model_the_short_way_leaves_the_answer_to_flask(models: Path) -> None:
    short_way, long_way = both_ways(create_app(Settings(models=models)))
    assert Client(short_way).post("/predict", data=BODY, **JSON).status_code == 503
    assert long_way.bodies == [BODY]


def test_both_ways_note_the_same_for_the_access_log(app: Flask) -> None:
    for way in both_ways(app):
        noted = []

        def watched(
            environ: WSGIEnvironment, start_response: StartResponse, way: WSGIApplication = way
        ) -> Iterable[bytes]:
            answer = way(environ, start_response)
            noted.append(notes(environ))  # noqa: B023  # called before the next turn
            return answer

        run_wsgi_app(watched, request_environ())
        assert noted == [{"route": "/predict", "rows": 1, "version": "1"}]


def test_an_unexpected_fault_is_left_to_flask(
    registry: Registry, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(registry, small_model())
    app = create_app(Settings(models=models))

    def fail(*_: object) -> bytes:
        raise RuntimeError

    monkeypatch.setattr(answers, "one_row", fail)
    answer = app.test_client().post("/predict", data=BODY, **JSON)
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert answer.headers["X-Request-ID"]
