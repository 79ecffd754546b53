"""The application factory."""

import logging
from pathlib import Path

import pytest
from flask import Flask

from config import Settings
from registry import Registry
from service.app import create_app
from tests.service.small_models import FEATURES, serve, small_model


def test_current_version_is_loaded_before_the_first_request(
    models: Path, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    serve(registry, small_model())
    create_app(Settings(models=models))
    assert [record.getMessage() for record in caplog.records] == ["serving version 1"]


def test_model_that_the_default_hides_is_logged(
    models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    serve(Registry.local(models / "pump"), small_model())
    with caplog.at_level(logging.WARNING, logger="service"):
        create_app(Settings(models=models))
        assert "not served" not in caplog.text
        create_app(Settings(models=models, model_name="pump"))
    assert "the folder pump of the models are not served" in caplog.text


@pytest.mark.parametrize("place", ["missing", "missing/deep", "a file", "a file/below"])
def test_app_starts_without_a_models_folder_and_creates_none(tmp_path: Path, place: str) -> None:
    (tmp_path / "a file").touch()
    before = sorted(tmp_path.rglob("*"))
    client = create_app(Settings(models=tmp_path / place)).test_client()
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503
    assert client.get("/models").get_json() == {
        "models": [{"name": "numnet", "default": True, "current": None}],
        "current": None,
        "versions": [],
        "promotions": [],
    }
    assert sorted(tmp_path.rglob("*")) == before


def test_two_applications_in_one_process_are_independent(tmp_path: Path) -> None:
    apps = []
    for name in ("a", "b"):
        serve(Registry.local(tmp_path / name), small_model((name,)))
        apps.append(create_app(Settings(models=tmp_path / name)))
    for app, name in zip(apps, ("a", "b"), strict=True):
        client = app.test_client()
        assert client.get("/models/1").get_json()["features"] == [name]
        assert client.post("/predict", json={name: 0.5}).status_code == 200


def test_no_path_is_redirected(app: Flask) -> None:
    client = app.test_client()
    row = dict.fromkeys(FEATURES, 0.5)
    doubled = client.post("/", json=row, environ_overrides={"PATH_INFO": "//predict"})
    assert doubled.data == client.post("/predict", json=row).data
    first = client.get("/", environ_overrides={"PATH_INFO": "//"})
    assert first.get_json()["links"].keys() == client.get("/").get_json()["links"].keys()
    for path in ("/models//1", "/models//", "/models/1//", "/livez//"):
        answer = client.get("/", environ_overrides={"PATH_INFO": path})
        assert answer.status_code == 404


def test_options_lists_the_allowed_methods(app: Flask) -> None:
    answer = app.test_client().options("/predict")
    assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (
        200,
        {"POST", "OPTIONS"},
    )


@pytest.mark.parametrize(
    "path",
    [
        *("/livez", "/ping", "/metrics", "/models", "/models/1", "/retrain", "/version", "/v2"),
        *("/v2/models/numnet", "/v2/health/ready", "/v1/models/numnet", "/openapi.json"),
    ],
)
def test_trailing_slash_is_ignored(app: Flask, path: str) -> None:
    client = app.test_client()
    answers = [client.get(each) for each in (path, f"{path}/")]
    assert answers[0].status_code == answers[1].status_code == 200
    assert client.get(f"{path}//").status_code == 404


def test_predictions_ignore_a_trailing_slash(app: Flask) -> None:
    row = dict.fromkeys(FEATURES, 0.5)
    for path, body in (
        ("/predict/", row),
        ("/invocations/", {"instances": [row]}),
        ("/v1/models/numnet:predict/", {"instances": [row]}),
    ):
        assert app.test_client().post(path, json=body).status_code == 200


def test_tables_and_predictions_share_the_threads(models: Path, registry: Registry) -> None:
    serve(registry, small_model())
    group_of = create_app(Settings(models=models)).group_of
    groups = {group_of(path, []) for path in ("/predict", "/data/a.csv", "/data/a.csv/report")}
    assert len(groups) == 2
    assert "" not in groups  # requests without a group are not limited
