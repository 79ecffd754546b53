"""The models of one installation: their names, and where their versions are."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from network import Array, Model
from registry import LocalStorage, Models, Registry, StorageError
from registry.promotions import PromotionLog
from tests.registry.conftest import promote

Publish = Callable[[Registry], int]


@pytest.fixture
def models(folder: Path) -> Models:
    return Models.local(folder, "numnet")


@pytest.fixture
def publish(model: Model, golden: Array) -> Publish:
    return lambda registry: registry.publish(model, {"seed": 7}, golden).number


def test_model_exists_once_a_version_was_published(
    models: Models, folder: Path, publish: Publish
) -> None:
    assert models.others() == []
    (folder / "empty").mkdir(parents=True)
    assert not models.exists("empty")
    assert publish(models.registry("pump")) == 1
    assert publish(models.registry("_valve-2.b")) == 1
    assert models.others() == ["_valve-2.b", "pump"]
    assert models.exists("pump")


def test_default_model_is_at_the_top_and_always_exists(
    models: Models, folder: Path, publish: Publish
) -> None:
    assert models.exists("numnet")
    publish(models.registry("numnet"))
    assert (folder / "1.npz").is_file()
    assert models.others() == []
    assert Models.local(folder, "renamed").registry("renamed").versions() == [1]


def test_models_have_versions_and_promotions_of_their_own(
    models: Models, folder: Path, publish: Publish
) -> None:
    default, pump = models.registry("numnet"), models.registry("pump")
    for registry in (default, pump, pump):
        publish(registry)
    promote(pump, 2)
    assert (default.versions(), pump.versions()) == ([1], [1, 2])
    assert default.current() is None
    assert (folder / "pump" / "promotions" / "00000001.json").is_file()
    promote(default, 1)
    assert pump.retire(1) == [1]
    assert default.versions() == [1]


def test_folder_with_the_name_of_the_default_model_is_another_model_only_if_it_is_renamed(
    folder: Path, publish: Publish
) -> None:
    publish(Models.local(folder, "numnet").registry("pump"))
    assert Models.local(folder, "pump").others() == []
    assert Models.local(folder, "numnet").others() == ["pump"]


def test_newest_promotions_are_read_again_only_after_a_promotion(
    models: Models, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert models.newest_promotions() == {"numnet": None}
    for name in ("numnet", "pump", "valve"):
        for _ in range(2):
            publish(models.registry(name))
    promote(models.registry("numnet"), 1)
    promote(models.registry("pump"), 2)
    newest = models.newest_promotions()
    assert {name: each and each.version for name, each in newest.items()} == {
        "numnet": 1,
        "pump": 2,
        "valve": None,
    }
    monkeypatch.setattr(PromotionLog, "read", None)
    assert models.newest_promotions() == newest
    monkeypatch.undo()
    promote(models.registry("pump"), 1)
    found = models.newest_promotions()["pump"]
    assert found is not None
    assert found.version == 1


@pytest.mark.parametrize(
    "name", ["", ".", "..", "7", "promotions", "rollback", "stats", "3.npz", "a/b", "é", "a" * 65]
)
def test_other_texts_are_no_names(models: Models, folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a model"):
        models.registry(name)
    assert not models.exists(name)
    if name and "/" not in name and name not in (".", ".."):
        (folder / name).mkdir(parents=True)
        (folder / name / "1.npz").touch()
    assert models.others() == []


def test_odd_entries_beside_models_are_ignored(
    models: Models, folder: Path, publish: Publish
) -> None:
    publish(models.registry("pump"))
    (folder / "file").touch()
    (folder / "loop").symlink_to("loop")
    (folder / "linked").symlink_to("pump")
    (folder / "npz").mkdir()
    (folder / "npz" / "1.npz").mkdir()
    assert models.others() == ["linked", "pump"]


def test_unreadable_model_leaves_the_others(
    models: Models, folder: Path, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pump", "valve"):
        publish(models.registry(name))
        promote(models.registry(name), 1)
    (folder / "backup").mkdir()
    listed, stamp = LocalStorage.list, LocalStorage.generation

    def list_others(storage: LocalStorage, prefix: str) -> list[str]:
        if storage.root.name in ("backup", "valve"):
            raise StorageError("Permission denied")
        return listed(storage, prefix)

    def generation(storage: LocalStorage) -> object:
        if storage.root.name == "valve":
            raise StorageError("Permission denied")
        return stamp(storage)

    monkeypatch.setattr(LocalStorage, "list", list_others)
    monkeypatch.setattr(LocalStorage, "generation", generation)
    assert models.others() == ["pump", "valve"]
    newest = models.newest_promotions()
    assert {name: each and each.version for name, each in newest.items()} == {
        "numnet": None,
        "pump": 1,
        "valve": None,
    }


def test_folder_that_cannot_be_listed_is_an_error(models: Models, folder: Path) -> None:
    folder.symlink_to(folder.name)
    with pytest.raises(StorageError):
        models.others()


def test_known_model_whose_versions_are_deleted_is_not_listed_any_more(
    models: Models, folder: Path, publish: Publish
) -> None:
    publish(models.registry("pump"))
    publish(models.registry("fan"))
    assert models.others() == models.others() == ["fan", "pump"]
    (folder / "pump" / "1.npz").unlink()
    os.utime(folder / "pump", (1, 1))  # the clock may not have moved since the publication
    assert models.others() == ["fan"]
    publish(models.registry("pump"))
    assert models.others() == ["fan", "pump"]


def test_folders_of_known_models_are_not_listed_again(
    models: Models, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(models.registry("pump"))
    assert models.others() == ["pump"]
    monkeypatch.setattr(Registry, "has_versions", None)
    assert models.others() == ["pump"]
