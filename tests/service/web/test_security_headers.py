"""Security headers, origins and hosts."""

import pytest
from flask import Flask

from service.web.security_headers import SECURITY_HEADERS
from tests.service.conftest import MakeClient
from tests.service.problem_shape import assert_problem
from tests.service.small_models import FEATURES

ROW = dict.fromkeys(FEATURES, 0.5)
ORIGIN = "https://here.example"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/predict"),
        ("GET", "/models"),
        ("GET", "/nothing"),
        ("PUT", "/predict"),
        ("OPTIONS", "/predict"),
    ],
)
def test_every_answer_carries_the_security_headers(app: Flask, method: str, path: str) -> None:
    answer = app.test_client().open(path, method=method, json=ROW)
    for name, value in SECURITY_HEADERS:
        assert answer.headers.getlist(name) == [value]
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_an_origin_that_is_named_may_read(make_client: MakeClient) -> None:
    client = make_client(cors_origins=(ORIGIN,))
    for path in ("/models", "/nothing"):
        answer = client.get(path, headers={"Origin": ORIGIN})
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert answer.headers["Vary"] == "Origin"
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = client.options("/predict", headers=asked)
    assert answer.status_code == 200
    assert set(answer.headers["Access-Control-Allow-Methods"].split(", ")) == {"POST", "OPTIONS"}
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]
    answer = client.options("/nothing", headers=asked)
    assert answer.status_code == 404
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize(
    "origin",
    ["https://there.example", f"{ORIGIN}.evil", f"{ORIGIN}:444", "null", "", "http://here.example"],
)
def test_no_other_origin_may(make_client: MakeClient, origin: str) -> None:
    client = make_client(cors_origins=(ORIGIN,))
    for method in ("GET", "OPTIONS"):
        answer = client.open("/models", method=method, headers={"Origin": origin})
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
        assert answer.headers["Vary"] == "Origin"


def test_a_prediction_can_be_asked_for_across_origins(app: Flask, make_client: MakeClient) -> None:
    answer = app.test_client().post("/predict", json=ROW, headers={"Origin": ORIGIN})
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "host", ["a.example", "A.EXAMPLE", "a.example:8000", "[::1]:8000", "[::1]"]
)
def test_a_host_that_is_named_is_answered(make_client: MakeClient, host: str) -> None:
    client = make_client(hosts=("a.example", "[::1]"))
    assert client.get("/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["b.example", "a.example.evil", "127.0.0.1:8000", "[::2]", ""])
def test_another_host_is_421_but_for_probes(make_client: MakeClient, host: str) -> None:
    client = make_client(hosts=("a.example", "[::1]"))
    answer = client.get("/models", headers={"Host": host})
    assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=421)
    assert client.post("/predict", json=ROW, headers={"Host": host}).status_code == 421
    assert client.get("/livez", headers={"Host": host}).status_code == 200
    assert client.get("/readyz", headers={"Host": host}).status_code == 503
