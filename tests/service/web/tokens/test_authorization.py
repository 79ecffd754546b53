"""Which requests need which token, and what happens to clients that guess."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from registry import Registry
from service.app import Application
from service.telemetry.request_context import RequestContext
from service.web.tokens.authorization import OPEN_PATHS, authorization_of, is_open_to_all
from service.web.tokens.wrong_tokens import FREE_ATTEMPTS
from tests.service.conftest import ADMIN, MakeClient
from tests.service.problem_shape import assert_problem
from tests.service.small_models import FEATURES, serve, small_model

READ_TOKEN = "a-read-t0ken-of-tests"
READER = {"Authorization": f"Bearer {READ_TOKEN}"}
WRONG = {"Authorization": "Bearer a-wrong-t0ken-of-tests"}
ROW = dict.fromkeys(FEATURES, 0.5)


@pytest.fixture
def guarded(registry: Registry, make_client: MakeClient) -> FlaskClient:
    """A client of a service that has a read token."""
    serve(registry, small_model())
    return make_client(read_token=READ_TOKEN)


def paths_and_methods(app: Flask) -> set[tuple[str, str]]:
    """Return the paths and methods of all endpoints except those for signing in."""
    return {
        (re.sub(r"<[^>]+>", "1", rule.rule), method)
        for rule in app.url_map.iter_rules()
        if not is_open_to_all(app.view_functions[rule.endpoint])
        for method in rule.methods or set()
    }


def test_everything_except_probes_needs_the_read_token(guarded: FlaskClient) -> None:
    every = paths_and_methods(guarded.application) | {("/nowhere", "GET"), ("/docs/x.js", "GET")}
    for path, method in every:
        status = guarded.open(path, method=method).status_code
        assert (status == 401) == (path not in OPEN_PATHS), (method, path)


@pytest.mark.parametrize("headers", [READER, ADMIN])
def test_read_token_and_admin_token_allow_reading(
    guarded: FlaskClient, headers: dict[str, str]
) -> None:
    assert guarded.post("/predict", json=ROW, headers=headers).status_code == 200
    for path in ("/models", "/metrics", "/openapi.json", "/docs", "/v2", "/v2/health/ready"):
        assert guarded.get(path, headers=headers).status_code == 200


def test_read_token_does_not_allow_changes(guarded: FlaskClient) -> None:
    for _ in range(3 * FREE_ATTEMPTS):  # a reader who tries is not one who guesses
        answer = guarded.post("/models/rollback", headers=READER)
        document = assert_problem(
            answer.status_code, answer.data, dict(answer.headers), expected=403
        )
        assert "the read token is not enough" in document["detail"]
    assert guarded.post("/models/rollback", headers=ADMIN).status_code == 409


def test_preflight_needs_no_token(make_client: MakeClient) -> None:
    client = make_client(read_token=READ_TOKEN, cors_origins=("https://a.example",))
    headers = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/predict", headers=headers)
    assert answer.status_code == 200
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


def fast(client: FlaskClient, **headers: str) -> object:
    app = client.application
    assert isinstance(app, Application)
    fields = {b"content-type": b"application/json"}
    fields |= {name.lower().encode(): value.encode() for name, value in headers.items()}
    context = RequestContext("POST", "/predict", "127.0.0.1", "id")
    return app.fast_path(context, b"", fields, b'{"x1":0.5,"x2":0.5,"x3":0.5,"x4":0.5}')


def test_fast_path_needs_the_read_token(guarded: FlaskClient) -> None:
    assert fast(guarded) is None
    assert fast(guarded, **WRONG) is None
    assert fast(guarded, **READER) is not None
    block(guarded, "127.0.0.1")
    assert fast(guarded, **READER) is None


def test_fast_path_leaves_the_cookie_to_threads(guarded: FlaskClient) -> None:
    own = {"Sec-Fetch-Site": "same-origin"}
    answer = guarded.post("/sign-in", data={"token": READ_TOKEN}, headers=own)
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    assert fast(guarded, Cookie=cookie) is None
    assert guarded.post("/predict", json=ROW, headers=own).status_code == 200
    assert fast(guarded, Cookie=cookie, **READER) is not None
    assert fast(guarded, Cookie=cookie, **WRONG) is None


def test_probes_alone_are_answered_on_the_event_loop(guarded: FlaskClient) -> None:
    app = guarded.application
    assert isinstance(app, Application)
    assert app.is_quick("/readyz")
    assert not app.is_quick("/v2/health/live")


def block(client: FlaskClient, address: str) -> None:
    for _ in range(FREE_ATTEMPTS):
        authorization_of(client.application).wrong_tokens.add(address)


def assert_too_many(answer: Any) -> None:
    assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=429)
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_client_with_too_many_wrong_tokens_is_429_even_with_the_right_one(
    client: FlaskClient,
) -> None:
    for _ in range(FREE_ATTEMPTS):
        assert client.post("/models/rollback", headers=WRONG).status_code == 403
    assert_too_many(client.post("/models/rollback", headers=WRONG))
    assert_too_many(client.post("/models/rollback", headers=ADMIN))
    assert client.post("/models/rollback").status_code == 401
    other = {"REMOTE_ADDR": "192.0.2.1"}
    assert client.post("/models/rollback", headers=ADMIN, environ_base=other).status_code == 409


def test_wrong_tokens_of_readers_count_too(guarded: FlaskClient) -> None:
    for _ in range(FREE_ATTEMPTS):
        assert guarded.get("/metrics", headers=WRONG).status_code == 403
    assert_too_many(guarded.get("/metrics", headers=READER))
    answer = guarded.get("/v2", headers=READER)
    assert (answer.status_code, list(answer.get_json())) == (429, ["error"])
    assert guarded.get("/livez").status_code == 200


def test_missing_token_is_no_guess(client: FlaskClient) -> None:
    for headers in ({}, {"Authorization": "Basic abc"}):
        for _ in range(2 * FREE_ATTEMPTS):
            assert client.post("/models/rollback", headers=headers).status_code == 401
    assert client.post("/models/rollback", headers=ADMIN).status_code == 409


def test_openapi_document_has_the_read_token_only_if_there_is_one(
    guarded: FlaskClient, make_client: MakeClient
) -> None:
    with_token = guarded.get("/openapi.json", headers=READER).get_json()
    without = make_client(read_token="").get("/openapi.json").get_json()
    assert set(with_token["components"]["securitySchemes"]) == {"admin", "read"}
    assert set(without["components"]["securitySchemes"]) == {"admin"}
    either: list[dict[str, Any]] = [{"read": []}, {"admin": []}]
    for path, operations in with_token["paths"].items():
        for method, operation in operations.items():
            expected = without["paths"][path][method].get("security", either)
            assert operation.get("security", []) == ([] if path in OPEN_PATHS else expected)
            assert ("429" in operation["responses"]) == (path not in OPEN_PATHS)
    assert "security" not in without["paths"]["/metrics"]["get"]


def test_plain_rows_are_open_without_a_read_token(registry: Registry, client: FlaskClient) -> None:
    serve(registry, small_model())
    assert client.post("/predict", json=ROW).status_code == 200
    assert fast(client) is not None
