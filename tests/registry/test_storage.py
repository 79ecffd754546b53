"""One contract for every storage, and what a local disk adds to it."""

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from registry import KeyExists, LocalStorage, Storage, StorageError
from registry.storage import promotion_key
from tests.patience import DEADLINE_SECONDS
from tests.registry.races import Race, fork, in_processes, in_threads

BACKENDS: dict[str, Callable[[Path], Storage]] = {
    "local": LocalStorage,
}

Connect = Callable[[], Storage]

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*fork:DeprecationWarning"  # BLAS keeps idle threads; they hold no lock of ours
)


@pytest.fixture(params=BACKENDS)
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Connect:
    """Opens one and the same store, as every process does for itself."""
    return lambda: BACKENDS[request.param](tmp_path / "models")


@pytest.fixture
def storage(connect: Connect) -> Storage:
    return connect()


@pytest.fixture(params=[in_threads, in_processes])
def race(request: pytest.FixtureRequest) -> Race:
    chosen: Race = request.param
    return chosen


# The contract


@pytest.mark.parametrize("content", [b"", b"{}\n", bytes(range(256)), os.urandom(1_000_001)])
@pytest.mark.parametrize("key", ["1.npz", "promotions/00000001.json"])
def test_what_was_created_is_read_by_everybody(connect: Connect, key: str, content: bytes) -> None:
    storage, other = connect(), connect()
    storage.create(key, content)
    assert storage.read(key) == other.read(key) == content
    assert storage.list(key) == other.list(key) == [key]


def test_a_key_is_created_once(storage: Storage) -> None:
    storage.create("1.npz", b"first")
    with pytest.raises(KeyExists, match=r"^1\.npz exists already$"):
        storage.create("1.npz", b"second")
    assert storage.read("1.npz") == b"first"


@pytest.mark.parametrize("key", ["1.npz", "promotions/00000001.json"])
def test_a_missing_key_reads_as_none(storage: Storage, key: str) -> None:
    assert storage.read(key) is None  # no store yet
    storage.create("2.npz", b"2")
    assert storage.read(key) is None


def test_of_many_writers_of_one_key_exactly_one_succeeds(connect: Connect, race: Race) -> None:
    contents = [bytes([writer]) * 100_000 for writer in range(6)]

    def attempt(index: int, writer: int) -> bool:
        try:
            connect().create(f"{index + 1}.npz", contents[writer])
        except KeyExists:
            return False
        return True

    outcomes = race(len(contents), 12, attempt)
    assert [wins.count(True) for wins in outcomes] == [1] * 12
    winners = [contents[wins.index(True)] for wins in outcomes]
    assert [connect().read(f"{index + 1}.npz") for index in range(12)] == winners


def test_a_list_has_one_level_and_one_prefix(storage: Storage) -> None:
    assert storage.list("") == storage.list("promotions/") == []
    keys = ["1.npz", "2.npz", "12.npz", "promotions/00000001.json", "promotions/00000012.json"]
    for key in keys:
        storage.create(key, b"content")
    assert sorted(storage.list("")) == sorted(keys[:3])
    assert sorted(storage.list("1")) == sorted(["1.npz", "12.npz"])
    assert sorted(storage.list("promotions/")) == keys[3:]
    assert storage.list("promotions/00000001") == keys[3:4]
    assert storage.list("promotions") == storage.list("other/") == storage.list("1.npz/") == []


def test_a_list_shows_complete_objects_only(connect: Connect) -> None:
    count, content = 40, bytes(300_000)

    def attempt(_: int, contestant: int) -> set[str]:
        storage = connect()
        if contestant == 0:
            for number in range(1, count + 1):
                storage.create(f"{number}.npz", content)
            return set()
        seen: set[str] = set()
        deadline = time.monotonic() + DEADLINE_SECONDS
        while len(seen) < count and time.monotonic() < deadline:
            news = set(storage.list("")) - seen
            assert all(storage.read(key) == content for key in news)
            seen |= news
        return seen

    [[_, seen]] = in_processes(2, 1, attempt)
    assert seen == {f"{number}.npz" for number in range(1, count + 1)}


@pytest.mark.parametrize("key", ["1.npz", "promotions/00000001.json"])
def test_a_deleted_key_is_free_again(connect: Connect, key: str) -> None:
    storage, other = connect(), connect()
    storage.create(key, b"first")
    storage.create("2.npz", b"2")
    other.delete(key)
    assert storage.read(key) is other.read(key) is None
    assert storage.list(key) == []
    assert storage.read("2.npz") == b"2"
    storage.create(key, b"second")
    assert other.read(key) == b"second"


