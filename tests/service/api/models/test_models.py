"""`/models`: list, show, download, promote and roll back versions."""

import io
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config import Settings
from registry import Registry
from registry.storage import MAX_OBJECT_BYTES
from service.app import create_app
from tests.random_ensembles import make_ensemble
from tests.service.conftest import ADMIN
from tests.service.problem_shape import assert_problem
from tests.service.small_models import FEATURES, promote, publish, serve, small_model

DEFAULT: dict[str, Any] = {"name": "numnet", "default": True, "current": None}
NO_VERSIONS: dict[str, Any] = {"current": None, "versions": [], "promotions": []}
NOTHING = {**NO_VERSIONS, "models": [DEFAULT]}


@pytest.fixture
def new_app(models: Path) -> Flask:
    return create_app(Settings(models=models))


def test_versions_are_listed_newest_first_with_the_current_one(
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


def test_warnings_are_listed_and_in_the_card(registry: Registry, new_app: Flask) -> None:
    warnings = ["the time limit of 60 s ended the training"]
    registry.publish(small_model(), {"warnings": warnings}, np.zeros((1, 4)))
    client = new_app.test_client()
    assert client.get("/models").get_json()["versions"][0]["warnings"] == warnings
    assert client.get("/models/1").get_json()["warnings"] == warnings


def test_ensembles_have_folds_and_columns(registry: Registry, new_app: Flask) -> None:
    ensemble = make_ensemble()
    serve(registry, ensemble)
    client = new_app.test_client()
    [entry] = client.get("/models").get_json()["versions"]
    assert entry["folds"] == ensemble.folds
    assert not {"layers", "activation"} & entry.keys()
    card = client.get("/models/1").get_json()
    assert (card["folds"], card["partitions"]) == (ensemble.folds, ensemble.partitions)
    assert [column["name"] for column in card["columns"]] == list(ensemble.features)


@pytest.mark.slow
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
    assert "the file belongs to version 1" in three["refused"]
    assert four["refused"] == "the file cannot be read"
    assert str(models) not in str(document)
    assert (one["current"], [entry["current"] for entry in (two, three, four)]) == (
        True,
        [False] * 3,
    )


def test_card_is_shown(registry: Registry, new_app: Flask) -> None:
    serve(registry, small_model(("a", "b"), ("y", "z")))
    answer = new_app.test_client().get("/models/1")
    assert answer.status_code == 200
    card = answer.get_json()
    assert (card["version"], card["features"], card["targets"]) == ("1", ["a", "b"], ["y", "z"])
    assert card["metrics"] == {"mse": 0.5}


@pytest.mark.parametrize("version", ["0", "01", "99", "1" * 9, "9" * 5000])
def test_missing_version_is_404(app: Flask, version: str) -> None:
    answer = app.test_client().get(f"/models/{version}")
    document = assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=404)
    assert document["detail"].startswith("there is no version ")


@pytest.mark.parametrize("name", ["abc", "-1", "+1", "1.0", "1e0", "1%0A", "٣", "²", "rollbacks"])
def test_missing_model_is_404(app: Flask, name: str) -> None:
    answer = app.test_client().get(f"/models/{name}")
    document = assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=404)
    assert document["detail"].startswith("there is no model ")
    assert document["detail"].endswith("; there is numnet")


def test_version_that_fails_verification_is_409(models: Path, new_app: Flask) -> None:
    models.mkdir()
    (models / "1.npz").write_bytes(b"no model")
    answer = new_app.test_client().get("/models/1")
    document = assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=409)
    assert "damaged" in document["detail"]


def test_recreated_folder_shows_its_own_cards(
    registry: Registry, models: Path, new_app: Flask
) -> None:
    client = new_app.test_client()
    serve(registry, small_model(("before",)))
    assert client.get("/models/1").get_json()["features"] == ["before"]
    shutil.rmtree(models)
    assert client.get("/models").get_json() == {**NOTHING, "current": "1"}  # it is in memory
    serve(registry, small_model(("after",)))
    assert client.get("/models/1").get_json()["features"] == ["after"]
    assert client.get("/models").get_json()["versions"][0]["features"] == ["after"]


def post(client: FlaskClient, path: str) -> TestResponse:
    return client.post(f"/models/{path}", headers=ADMIN)


def refused(answer: TestResponse, expected: int) -> dict[str, Any]:
    return assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=expected)


def served_version(client: FlaskClient) -> str:
    version: str = client.post("/predict", json=dict.fromkeys(FEATURES, 0.5)).get_json()["version"]
    assert client.get("/readyz").get_json()["version"] == version
    return version


def test_promoted_version_answers_the_next_request(registry: Registry, client: FlaskClient) -> None:
    for seed in range(3):
        publish(registry, small_model(seed=seed))
    assert client.post("/predict", json={}).status_code == 503
    previous = None
    for number, version in enumerate(("2", "1", "3", "3"), 1):
        promotion = post(client, f"{version}/promote").get_json()
        assert datetime.fromisoformat(promotion.pop("at")).tzinfo
        assert len(promotion.pop("sha256")) == 64
        assert promotion == {
            "number": number,
            "version": version,
            "previous": previous,
            "by": "POST /models",
            "reason": "promoted by hand",
        }
        assert served_version(client) == version
        previous = version


def test_repeated_rollbacks_restore_ever_older_versions(
    registry: Registry, client: FlaskClient
) -> None:
    for seed in range(3):
        serve(registry, small_model(seed=seed))
    for version in ("2", "1"):
        promotion = post(client, "rollback").get_json()
        assert (promotion["version"], promotion["reason"]) == (version, "rolled back")
        assert served_version(client) == version
    assert refused(post(client, "rollback"), 409)["type"] == "/problems/nothing-before"
    assert served_version(client) == "1"


