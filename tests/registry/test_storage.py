"""The contract of every storage, and errors of a local disk."""

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
from registry.promotions import promotion_key
from tests.patience import DEADLINE_SECONDS
from tests.registry.races import Race, fork, in_processes, in_threads

BACKENDS: dict[str, Callable[[Path], Storage]] = {
    "local": LocalStorage,
}

Connect = Callable[[], Storage]

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*fork:DeprecationWarning"  # the idle threads of BLAS hold no lock
)


@pytest.fixture(params=BACKENDS)
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Connect:
    """Return a function that opens the same store, as each process does."""
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
def test_created_object_is_read_by_every_process(
    connect: Connect, key: str, content: bytes
) -> None:
    storage, other = connect(), connect()
    storage.create(key, content)
    assert storage.read(key) == other.read(key) == content
    assert storage.list(key) == other.list(key) == [key]


def test_key_is_created_once(storage: Storage) -> None:
    storage.create("1.npz", b"first")
    with pytest.raises(KeyExists, match=r"^1\.npz exists already$"):
        storage.create("1.npz", b"second")
    assert storage.read("1.npz") == b"first"


@pytest.mark.parametrize("key", ["1.npz", "promotions/00000001.json"])
def test_missing_key_reads_as_none(storage: Storage, key: str) -> None:
    assert storage.read(key) is None  # no store yet
    storage.create("2.npz", b"2")
    assert storage.read(key) is None


def test_of_concurrent_writers_of_one_key_exactly_one_succeeds(
    connect: Connect, race: Race
) -> None:
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


def test_list_has_one_level_and_one_prefix(storage: Storage) -> None:
    assert storage.list("") == storage.list("promotions/") == []
    keys = ["1.npz", "2.npz", "12.npz", "promotions/00000001.json", "promotions/00000012.json"]
    for key in keys:
        storage.create(key, b"content")
    assert sorted(storage.list("")) == sorted(keys[:3])
    assert sorted(storage.list("1")) == sorted(["1.npz", "12.npz"])
    assert sorted(storage.list("promotions/")) == keys[3:]
    assert storage.list("promotions/00000001") == keys[3:4]
    assert storage.list("promotions") == storage.list("other/") == storage.list("1.npz/") == []


def test_part_of_a_storage_has_the_keys_below_a_folder(storage: Storage) -> None:
    assert storage.folders() == storage.below("pump").list("") == []
    storage.create("1.npz", b"of the whole")
    part = storage.below("pump")
    part.create("1.npz", b"of the part")
    part.create("promotions/00000001.json", b"{}")
    assert storage.folders() == ["pump"]
    assert storage.read("pump/1.npz") == part.read("1.npz") == b"of the part"
    assert storage.read("1.npz") == b"of the whole"
    assert sorted(part.folders()) == ["promotions"]
    generation = storage.generation()
    part.create("promotions/00000002.json", b"{}")
    assert storage.generation() == generation != part.generation()


def test_list_has_complete_objects_only(connect: Connect) -> None:
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
def test_deleted_key_can_be_created_again(connect: Connect, key: str) -> None:
    storage, other = connect(), connect()
    storage.create(key, b"first")
    storage.create("2.npz", b"2")
    other.delete(key)
    assert storage.read(key) is other.read(key) is None
    assert storage.list(key) == []
    assert storage.read("2.npz") == b"2"
    storage.create(key, b"second")
    assert other.read(key) == b"second"


def test_stamp_changes_only_with_its_object(connect: Connect) -> None:
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


def test_deleting_a_missing_key_does_nothing(storage: Storage) -> None:
    storage.delete("1.npz")  # no store yet
    storage.create("2.npz", b"2")
    storage.delete("1.npz")
    storage.delete("promotions/00000001.json")
    assert storage.list("") == ["2.npz"]


def test_concurrent_deletions_of_one_key_succeed(connect: Connect, race: Race) -> None:
    for number in range(12):
        connect().create(f"{number + 1}.npz", b"content")
    race(4, 12, lambda index, _: connect().delete(f"{index + 1}.npz"))
    assert connect().list("") == []


def test_generation_changes_with_every_promotion(connect: Connect) -> None:
    storage, other = connect(), connect()
    seen, seen_by_other = {storage.generation()}, {other.generation()}
    for number in range(1, 201):
        storage.create(promotion_key(number), b"{}")
        seen.add(storage.generation())
        seen_by_other.add(other.generation())
        assert len(seen) == len(seen_by_other) == number + 1


@pytest.mark.slow
def test_generation_is_constant_without_promotions(storage: Storage) -> None:
    storage.create("1.npz", b"1")
    before = storage.generation()
    storage.create("2.npz", b"2")
    assert storage.generation() == before
    storage.create(promotion_key(1), b"{}")
    generation = storage.generation()
    end = time.monotonic() + 1.3  # longer than the coarsest clock tick
    while time.monotonic() < end:
        assert storage.generation() == generation


def test_check_writable_leaves_nothing(storage: Storage) -> None:
    storage.check_writable()
    assert storage.list("") == []
    storage.create("1.npz", b"1")
    storage.check_writable()
    assert storage.list("") == ["1.npz"]


# On a local disk


