"""Which origins may read responses."""

import pytest
from flask import Flask

from tests.service.conftest import MakeClient
from tests.service.small_models import FEATURES

ROW = dict.fromkeys(FEATURES, 0.5)
ORIGIN = "https://here.example"


def test_allowed_origin_may_read(make_client: MakeClient) -> None:
    client = make_client(cors_origins=(ORIGIN,))
    for path in ("/models", "/nothing"):
        response = client.get(path, headers={"Origin": ORIGIN})
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "X-Request-ID" in response.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in response.headers
        assert response.headers["Vary"] == "Origin"
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    response = client.options("/predict", headers=asked)
    assert response.status_code == 200
    assert set(response.headers["Access-Control-Allow-Methods"].split(", ")) == {"POST", "OPTIONS"}
    assert "Content-Type" in response.headers["Access-Control-Allow-Headers"]
    response = client.options("/nothing", headers=asked)
    assert response.status_code == 404
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize(
    "origin",
    ["https://there.example", f"{ORIGIN}.evil", f"{ORIGIN}:444", "null", "", "http://here.example"],
)
def test_other_origins_may_not_read(make_client: MakeClient, origin: str) -> None:
    client = make_client(cors_origins=(ORIGIN,))
    for method in ("GET", "OPTIONS"):
        response = client.open("/models", method=method, headers={"Origin": origin})
        assert not [name for name, _ in response.headers if name.startswith("Access-Control")]
        assert response.headers["Vary"] == "Origin"


def test_without_allowed_origins_a_cross_origin_request_is_answered(
    app: Flask, make_client: MakeClient
) -> None:
    response = app.test_client().post("/predict", json=ROW, headers={"Origin": ORIGIN})
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers
