"""Publishing, loading, promoting and retiring versions."""

import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from network import Array, InputError, Model
from registry import (
    LocalStorage,
    Registry,
    Version,
    VersionNotFound,
    VersionRefused,
    versions,
)
from registry.model_file import decode
from registry.verified_files import VerifiedFiles
from tests.registry.conftest import NOON, Publish, log_entries, promote, roll_back
from tests.registry.races import in_processes
from tests.registry.samples import make_model
from tests.single_network import network

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*fork:DeprecationWarning"  # the idle threads of BLAS hold no lock
)


# Publishing


def test_versions_are_numbered_from_one(registry: Registry, publish: Publish, folder: Path) -> None:
    assert registry.versions() == []
    assert [publish(), publish(), publish()] == [1, 2, 3]
    assert registry.versions() == [1, 2, 3]
    assert sorted(path.name for path in folder.iterdir()) == ["1.npz", "2.npz", "3.npz"]


def test_versions_are_ordered_as_numbers(registry: Registry, publish: Publish) -> None:
    assert [publish() for _ in range(11)] == registry.versions() == list(range(1, 12))


@pytest.mark.parametrize("removed", [[1], [2], [1, 2], [3], [1, 2, 3]])
def test_number_of_a_new_version_follows_the_highest(
    registry: Registry, publish: Publish, folder: Path, removed: list[int]
) -> None:
    for _ in range(3):
        publish()
    for number in removed:
        (folder / f"{number}.npz").unlink()
    left = [number for number in (1, 2, 3) if number not in removed]
    assert registry.versions() == left
    assert publish() == max(left, default=0) + 1


def test_publish_returns_the_version_as_it_is_loaded(
    registry: Registry, model: Model, golden: Array
) -> None:
    published = registry.publish(model, {"seed": 7}, golden)
    loaded = registry.load(published.number)
    assert (loaded.number, loaded.sha256, loaded.card) == (1, published.sha256, published.card)
    assert network(loaded.model).theta.tobytes() == network(published.model).theta.tobytes()


