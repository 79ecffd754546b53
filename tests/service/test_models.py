"""`GET /models` and `GET /models/{v}`."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from registry import Registry, Settings
from registry.storage import MAX_OBJECT_BYTES
from service.app import create_app
from tests.service.problem_shape import assert_problem
from tests.service.small_models import promote, publish, serve, small_model

NOTHING: dict[str, Any] = {"current": None, "versions": [], "promotions": []}


@pytest.fixture
def new_app(models: Path) -> Flask:
    return create_app(Settings(models=models))


def test_versions_are_listed_newest_first_with_the_one_in_use(
    registry: Registry, new_app: Flask
) -> None:
    client = new_app.test_client()
    assert client.get("/models").get_json() == NOTHING
    for seed in range(11):
        publish(registry, small_model(seed=seed))
    promote(registry, 2)
    document = client.get("/models").get_json()
    assert document["current"] == "2"
    versions = document["versions"]
    assert [entry["version"] for entry in versions] == [str(n) for n in range(11, 0, -1)]
    assert [entry["version"] for entry in versions if entry["current"]] == ["2"]
    assert versions[0] == {
        "version": "11",
        "created_at": None,
        "features": ["x1", "x2", "x3", "x4"],
        "targets": ["y"],
        "layers": [4, 8, 1],
        "activation": "tanh",
        "metrics": {"mse": 0.5},
        "job": None,
        "current": False,
    }
    assert client.head("/models").data == b""


def test_refused_versions_are_listed_with_the_reason(
    registry: Registry, models: Path, new_app: Flask
) -> None:
    serve(registry, small_model())
    (models / "2.npz").write_bytes(b"no model")
    (models / "3.npz").write_bytes((models / "1.npz").read_bytes())
    with (models / "4.npz").open("wb") as file:
        file.truncate(MAX_OBJECT_BYTES + 1)
    document = new_app.test_client().get("/models").get_json()
    four, three, two, one = document["versions"]
    assert "damaged or cut short" in two["refused"]
    assert "the file is that of version 1" in three["refused"]
    assert four["refused"] == "the file cannot be read"
    assert str(models) not in str(document)
    assert (one["current"], [entry["current"] for entry in (two, three, four)]) == (
        True,
        [False] * 3,
    )


def test_one_card_is_shown(registry: Registry, new_app: Flask) -> None:
    serve(registry, small_model(("a", "b"), ("y", "z")))
    answer = new_app.test_client().get("/models/1")
    assert answer.status_code == 200
    card = answer.get_json()
    assert (card["version"], card["features"], card["targets"]) == ("1", ["a", "b"], ["y", "z"])
    assert card["metrics"] == {"mse": 0.5}


@pytest.mark.parametrize(
    "version",
    ["abc", "0", "01", "99", "-1", "+1", "1.0", "1e0", "1%0A", "٣", "²", "1" * 9, "9" * 5000],
)
def test_a_version_that_is_not_there_is_404(app: Flask, version: str) -> None:
    answer = app.test_client().get(f"/models/{version}")
    document = assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=404)
    assert document["detail"].startswith("there is no version ")


def test_a_version_that_does_not_verify_is_409(models: Path, new_app: Flask) -> None:
    models.mkdir()
    (models / "1.npz").write_bytes(b"no model")
    answer = new_app.test_client().get("/models/1")
    document = assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=409)
    assert "damaged" in document["detail"]


def test_a_folder_made_anew_shows_its_own_cards(
    registry: Registry, models: Path, new_app: Flask
) -> None:
    client = new_app.test_client()
    serve(registry, small_model(("before",)))
    assert client.get("/models/1").get_json()["features"] == ["before"]
    shutil.rmtree(models)
    assert client.get("/models").get_json() == {**NOTHING, "current": "1"}
    serve(registry, small_model(("after",)))
    assert client.get("/models/1").get_json()["features"] == ["after"]
    assert client.get("/models").get_json()["versions"][0]["features"] == ["after"]
