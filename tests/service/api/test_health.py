"""`/livez` and `/readyz`."""

from pathlib import Path

from flask import Flask

from config import Settings
from registry import Registry
from service.app import create_app
from tests.service.problem_shape import assert_problem
from tests.service.small_models import serve, small_model


def test_live_and_ready_with_a_model(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/livez").get_json() == {"status": "live"}
    assert client.get("/readyz").get_json() == {"status": "ready", "version": "1"}
    for path in ("/livez", "/readyz"):
        answer = client.head(path)
        assert (answer.status_code, answer.data) == (200, b"")
        assert answer.headers["X-Request-ID"]


def test_live_but_not_ready_without_a_model(models: Path) -> None:
    client = create_app(Settings(models=models)).test_client()
    assert client.get("/livez").status_code == 200
    answer = client.get("/readyz")
    assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=503)
    assert answer.headers["Retry-After"]


def test_ready_once_a_model_is_promoted(models: Path, registry: Registry) -> None:
    client = create_app(Settings(models=models)).test_client()
    assert client.get("/readyz").status_code == 503
    serve(registry, small_model())
    assert client.get("/readyz").get_json() == {"status": "ready", "version": "1"}
