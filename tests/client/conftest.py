"""Clients of services that run as processes of their own."""

from collections.abc import Iterator

import pytest

from network import Model
from numnet import Client
from registry import Registry
from tests.e2e.conftest import ADMIN_TOKEN, Service, registry, start_service
from tests.service.small_models import promote, publish, small_model, some_calibration

__all__ = ["registry", "start_service"]  # fixtures


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a service as slow: it is a process of its own."""
    for item in items:
        if {"service", "start_service", "run_at"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def model() -> Model:
    """The model that `service` serves as version 2."""
    return small_model()


@pytest.fixture(scope="session")
def service(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with two versions, that no test changes."""
    folder = tmp_path_factory.mktemp("service")
    registry = Registry.local(folder / "models")
    publish(registry, small_model(seed=1))
    publish(registry, model, some_calibration())
    promote(registry, 2)
    running = Service(folder / "models", folder / "out")
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with Client(service.url, token=ADMIN_TOKEN) as client:
        yield client