def test_a_stamp_stays_as_long_as_its_object(connect: Connect) -> None:
    storage, other = connect(), connect()
    assert storage.stamp("1.npz") is None  # no store yet
    storage.create("1.npz", b"first")
    stamp = storage.stamp("1.npz")
    assert stamp is not None
    storage.create("2.npz", b"2")
    assert storage.stamp("1.npz") == other.stamp("1.npz") == stamp
    other.delete("1.npz")
    assert storage.stamp("1.npz") is None
    storage.create("1.npz", b"second")
    assert storage.stamp("1.npz") not in (stamp, None)


def test_deleting_what_is_not_there_does_nothing(storage: Storage) -> None:
    storage.delete("1.npz")  # no store yet
    storage.create("2.npz", b"2")
    storage.delete("1.npz")
    storage.delete("promotions/00000001.json")
    assert storage.list("") == ["2.npz"]


def test_everybody_may_delete_the_same_key(connect: Connect, race: Race) -> None:
    for number in range(12):
        connect().create(f"{number + 1}.npz", b"content")
    race(4, 12, lambda index, _: connect().delete(f"{index + 1}.npz"))
    assert connect().list("") == []


def test_the_generation_changes_with_every_promotion(connect: Connect) -> None:
    storage, other = connect(), connect()
    seen, seen_by_other = {storage.generation()}, {other.generation()}
    for number in range(1, 201):
        storage.create(promotion_key(number), b"{}")
        seen.add(storage.generation())
        seen_by_other.add(other.generation())
        assert len(seen) == len(seen_by_other) == number + 1


def test_the_generation_stays_while_nothing_is_promoted(storage: Storage) -> None:
    storage.create("1.npz", b"1")
    before = storage.generation()
    storage.create("2.npz", b"2")
    assert storage.generation() == before
    storage.create(promotion_key(1), b"{}")
    generation = storage.generation()
    end = time.monotonic() + 1.3  # past the second in which a clock may stand still
    while time.monotonic() < end:
        assert storage.generation() == generation


def test_a_check_for_writing_leaves_nothing(storage: Storage) -> None:
    storage.check_writable()
    assert storage.list("") == []
    storage.create("1.npz", b"1")
    storage.check_writable()
    assert storage.list("") == ["1.npz"]


# On a local disk


