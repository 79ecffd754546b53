"""States of models are read from their registries, and again only when something has changed."""

import shutil
from pathlib import Path

import pytest

from registry import Models, Registry, StorageError
from service.model.stored_states import StoredState, StoredStates
from tests.service.small_models import promote, publish, serve, small_model


@pytest.fixture
def states(models: Path) -> StoredStates:
    return StoredStates(Models.local(models, "numnet"))


@pytest.fixture
def pump(models: Path) -> Registry:
    return Registry.local(models / "pump")


def version_of(states: StoredStates, name: str = "pump") -> int | None:
    state = states.read([name])[name]
    return state.version if state else None


def test_state_is_that_of_the_newest_promotion(states: StoredStates, pump: Registry) -> None:
    assert states.read(["pump"]) == {"pump": None}
    version = publish(pump, small_model())
    assert version_of(states) is None
    serve(pump, small_model(seed=1))
    promotion = pump.current()
    assert promotion is not None
    created_at = pump.card(2).get("created_at")
    assert states.read(["pump"]) == {"pump": StoredState(2, promotion.at, created_at)}
    promote(pump, version)
    assert version_of(states) == 1


def test_unchanged_state_is_not_read_again(
    states: StoredStates, pump: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(pump, small_model())
    assert version_of(states) == 1
    monkeypatch.setattr(Registry, "serving", None)
    assert version_of(states) == 1


def test_file_that_is_deleted_damaged_or_restored_is_noticed(
    states: StoredStates, pump: Registry, models: Path
) -> None:
    serve(pump, small_model())
    serve(pump, small_model(seed=1))
    assert version_of(states) == 2
    file = models / "pump" / "2.npz"
    content = file.read_bytes()
    file.unlink()
    assert version_of(states) == 1
    file.write_bytes(content)
    assert version_of(states) == 2
    file.write_bytes(content[:-1])
    assert version_of(states) == 1


def test_model_that_cannot_be_read_leaves_the_others(
    states: StoredStates, pump: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(pump, small_model())
    assert version_of(states) == 1
    registry = Models.registry

    def broken(models: Models, name: str) -> Registry:
        if name == "broken":
            raise StorageError("the disk fails")
        return registry(models, name)

    monkeypatch.setattr(Models, "registry", broken)
    assert states.read(["broken"]) == {"broken": None}
    assert version_of(states) == 1


def test_deleted_model_has_no_state(states: StoredStates, pump: Registry, models: Path) -> None:
    serve(pump, small_model())
    assert version_of(states) == 1
    shutil.rmtree(models / "pump")
    assert version_of(states) is None
