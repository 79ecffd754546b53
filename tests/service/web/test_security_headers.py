"""Security headers of every response."""

import pytest
from flask import Flask

from service.web.security_headers import SECURITY_HEADERS
from tests.service.small_models import FEATURES

ROW = dict.fromkeys(FEATURES, 0.5)


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
def test_every_response_has_the_security_headers(app: Flask, method: str, path: str) -> None:
    response = app.test_client().open(path, method=method, json=ROW)
    for name, value in SECURITY_HEADERS:
        assert response.headers.getlist(name) == [value]
    assert "Access-Control-Allow-Origin" not in response.headers
