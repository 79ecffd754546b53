"""The trainers' lock: one holder at a time, released when it dies."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.patience import until
from tests.trainer.installation import ROOT, kill_lock_connection
from trainer.jobs.lock import AdvisoryLock, FileLock, TrainerLock, trainer_lock

HOLDER = """
import sys
from trainer.jobs.lock import trainer_lock
assert trainer_lock(sys.argv[1]).acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, new_database: Callable[[], str]) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'jobs.sqlite'}"
    return new_database()


@pytest.fixture
def holder(url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


MakeLock = Callable[[str], TrainerLock]


@pytest.fixture
def make_lock() -> Iterator[MakeLock]:
    """Create locks that are released at the end of the test."""
    with contextlib.ExitStack() as made:

        def make(url: str) -> TrainerLock:
            lock = trainer_lock(url)
            made.callback(lock.release)
            return lock

        yield make


def test_lock_is_of_the_kind_that_the_database_offers(tmp_path: Path, make_lock: MakeLock) -> None:
    lock = make_lock(f"sqlite:///{tmp_path}/state/jobs.sqlite")
    assert isinstance(lock, FileLock)
    assert lock.acquire()
    assert (tmp_path / "state" / "jobs.sqlite.lock").stat().st_mode & 0o777 == 0o600
    assert isinstance(make_lock("postgresql://user@host/jobs"), AdvisoryLock)


def test_free_lock_is_acquired_and_released(url: str, make_lock: MakeLock) -> None:
    first, second = make_lock(url), make_lock(url)
    first.release()  # it is not held yet
    assert first.acquire()
    assert not first.lost()
    assert not second.acquire()
    first.release()
    assert until(second.acquire)


@pytest.mark.slow
def test_lock_is_free_as_soon_as_its_holder_dies(
    url: str, make_lock: MakeLock, holder: subprocess.Popen[str]
) -> None:
    lock = make_lock(url)
    assert not lock.acquire()
    holder.kill()
    assert until(lock.acquire)
    assert not lock.lost()


def test_lock_is_lost_with_its_connection(
    new_database: Callable[[], str], make_lock: MakeLock
) -> None:
    url = new_database()
    first, second = make_lock(url), make_lock(url)
    assert first.acquire()
    assert not second.acquire()
    kill_lock_connection(url)
    assert first.lost()
    assert until(second.acquire)
    assert first.lost()
    assert not second.lost()
    assert not first.acquire()  # it reconnects
    second.release()
    assert until(first.acquire)


def test_databases_have_locks_of_their_own(
    new_database: Callable[[], str], make_lock: MakeLock
) -> None:
    first, second = make_lock(new_database()), make_lock(new_database())
    assert first.acquire()
    assert second.acquire()
