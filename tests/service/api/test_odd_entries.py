"""Odd files in the models folder, and cards with values of wrong types, over HTTP."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from registry import Registry
from tests.service.conftest import ADMIN
from tests.service.small_models import promote, serve, small_model

ROUTES = ("/models", "/metrics", "/readyz", "/openapi.json", "/v2/models/numnet")
VALUES: list[Any] = [None, [[]], "text", 1.5, {"a": {"b": []}}, 2**63]
ROW = {"x1": 0, "x2": 0, "x3": 0, "x4": 0}
OK, ACCEPTED, CONFLICT, UNPROCESSABLE = 200, 202, 409, 422


@pytest.mark.parametrize("name", ["3.npz", "itself", "promotions/00000002.json"])
def test_link_to_itself_leaves_the_version_in_use(
    client: FlaskClient, registry: Registry, models: Path, name: str
) -> None:
    serve(registry, small_model())
    (models / name).symlink_to((models / name).name)
    for route in ROUTES:
        assert client.get(route).status_code == OK
    assert client.get("/models").get_json()["current"] == "1"


@pytest.mark.parametrize(
    ("put", "reason"),
    [
        (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
        (Path.mkdir, "Is a directory"),
        (os.mkfifo, "it is not a regular file, or too large"),
    ],
    ids=["link to itself", "folder", "pipe"],
)
def test_version_that_is_no_file_is_refused_alone(
    client: FlaskClient, registry: Registry, models: Path, put: Callable[[Path], None], reason: str
) -> None:
    serve(registry, small_model())
    put(models / "2.npz")
    for method, path in (
        ("GET", "/models/2"),
        ("GET", "/models/2/weights.npz"),
        ("GET", "/models/2/evaluation"),
        ("GET", "/models/2/report"),
        ("POST", "/models/2/promote"),
    ):
        response = client.open(path, method=method, headers=ADMIN)
        assert response.status_code == CONFLICT
        problem = response.get_json()
        assert problem["type"] == "/problems/version-refused"
        assert problem["detail"] == f"the version's file cannot be read: {reason}"
    for route in ROUTES:
        assert client.get(route).status_code == OK


@pytest.mark.parametrize(
    "path",
    [
        ["created_at"],
        ["metrics"],
        ["job"],
        ["identity"],
        ["warnings"],
        ["data"],
        ["data", "source"],
        ["data", "rows"],
        ["data", "weights"],
        ["data", "reading"],
        ["data", "reading", "options"],
        ["data", "reading", "options", "categories"],
        ["data", "reading", "left_out"],
        ["recipe"],
        ["recipe", "asked"],
        ["recipe", "asked", "layers"],
        ["recipe", "asked", "solver"],
        ["recipe", "asked", "unknown"],
    ],
    ids=".".join,
)
def test_card_with_an_odd_value_breaks_no_route(
    client: FlaskClient, registry: Registry, path: list[str]
) -> None:
    for value in VALUES:
        card: Any = value
        for name in reversed(path):
            card = {"source": "sales.csv", name: card} if name == "reading" else {name: card}
        version = registry.publish(small_model(), card, np.zeros((1, 4))).number
        promote(registry, version)
        for route in (*ROUTES, f"/models/{version}"):
            assert client.get(route).status_code == OK
        for page in ("/", "/versions", f"/versions/{version}"):
            assert client.get(page, headers={"Accept": "text/html"}).status_code == OK
        assert client.post("/predict", json=ROW).status_code == OK
        retraining = client.post("/retrain", json={}, headers=ADMIN)
        assert retraining.status_code in (ACCEPTED, CONFLICT, UNPROCESSABLE)
