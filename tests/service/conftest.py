"""Registries in temporary folders, and applications that use them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import Settings
from network import Model
from registry import Registry
from service.app import create_app
from service.services import services_of
from service.telemetry.telemetry import Telemetry
from tests.service.documented import DocumentedClient
from tests.service.small_models import serve, small_model

TOKEN = "an-admin-t0ken-of-tests"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The models folder; it does not exist yet."""
    return tmp_path / "models"


@pytest.fixture
def registry(models: Path) -> Registry:
    return Registry.local(models)


@pytest.fixture
def telemetry() -> Telemetry:
    """Counters for this test only."""
    return Telemetry.of_single_process()


@pytest.fixture(scope="session")
def model() -> Model:
    """The model that `app` serves as version 1."""
    return small_model()


@pytest.fixture(scope="session")
def app(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """An application that no test modifies."""
    folder = tmp_path_factory.mktemp("models")
    serve(Registry.local(folder), model)
    app = create_app(Settings(models=folder))
    app.test_client_class = DocumentedClient
    return app


MakeClient = Callable[..., FlaskClient]


@pytest.fixture
def make_client(tmp_path: Path) -> Iterator[MakeClient]:
    """Make clients of applications in temporary folders; the arguments are fields of `Settings`."""
    apps = []

    def make(telemetry: Telemetry | None = None, **fields: Any) -> FlaskClient:
        own: dict[str, Any] = {name: tmp_path / name for name in ("models", "state", "data")}
        app = create_app(Settings(**own | {"admin_token": TOKEN} | fields), telemetry)
        app.test_client_class = DocumentedClient
        apps.append(app)
        return app.test_client()

    yield make
    for app in apps:
        if client := vars(services_of(app).jobs).get("_client"):
            client.destroy()  # close its connections, which a service keeps while it runs


@pytest.fixture
def client(make_client: MakeClient) -> FlaskClient:
    return make_client()
