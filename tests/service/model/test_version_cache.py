"""The version cache: lookups, evictions, and files that change."""

import threading
from pathlib import Path

import pytest

from network import Model
from registry import LocalStorage, Registry, StorageError, VersionNotFound, VersionRefused
from service.model.current_version import CurrentVersion
from service.model.version_cache import CAPACITY, VersionCache
from service.telemetry.telemetry import Telemetry
from service.web.errors import NoModel
from tests.service.small_models import promote, publish, serve, small_model


@pytest.fixture
def versions(registry: Registry, telemetry: Telemetry) -> VersionCache:
    return VersionCache(registry, CurrentVersion(registry, telemetry.meter))


def test_without_a_number_the_current_version_is_returned(
    registry: Registry, versions: VersionCache
) -> None:
    with pytest.raises(NoModel):
        versions.require()
    serve(registry, small_model(seed=0))
    serve(registry, small_model(seed=1))
    assert versions.require().number == "2"
    promote(registry, 1)
    assert versions.require().number == "1"


def test_each_number_returns_its_own_model(registry: Registry, versions: VersionCache) -> None:
    for seed in range(3):
        publish(registry, small_model(seed=seed))
    promote(registry, 2)
    for seed in range(3):
        found = versions.require(str(seed + 1))
        assert found.number == str(seed + 1)
        assert isinstance(found.model, Model)
        assert found.model.theta.tobytes() == small_model(seed=seed).theta.tobytes()
        assert found.card["version"] == seed + 1


def test_current_version_is_returned_even_if_its_file_was_deleted(
    registry: Registry, models: Path, versions: VersionCache
) -> None:
    serve(registry, small_model())
    current = versions.require()
    (models / "1.npz").unlink()
    assert versions.require("1") is current


def test_least_recently_used_version_is_evicted(registry: Registry, versions: VersionCache) -> None:
    for seed in range(CAPACITY + 2):
        publish(registry, small_model(seed=seed))
    first, second = versions.require("1"), versions.require("2")
    for number in range(3, CAPACITY + 1):
        versions.require(str(number))
    assert versions.require("1") is first  # and is now the most recently used
    versions.require(str(CAPACITY + 1))
    assert versions.require("1") is first
    assert versions.require("2") is not second


def test_cached_version_is_not_read_again(
    registry: Registry, versions: VersionCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(registry, small_model())
    first = versions.require("1")
    monkeypatch.setattr(LocalStorage, "read", None)
    assert versions.require("1") is first


def test_deleted_version_is_not_found(
    registry: Registry, models: Path, versions: VersionCache
) -> None:
    publish(registry, small_model())
    versions.require("1")
    (models / "1.npz").unlink()
    with pytest.raises(VersionNotFound):
        versions.require("1")


def test_replaced_file_is_verified_again(
    registry: Registry, models: Path, versions: VersionCache
) -> None:
    publish(registry, small_model())
    versions.require("1")
    content = (models / "1.npz").read_bytes()
    (models / "1.npz").write_bytes(content[:-9])
    with pytest.raises(VersionRefused):
        versions.require("1")
    (models / "1.npz").write_bytes(content)
    assert versions.require("1").number == "1"


@pytest.mark.parametrize("version", ["9", "0", "01", "-1", "1.0", "x", "", "¹", "9" * 5000])
def test_invalid_version_number_is_not_found(
    registry: Registry, versions: VersionCache, version: str
) -> None:
    serve(registry, small_model())
    with pytest.raises(VersionNotFound):
        versions.require(version)


def test_unreadable_file_is_a_storage_error(
    registry: Registry, models: Path, versions: VersionCache
) -> None:
    serve(registry, small_model())
    (models / "2.npz").mkdir()
    with pytest.raises(StorageError):
        versions.require("2")


def test_concurrent_threads_get_the_versions_they_request(
    registry: Registry, versions: VersionCache
) -> None:
    numbers = [str(publish(registry, small_model(seed=seed))) for seed in range(2 * CAPACITY)]
    wrong: list[tuple[str, str]] = []

    def ask(start: int) -> None:
        for turn in range(60):
            number = numbers[(start + turn) % len(numbers)]
            if (found := versions.require(number)).number != number:
                wrong.append((number, found.number))

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