def test_rollback_to_other_features_needs_force(registry: Registry, client: FlaskClient) -> None:
    serve(registry, small_model(("a", "b")))
    serve(registry, small_model())
    document = refused(post(client, "rollback"), 409)
    assert document["type"] == "/problems/features-differ"
    assert document["detail"] == (
        "version 1 was current before; its features are a, b and version 2's are x1, x2, x3, x4: "
        'clients would have to change; {"force": true} rolls back all the same'
    )
    assert served_version(client) == "2"
    forced = client.post("/models/rollback", headers=ADMIN, json={"force": True})
    assert forced.get_json()["version"] == "1"
    assert client.get("/readyz").get_json()["version"] == "1"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"force": 1}, "must be true or false, got 1"),
        ({"force": None}, "must be true or false, got null"),
        ({"version": 1}, "is unknown"),
        ([], "must be an object, got []"),
    ],
)
def test_wrong_options_of_a_rollback_are_422(
    registry: Registry, client: FlaskClient, body: object, detail: str
) -> None:
    for seed in range(2):
        serve(registry, small_model(seed=seed))
    answer = client.post("/models/rollback", headers=ADMIN, json=body)
    assert refused(answer, 422)["errors"][0]["detail"] == detail
    assert served_version(client) == "2"


@pytest.mark.parametrize("versions", [0, 1])
def test_rollback_without_a_previous_version_is_409(
    registry: Registry, client: FlaskClient, versions: int
) -> None:
    for _ in range(versions):
        serve(registry, small_model())
    document = refused(post(client, "rollback"), 409)
    assert document["type"] == "/problems/nothing-before"
    assert len(client.get("/models").get_json()["promotions"]) == versions


def test_version_that_fails_verification_is_not_promoted(
    registry: Registry, models: Path, client: FlaskClient
) -> None:
    serve(registry, small_model())
    content = (models / "1.npz").read_bytes()
    (models / "2.npz").write_bytes(content[:-100])
    (models / "3.npz").write_bytes(content)
    for version, reason in (("2", "damaged or cut short"), ("3", "belongs to version 1")):
        document = refused(post(client, f"{version}/promote"), 409)
        assert document["type"] == "/problems/version-refused"
        assert reason in document["detail"]
    assert served_version(client) == "1"
    assert len(client.get("/models").get_json()["promotions"]) == 1


def test_rollback_to_a_version_that_fails_verification_is_409(
    registry: Registry, models: Path, client: FlaskClient
) -> None:
    serve(registry, small_model(seed=0))
    serve(registry, small_model(seed=1))
    (models / "1.npz").write_bytes(b"no model")
    assert "damaged" in refused(post(client, "rollback"), 409)["detail"]
    assert served_version(client) == "2"


@pytest.mark.parametrize("version", ["99", "0", "01", "1" * 9])
def test_missing_version_is_neither_promoted_nor_downloaded(
    registry: Registry, client: FlaskClient, version: str
) -> None:
    serve(registry, small_model())
    for answer in (
        post(client, f"{version}/promote"),
        client.get(f"/models/{version}/weights.npz"),
    ):
        assert refused(answer, 404)["detail"].startswith("there is no version ")


def test_promotions_are_listed_newest_first(registry: Registry, client: FlaskClient) -> None:
    serve(registry, small_model(seed=0))
    publish(registry, small_model(seed=1))
    post(client, "2/promote")
    post(client, "rollback")
    newest, middle, oldest = client.get("/models").get_json()["promotions"]
    assert [(entry["version"], entry["previous"]) for entry in (newest, middle, oldest)] == [
        ("1", "2"),
        ("2", "1"),
        ("1", None),
    ]
    assert [entry["number"] for entry in (newest, middle, oldest)] == [3, 2, 1]
    assert (oldest["by"], middle["by"]) == ("a test", "POST /models")


def test_downloaded_file_is_readable_by_numpy(
    registry: Registry, models: Path, client: FlaskClient
) -> None:
    model = small_model()
    serve(registry, model)
    answer = client.get("/models/1/weights.npz")
    assert answer.data == (models / "1.npz").read_bytes()
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="numnet-1.npz"'
    with np.load(io.BytesIO(answer.data), allow_pickle=False) as arrays:
        assert str(arrays["format"]) == "numnet/1"
        layers = sorted(name for name in arrays if name.startswith(("weights_", "bias_")))
        assert layers == ["bias_0", "bias_1", "weights_0", "weights_1"]
        theta = [arrays[name].ravel() for name in ("weights_0", "bias_0", "weights_1", "bias_1")]
        assert np.array_equal(np.concatenate(theta), model.theta)
    (models / "1.npz").write_bytes(answer.data[:-100])
    document = refused(client.get("/models/1/weights.npz"), 409)
    assert document["type"] == "/problems/version-refused"


def test_promotion_in_an_unwritable_folder_is_503(
    registry: Registry, models: Path, client: FlaskClient
) -> None:
    serve(registry, small_model())
    publish(registry, small_model(seed=1))
    shutil.rmtree(models / "promotions")
    (models / "promotions").touch()
    document = refused(post(client, "2/promote"), 503)
    assert document["detail"] == ("the models folder is unavailable: Not a directory")


def test_rollback_path_is_neither_a_version_nor_a_model(client: FlaskClient) -> None:
    answer = client.get("/models/rollback")
    assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (
        405,
        {"POST", "OPTIONS"},
    )
