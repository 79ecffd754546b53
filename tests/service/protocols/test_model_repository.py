"""`/v2/repository`: listing versions, and verifying the current one."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from registry import Registry
from registry.storage import MAX_OBJECT_BYTES
from tests.service.conftest import ADMIN
from tests.service.protocols.test_open_inference import INFER, json_request, post, refused
from tests.service.small_models import forge_promotion, serve, small_model

INDEX = "/v2/repository/index"
LOAD, UNLOAD = ("/v2/repository/models/numnet/load", "/v2/repository/models/numnet/unload")


@pytest.mark.slow
def test_index_lists_which_versions_are_ready(
    registry: Registry, models: Path, client: FlaskClient
) -> None:
    assert post(client, INDEX).get_json() == []
    serve(registry, small_model())
    (models / "2.npz").write_bytes(b"damaged")
    with (models / "3.npz").open("wb") as file:
        file.truncate(MAX_OBJECT_BYTES + 1)
    first = {"name": "numnet", "version": "1", "state": "READY", "reason": ""}
    for body in (b"", b"{}", b'{"ready": false}'):
        found, second, third = post(client, INDEX, body).get_json()
        assert found == first
        assert (second["version"], second["state"]) == ("2", "UNAVAILABLE")
        assert "damaged" in second["reason"]
        assert third["reason"] == "the file cannot be read"
    assert post(client, INDEX, b'{"ready": true}').get_json() == [first]


@pytest.mark.parametrize("body", [b"[]", b"x", b'{"ready": 1}', b'{"ready": null}'])
def test_invalid_index_request_is_400(app: Flask, body: bytes) -> None:
    refused(post(app.test_client(), INDEX, body), 400)


@pytest.mark.parametrize("path", [LOAD, UNLOAD])
def test_load_and_unload_need_the_admin_token(client: FlaskClient, path: str) -> None:
    answer = post(client, path, b"{}")
    refused(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    refused(post(client, path, b"{}", Authorization="Bearer other"), 403)


def test_load_verifies_the_current_version(
    registry: Registry, models: Path, client: FlaskClient
) -> None:
    refused(post(client, LOAD, **ADMIN), 503)
    serve(registry, small_model())
    for body in (b"", b"{}", b'{"parameters": {}}'):
        answer = post(client, LOAD, body, **ADMIN)
        assert answer.get_json() == {"name": "numnet", "version": "1"}
    assert "/parameters must be empty" in refused(
        post(client, LOAD, b'{"parameters": {"config": "{}"}}', **ADMIN), 400
    )
    for body in (b"[]", b'{"parameters": null}', b'{"parameters": 0}'):
        refused(post(client, LOAD, body, **ADMIN), 400)
    refused(post(client, "/v2/repository/models/resnet/load", **ADMIN), 404)
    (models / "1.npz").write_bytes(b"damaged")
    refused(post(client, LOAD, **ADMIN), 409)
    forge_promotion(models, 7, "0" * 64)
    assert refused(post(client, LOAD, **ADMIN), 404) == "there is no version 7"
    assert post(client, INFER, json_request()).status_code == 200
    for path in (models / "promotions").iterdir():
        path.unlink()
    refused(post(client, LOAD, **ADMIN), 503)


def test_unload_is_501(app: Flask, client: FlaskClient) -> None:
    answer = post(client, UNLOAD, b'{"parameters": {"unload_dependents": false}}', **ADMIN)
    assert refused(answer, 501).startswith("the model cannot be unloaded; POST /models/")
    refused(post(client, "/v2/repository/models/resnet/unload", **ADMIN), 404)