def files(folder: Path) -> set[str]:
    """Return the paths of all files below a folder, with hidden ones."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def freeze(folder: Path, moment_ns: int) -> None:
    """Set the folder's modification time, as if the clock stood still."""
    os.utime(folder, ns=(moment_ns, moment_ns))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a disk of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=777", "tmpfs", str(folder)]
    mounted = shutil.which("mount") and subprocess.run(command, check=False).returncode == 0
    if not mounted and "CI" not in os.environ:
        pytest.skip("mounting a disk requires root")
    assert mounted
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def read_only(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Return a read-only folder with one version and one promotion."""
    root = os.geteuid() == 0  # root ignores the mode of a folder
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


def test_only_the_object_is_left(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "a" / "b")
    storage.check_writable()
    for key in ("1.npz", "promotions/00000001.json"):
        storage.create(key, b"content")
        with pytest.raises(KeyExists):
            storage.create(key, b"other")
    assert files(tmp_path) == {"a/b/1.npz", "a/b/promotions/00000001.json"}


def abandon(write: Callable[[], None]) -> None:
    """Write in a process that is killed before its file gets its name."""

    def die(*_: Any, **__: Any) -> None:
        os._exit(9)

    def run() -> None:
        os.link = die
        write()

    process = fork.Process(target=run)
    process.start()
    process.join(DEADLINE_SECONDS)
    assert process.exitcode == 9


def test_leftovers_of_killed_writers_are_removed_after_an_hour(tmp_path: Path) -> None:
    storage, now = LocalStorage(tmp_path), time.time()
    abandon(storage.check_writable)
    abandon(lambda: storage.create("1.npz", b"half"))
    old = files(tmp_path)
    abandon(lambda: storage.create("1.npz", b"half"))
    young = files(tmp_path) - old
    assert (len(old), len(young)) == (2, 1)
    others = {".gitignore", ".nfs0001", ".a.hidden.file", "notes.on.the.models.txt"}
    for name in others:
        (tmp_path / name).write_bytes(b"another program's")
    for name in old | young | others:
        age_seconds = 3500 if name in young else 3700
        os.utime(tmp_path / name, (now - age_seconds, now - age_seconds))
    assert storage.list("") == ["notes.on.the.models.txt"]
    storage.create("1.npz", b"1")
    assert files(tmp_path) == young | others | {"1.npz"}


@pytest.mark.parametrize("size", [300_000, 3_000_000])
def test_full_disk_is_an_error_and_leaves_nothing(disk: Path, size: int) -> None:
    storage = LocalStorage(disk)
    storage.create("1.npz", bytes(100_000))
    with pytest.raises(
        StorageError, match=rf"^cannot write 2\.npz under {disk}: No space left on device$"
    ):
        storage.create("2.npz", bytes(size))
    assert files(disk) == {"1.npz"}
    storage.create("2.npz", bytes(100_000))
    assert storage.read("1.npz") == storage.read("2.npz") == bytes(100_000)


def test_interrupted_write_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("key", ["1.npz", "promotions/00000001.json"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_special_file_is_an_error_and_does_not_block(
    tmp_path: Path, key: str, make: Callable[[Path], None]
) -> None:
    path = tmp_path / key
    path.parent.mkdir(exist_ok=True)
    make(path)
    with pytest.raises(StorageError, match=r"^cannot read .*: it is not a regular file$"):
        LocalStorage(tmp_path).read(key)


@pytest.mark.parametrize("below", ["", "models", "a/models"])
def test_path_below_a_file_is_an_error(tmp_path: Path, below: str) -> None:
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


def test_read_only_folder_can_be_read(read_only: Path) -> None:
    storage = LocalStorage(read_only)
    assert storage.read("1.npz") == b"1"
    assert storage.read("2.npz") is None
    assert storage.list("") == ["1.npz"]
    assert storage.list("promotions/") == [promotion_key(1)]
    assert storage.generation() == storage.generation() is not None


def test_writing_to_a_read_only_folder_is_an_error(read_only: Path) -> None:
    storage = LocalStorage(read_only)
    reason = "(Read-only file system|Permission denied)"
    with pytest.raises(StorageError, match=rf"^cannot write under {read_only}: {reason}$"):
        storage.check_writable()
    for key in ("1.npz", "2.npz", promotion_key(2)):
        with pytest.raises(StorageError, match=rf"^cannot write {key} under .*: {reason}$"):
            storage.create(key, b"content")


def test_missing_folder_has_no_generation(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "models")
    assert storage.generation() is None
    storage.create("1.npz", b"1")
    assert storage.generation() is None


def test_folder_that_is_made_again_has_another_generation(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.create(promotion_key(1), b"{}")
    freeze(tmp_path / "promotions", time.time_ns() - 60_000_000_000)
    before = storage.generation()
    shutil.rmtree(tmp_path / "promotions")
    assert storage.generation() is None
    storage.create(promotion_key(1), b"{}")
    assert storage.generation() not in (None, before)


def test_folder_that_replaces_another_has_another_generation(tmp_path: Path) -> None:
    storage, moment = LocalStorage(tmp_path), time.time_ns() - 60_000_000_000
    storage.create(promotion_key(1), b"{}")
    shutil.copytree(tmp_path / "promotions", tmp_path / "backup")
    for folder in ("promotions", "backup"):
        freeze(tmp_path / folder, moment)
    before = storage.generation()
    (tmp_path / "promotions").rename(tmp_path / "old")
    (tmp_path / "backup").rename(tmp_path / "promotions")
    assert storage.generation() not in (None, before)


def test_generation_changes_within_one_clock_tick(tmp_path: Path) -> None:
    storage, seen = LocalStorage(tmp_path), set()
    moment = time.time_ns() + 60_000_000_000  # ahead, so that a slow test stays within the tick
    for number in range(1, 11):
        storage.create(promotion_key(number), b"{}")
        freeze(tmp_path / "promotions", moment)
        seen.add(storage.generation())
    assert len(seen) == 10


@pytest.mark.slow
def test_promotion_at_the_end_of_a_clock_tick_changes_the_generation(tmp_path: Path) -> None:
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
