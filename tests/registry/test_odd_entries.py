"""Files of other origin in the models folder: each of them is ignored or refused alone."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from registry import (
    ObjectUnreadable,
    Registry,
    StorageError,
    VersionNotFound,
    VersionRefused,
    storage,
)
from tests.registry.conftest import Publish, promote, roll_back

Put = Callable[[Path], object]


def put_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def put_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def put_large_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


ODD: dict[str, Put] = {
    "link to itself": put_link_to_itself,
    "dangling link": lambda path: path.symlink_to("nowhere"),
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "socket": put_socket,
    "large file": put_large_file,
    "empty file": Path.touch,
}


@pytest.fixture(params=ODD)
def put(request: pytest.FixtureRequest) -> Put:
    return ODD[request.param]


@pytest.fixture
def two(registry: Registry, publish: Publish) -> Registry:
    """Return a registry whose second version is current."""
    for _ in range(2):
        promote(registry, publish())
    return registry


@pytest.mark.parametrize(
    "name", ["3.npz", "notes", ".hidden", "999999999.npz", "promotions/00000003.json"]
)
def test_odd_entry_breaks_nothing_else(
    two: Registry, publish: Publish, folder: Path, put: Put, name: str
) -> None:
    put(folder / name)
    serving = two.serving()
    assert serving is not None
    assert serving.version == 2
    assert [each.version for each in two.history()] == [1, 2]
    assert {1, 2} <= {*two.versions()} <= {1, 2, 3}
    published = publish()
    assert published in (3, 4)
    assert promote(two, published).number in (3, 4)
    assert roll_back(two) == 2
    assert two.retire(keep=50) == []


def test_odd_version_is_refused(two: Registry, folder: Path, put: Put) -> None:
    (folder / "2.npz").unlink()
    put(folder / "2.npz")
    serving = two.serving()
    assert serving is not None
    assert serving.version == 1
    with pytest.raises((VersionRefused, VersionNotFound, ObjectUnreadable)):
        two.load(2)
    if put is put_link_to_itself:
        with pytest.raises(ObjectUnreadable, match=r"^cannot read 2\.npz under "):
            two.stamp(2)


def test_folder_without_permission_is_no_fault_of_one_version(
    two: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(path: object, *args: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(storage, "read_regular", deny)
    with pytest.raises(ObjectUnreadable):
        two.load(2)
    monkeypatch.setattr("os.access", lambda *args: False)
    with pytest.raises(StorageError) as caught:
        two.load(2)
    assert not isinstance(caught.value, ObjectUnreadable)


def test_odd_promotion_is_refused(two: Registry, folder: Path, put: Put) -> None:
    path = folder / "promotions" / "00000002.json"
    path.unlink()
    put(path)
    with pytest.raises(VersionRefused, match=r"^promotion 2 (is|cannot)"):
        two.promotion(2)
    current = two.current()
    assert current is not None
    assert current.version == 1
    assert promote(two, 2).previous == 1


@pytest.mark.parametrize(
    "change",
    [
        {"version": 10**30},
        {"version": 0},
        {"previous": 10**30},
        {"previous": "1"},
        {"undoes": -(10**30)},
        {"undoes": [1]},
        {"by": "\ud800"},
        {"reason": "\udfff"},
        {"reason": None},
        {"at": "\ud800"},
        {"at": 7},
        {"sha256": "\ud800"},
    ],
)
def test_promotion_that_no_response_could_contain_is_damaged(
    two: Registry, folder: Path, change: dict[str, object]
) -> None:
    path = folder / "promotions" / "00000002.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | change))
    with pytest.raises(VersionRefused, match=r"^promotion 2 is damaged: "):
        two.promotion(2)
    current = two.current()
    assert current is not None
    assert current.version == 1


@pytest.mark.parametrize("number", [99_999_999, 99_999_998, 5_000_000])
@pytest.mark.parametrize("valid", [False, True])
def test_promotion_with_a_number_far_ahead_is_ignored(
    two: Registry, folder: Path, number: int, valid: bool
) -> None:
    first = folder / "promotions" / "00000001.json"
    (folder / "promotions" / f"{number:08d}.json").write_bytes(first.read_bytes() * valid)
    promoted = promote(two, 1)
    assert promoted.number == 3
    assert two.current() == promoted
    assert roll_back(two) == 2


def test_version_with_a_number_far_ahead_is_ignored(
    two: Registry, publish: Publish, folder: Path
) -> None:
    (folder / "999999999.npz").write_bytes((folder / "1.npz").read_bytes())
    assert publish() == 3
    assert two.versions() == [1, 2, 3]
    assert two.load(3).number == 3


def test_deleted_versions_leave_gaps(two: Registry, publish: Publish, folder: Path) -> None:
    (folder / "1000002.npz").write_bytes(b"")
    assert two.versions() == [1, 2, 1_000_002]
    assert publish() == 1_000_003