def files(folder: Path) -> set[str]:
    """Every file below, hidden ones too."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def freeze(folder: Path, moment_ns: int) -> None:
    """Make the folder's time of change what a clock that has not moved on would give."""
    os.utime(folder, ns=(moment_ns, moment_ns))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=777", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
        pytest.skip("mounting a disk takes root's rights")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def read_only(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder with one version and one promotion that nobody can write to."""
    root = os.geteuid() == 0  # to whom a folder's mode means nothing
    folder: Path = request.getfixturevalue("disk") if root else tmp_path / "disk"
    storage = LocalStorage(folder)
    storage.create("1.npz", b"1")
    storage.create(promotion_key(1), b"{}")
    if root:
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        yield folder
        return
    for each in (folder / "promotions", folder):
        each.chmod(0o555)
    yield folder
    for each in (folder, folder / "promotions"):
        each.chmod(0o755)


def test_nothing_but_the_object_is_left(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "a" / "b")
    storage.check_writable()
    for key in ("1.npz", "promotions/00000001.json"):
        storage.create(key, b"content")
        with pytest.raises(KeyExists):
            storage.create(key, b"other")
    assert files(tmp_path) == {"a/b/1.npz", "a/b/promotions/00000001.json"}


def abandon(write: Callable[[], None]) -> None:
    """Write in a process that dies as its file is about to get its name."""

    def die(*_: Any, **__: Any) -> None:
        os._exit(9)

    def run() -> None:
        os.link = die
        write()

    process = fork.Process(target=run)
    process.start()
    process.join(DEADLINE_SECONDS)
    assert process.exitcode == 9


def test_what_killed_writers_left_is_removed_after_an_hour(tmp_path: Path) -> None:
    storage, now = LocalStorage(tmp_path), time.time()
    abandon(storage.check_writable)
    abandon(lambda: storage.create("1.npz", b"half"))
    old = files(tmp_path)
    abandon(lambda: storage.create("1.npz", b"half"))
    young = files(tmp_path) - old
    assert (len(old), len(young)) == (2, 1)
    others = {".gitignore", ".nfs0001", ".a.hidden.file", "notes.on.the.models.txt"}
    for name in others:
        (tmp_path / name).write_bytes(b"somebody else's")
    for name in old | young | others:
        age_seconds = 3500 if name in young else 3700
        os.utime(tmp_path / name, (now - age_seconds, now - age_seconds))
    assert storage.list("") == ["notes.on.the.models.txt"]
    storage.create("1.npz", b"1")
    assert files(tmp_path) == young | others | {"1.npz"}


@pytest.mark.parametrize("size", [300_000, 3_000_000])
def test_a_full_disk_is_an_error_and_leaves_nothing(disk: Path, size: int) -> None:
    storage = LocalStorage(disk)
    storage.create("1.npz", bytes(100_000))
    with pytest.raises(
        StorageError, match=rf"^cannot write 2\.npz under {disk}: No space left on device$"
    ):
        storage.create("2.npz", bytes(size))
    assert files(disk) == {"1.npz"}
    storage.create("2.npz", bytes(100_000))
    assert storage.read("1.npz") == storage.read("2.npz") == bytes(100_000)


def test_a_write_that_is_cut_short_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.create("1.npz", bytes(10_000))

    def write_too_much() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
        with pytest.raises(StorageError, match=r"^cannot write 2\.npz under .*: File too large$"):
            storage.create("2.npz", bytes(100_000))

    process = fork.Process(target=write_too_much)
    process.start()
    process.join(DEADLINE_SECONDS)
    assert process.exitcode == 0
    assert files(tmp_path) == {"1.npz"}


@pytest.mark.parametrize("below", ["", "models", "a/models"])
def test_a_path_below_a_file_is_an_error(tmp_path: Path, below: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"a file")
    storage = LocalStorage(file / below)
    with pytest.raises(StorageError, match=rf"^cannot write under {file}.*: Not a directory$"):
        storage.check_writable()
    with pytest.raises(
        StorageError, match=rf"^cannot write 1\.npz under {file}.*: Not a directory$"
    ):
        storage.create("1.npz", b"1")
    assert storage.stamp("1.npz") is None
    assert file.read_bytes() == b"a file"


def test_a_read_only_folder_is_read(read_only: Path) -> None:
    storage = LocalStorage(read_only)
    assert storage.read("1.npz") == b"1"
    assert storage.read("2.npz") is None
    assert storage.list("") == ["1.npz"]
    assert storage.list("promotions/") == [promotion_key(1)]
    assert storage.generation() == storage.generation() is not None


def test_a_read_only_folder_is_an_error_to_writers(read_only: Path) -> None:
    storage = LocalStorage(read_only)
    reason = "(Read-only file system|Permission denied)"
    with pytest.raises(StorageError, match=rf"^cannot write under {read_only}: {reason}$"):
        storage.check_writable()
    for key in ("1.npz", "2.npz", promotion_key(2)):
        with pytest.raises(StorageError, match=rf"^cannot write {key} under .*: {reason}$"):
            storage.create(key, b"content")


def test_a_missing_folder_has_no_generation(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "models")
    assert storage.generation() is None
    storage.create("1.npz", b"1")
    assert storage.generation() is None


def test_a_folder_made_anew_has_another_generation(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.create(promotion_key(1), b"{}")
    freeze(tmp_path / "promotions", time.time_ns() - 60_000_000_000)
    before = storage.generation()
    shutil.rmtree(tmp_path / "promotions")
    assert storage.generation() is None
    storage.create(promotion_key(1), b"{}")
    assert storage.generation() not in (None, before)


def test_a_folder_in_the_place_of_another_has_another_generation(tmp_path: Path) -> None:
    storage, moment = LocalStorage(tmp_path), time.time_ns() - 60_000_000_000
    storage.create(promotion_key(1), b"{}")
    shutil.copytree(tmp_path / "promotions", tmp_path / "backup")
    for folder in ("promotions", "backup"):
        freeze(tmp_path / folder, moment)
    before = storage.generation()
    (tmp_path / "promotions").rename(tmp_path / "old")
    (tmp_path / "backup").rename(tmp_path / "promotions")
    assert storage.generation() not in (None, before)


def test_promotions_are_seen_while_the_clock_stands_still(tmp_path: Path) -> None:
    storage, seen = LocalStorage(tmp_path), set()
    moment = time.time_ns() + 60_000_000_000  # ahead, so that a slow test stays within the tick
    for number in range(1, 11):
        storage.create(promotion_key(number), b"{}")
        freeze(tmp_path / "promotions", moment)
        seen.add(storage.generation())
    assert len(seen) == 10


def test_a_promotion_is_seen_once_the_tick_it_came_within_is_over(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.create(promotion_key(1), b"{}")
    moment = time.time_ns()
    freeze(tmp_path / "promotions", moment)
    before = storage.generation()
    storage.create(promotion_key(2), b"{}")
    freeze(tmp_path / "promotions", moment)
    while time.time_ns() < moment + 1_100_000_000:
        pass
    assert storage.generation() != before
