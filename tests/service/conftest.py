"""Registries in a folder of the test's own, and applications on them."""

from pathlib import Path

import pytest
from flask import Flask

from network import Model
from registry import Registry, Settings
from service.app import create_app
from tests.service.small_models import serve, small_model


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The models folder; it does not exist yet."""
    return tmp_path / "models"


@pytest.fixture
def registry(models: Path) -> Registry:
    return Registry.local(models)


@pytest.fixture(scope="session")
def model() -> Model:
    """The model that `app` serves as version 1."""
    return small_model()


@pytest.fixture(scope="session")
def app(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """An application that no test changes."""
    folder = tmp_path_factory.mktemp("models")
    serve(Registry.local(folder), model)
    return create_app(Settings(models=folder))