def test_version_is_loaded_as_it_was_published(
    registry: Registry, publish: Publish, model: Model, folder: Path
) -> None:
    publish()
    published = registry.load(publish())
    assert published.card["version"] == 2
    assert published.card["seed"] == 7
    assert published.sha256 == sha256((folder / "2.npz").read_bytes()).hexdigest()
    X = np.random.default_rng(3).normal(size=(5, 2))
    assert published.model.predict(X).tobytes() == model.predict(X).tobytes()


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (np.ones((0, 2)), VersionRefused, "the file has no golden rows"),
        (np.ones((3, 2), np.float32), VersionRefused, "golden_inputs has type float32"),
        (np.full((1, 2), np.inf), VersionRefused, "are not finite|that are not finite"),
        (np.ones((3, 4)), InputError, "X has 4 columns"),
    ],
)
def test_version_that_cannot_be_verified_is_not_published(
    registry: Registry, model: Model, rows: Array, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        registry.publish(model, {}, rows)
    assert registry.versions() == []


def test_publishing_promotes_nothing(registry: Registry, publish: Publish) -> None:
    before = registry.generation()
    publish()
    assert registry.current() is None
    assert registry.promotion_numbers() == []
    assert registry.generation() == before


@pytest.mark.slow
def test_concurrent_publishers_get_different_numbers(
    folder: Path, model: Model, golden: Array
) -> None:
    def attempt(index: int, contestant: int) -> int:
        return Registry.local(folder).publish(model, {"by": [index, contestant]}, golden).number

    rounds = in_processes(4, 12, attempt)
    published = {
        number: [index, contestant]
        for index, numbers in enumerate(rounds)
        for contestant, number in enumerate(numbers)
    }
    registry = Registry.local(folder)
    assert sorted(published) == registry.versions() == list(range(1, 49))
    assert {number: registry.load(number).card["by"] for number in published} == published


# Loading


@pytest.mark.parametrize("version", [0, 3, -1, 10**12])
def test_missing_version_is_not_found(registry: Registry, publish: Publish, version: int) -> None:
    publish(), publish()
    with pytest.raises(VersionNotFound, match=rf"^there is no version {version}$") as caught:
        registry.load(version)
    assert caught.value.version == version
    with pytest.raises(VersionNotFound):
        promote(registry, version)


def test_damaged_version_is_refused_and_others_are_loaded(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    publish(), publish()
    content = (folder / "2.npz").read_bytes()
    (folder / "2.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(VersionRefused, match="damaged or cut short"):
        registry.load(2)
    assert registry.load(1).card["version"] == 1
    assert publish() == 3


def test_file_of_another_version_is_refused(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    publish(), publish()
    shutil.copy(folder / "1.npz", folder / "2.npz")
    with pytest.raises(VersionRefused, match=r"^the file belongs to version 1$"):
        registry.load(2)
    assert registry.load(1).card["version"] == 1


def test_file_with_another_checksum_is_refused(
    registry: Registry, publish: Publish, folder: Path, tmp_path: Path
) -> None:
    promoted = promote(registry, publish())
    assert registry.load(1, promoted.sha256).sha256 == promoted.sha256
    other = Registry.local(tmp_path / "other")
    other.publish(make_model((2, 3, 1), seed=1), {}, np.ones((1, 2)))
    shutil.copy(tmp_path / "other" / "1.npz", folder / "1.npz")
    registry.load(1)  # another valid version 1
    with pytest.raises(VersionRefused, match=r"^the file was changed or replaced"):
        registry.load(1, promoted.sha256)


def test_card_is_verified_again_when_its_file_changes(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    publish(), publish()
    assert registry.card(2) == registry.load(2).card
    assert registry.card(2) == registry.load(2).card  # the second time without decoding
    content = (folder / "2.npz").read_bytes()
    for other in (content[:-1], (folder / "1.npz").read_bytes()):
        (folder / "2.npz").write_bytes(other)
        with pytest.raises(VersionRefused):
            registry.card(2)
    (folder / "2.npz").unlink()
    with pytest.raises(VersionNotFound):
        registry.card(2)
    (folder / "2.npz").write_bytes(content)
    assert registry.card(2)["version"] == 2


def test_content_is_the_verified_file(registry: Registry, publish: Publish, folder: Path) -> None:
    publish(), publish()
    assert registry.content(1) == (folder / "1.npz").read_bytes()
    shutil.copy(folder / "1.npz", folder / "2.npz")
    with pytest.raises(VersionRefused, match=r"^the file belongs to version 1$"):
        registry.content(2)
    with pytest.raises(VersionNotFound):
        registry.content(3)


# Promoting


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda _: b"", lambda _: b"{}"])
def test_damaged_version_is_not_promoted(
    registry: Registry, publish: Publish, folder: Path, damage: Callable[[bytes], bytes]
) -> None:
    publish(), publish()
    promote(registry, 1)
    before, generation = log_entries(folder), registry.generation()
    (folder / "2.npz").write_bytes(damage((folder / "2.npz").read_bytes()))
    with pytest.raises(VersionRefused, match="damaged or cut short"):
        promote(registry, 2)
    with pytest.raises(VersionNotFound):
        promote(registry, 3)
    assert log_entries(folder) == before
    assert registry.generation() == generation


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list to which every decoding adds the number of the version."""
    numbers: list[int] = []

    def counting(content: bytes) -> Version:
        version = decode(content)
        numbers.append(version.number)
        return version

    monkeypatch.setattr(versions, "decode", counting)
    return numbers


def test_version_is_decoded_once_until_it_is_promoted(
    registry: Registry, model: Model, golden: Array, decoded: list[int]
) -> None:
    for number in (1, 2):
        published = registry.publish(model, {}, golden)
        registry.promote(number, sha256=published.sha256, by="", reason="", at=NOON)
        assert registry.serving() == registry.current() == registry.promotion(number)
        assert registry.card(number) == published.card
    assert decoded == [1, 2]


def test_promote_decodes_a_file_that_this_process_has_not_verified(
    registry: Registry,
    publish: Publish,
    folder: Path,
    decoded: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish()
    content = (folder / "1.npz").read_bytes()
    monkeypatch.setattr(versions, "VERIFIED", VerifiedFiles())  # as in another process
    promote(Registry.local(folder), 1)
    assert decoded == [1, 1]
    (folder / "1.npz").write_bytes(content[:-1])
    with pytest.raises(VersionRefused, match="damaged or cut short"):
        promote(registry, 1)


def test_promote_refuses_a_file_that_was_replaced(
    registry: Registry, model: Model, golden: Array, folder: Path
) -> None:
    published = registry.publish(model, {}, golden)
    (folder / "1.npz").unlink()
    registry.publish(model, {"another": 1}, golden)
    with pytest.raises(VersionRefused, match=r"^the file was changed or replaced: its checksum di"):
        registry.promote(1, sha256=published.sha256, by="", reason="", at=NOON)
    assert registry.history() == []
    assert promote(registry, 1).sha256 != published.sha256


def served(registry: Registry) -> int | None:
    promotion, loaded = registry.serving(), registry.load_serving()
    assert (promotion and (promotion.version, promotion.sha256)) == (
        loaded and (loaded.number, loaded.sha256)
    )
    return promotion.version if promotion else None


def test_newest_promotion_that_can_be_verified_is_served(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    assert served(registry) is None
    for _ in range(4):
        publish()
        assert served(registry) is None
    for version in (2, 1, 3, 4):
        promote(registry, version)
        assert served(registry) == version
    (folder / "4.npz").write_bytes(b"")
    assert served(registry) == 3
    shutil.copy(folder / "1.npz", folder / "3.npz")
    assert served(registry) == 1
    (folder / "1.npz").unlink()
    assert served(registry) == 2
    (folder / "promotions" / "00000001.json").write_bytes(b"")
    assert served(registry) is None


# Retiring


def test_oldest_versions_are_retired(registry: Registry, publish: Publish) -> None:
    for _ in range(6):
        promote(registry, publish())
    assert registry.card(1)["version"] == 1
    assert registry.retire(7) == registry.retire(6) == []
    assert registry.retire(3) == [1, 2, 3]
    assert registry.versions() == [4, 5, 6]
    assert registry.retire(3) == []
    with pytest.raises(VersionNotFound):
        registry.card(1)


@pytest.mark.parametrize(
    ("promoted", "kept"),
    [
        ([], [5, 6]),
        ([1], [1, 5, 6]),
        ([1, 2], [1, 2, 5, 6]),
        ([1, 2, 3], [2, 3, 5, 6]),
        ([1, 2, 3, 2], [2, 3, 5, 6]),
        ([6, 1], [1, 5, 6]),
    ],
)
def test_current_and_previous_versions_are_kept(
    registry: Registry, publish: Publish, promoted: list[int], kept: list[int]
) -> None:
    for _ in range(6):
        publish()
    for version in promoted:
        promote(registry, version)
    assert registry.retire(2) == sorted({1, 2, 3, 4, 5, 6} - {*kept})
    assert registry.versions() == kept


def test_version_that_a_rollback_needs_is_kept(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    for _ in range(3):
        promote(registry, publish())
    publish(), publish()
    (folder / "2.npz").unlink()
    assert registry.retire(2) == []
    assert roll_back(registry) == 1


def test_served_version_is_kept_while_newer_ones_are_damaged(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    for version in (publish(), publish(), publish(), publish(), publish()):
        promote(registry, version)
    publish(), publish()
    for version in (4, 5):
        (folder / f"{version}.npz").write_bytes(b"")
    assert registry.retire(2) == [1, 2]
    assert served(registry) == 3


def test_version_promoted_while_others_are_retired_is_kept(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    for _ in range(6):
        publish()
    promote(registry, 6)

    class Deleting(LocalStorage):
        def delete(self, key: str) -> None:
            super().delete(key)
            if key == "1.npz":
                promote(registry, 3)

    assert Registry(Deleting(folder)).retire(2) == [1, 2, 4]
    assert served(registry) == 3


# The folder


def test_other_files_are_ignored(registry: Registry, publish: Publish, folder: Path) -> None:
    for name in (
        *("README.md", "0.npz", "04.npz", "-4.npz", "+4.npz", "4.NPZ", "4.npz.bak", "4npz"),
        *(".4.npz", ".4.npz.0123456789abcdef", "latest.npz", "1４.npz", "1234567890.npz"),
        *("promotions/1.json", "promotions/00000004.json.bak", "promotions/000000004.json"),
        *("promotions/.00000004.json.0123456789abcdef", "promotions/0000000４.json"),
        *("promotions/00000004.JSON", "00000004.json", "promotions/4.npz"),
        *("5.npz/1.npz", "promotions/00000005.json/00000005.json"),  # folders with those names
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"stray")
    assert registry.versions() == registry.promotion_numbers() == []
    assert registry.current() is None
    assert [publish() for _ in range(2)] == [1, 2]
    assert [promote(registry, version).number for version in (1, 2)] == [1, 2]
    assert registry.versions() == registry.promotion_numbers() == [1, 2]
    assert [publish() for _ in range(3)] == [3, 4, 6]  # 5.npz is taken
    assert [promote(registry, 6).number for _ in range(3)] == [3, 4, 6]
    assert promote(registry, 1).previous == 6


def test_registry_without_a_folder_is_empty_and_makes_none(
    registry: Registry, folder: Path
) -> None:
    assert registry.versions() == registry.promotion_numbers() == []
    assert registry.current() is registry.generation() is None
    with pytest.raises(VersionNotFound):
        registry.load(1)
    assert not folder.exists()
