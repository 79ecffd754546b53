"""One holder at a time, and what ends a hold."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.patience import until
from tests.trainer.installation import ROOT, end_holder
from trainer.jobs.lock import AdvisoryLock, FileLock, WorkerLock, worker_lock

HOLDER = """
import sys
from trainer.jobs.lock import worker_lock
assert worker_lock(sys.argv[1]).acquire()
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
    """Another process, which has the lock."""
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


MakeLock = Callable[[str], WorkerLock]


@pytest.fixture
def make_lock() -> Iterator[MakeLock]:
    """Makes locks that are given back at the end."""
    with contextlib.ExitStack() as made:

        def make(url: str) -> WorkerLock:
            lock = worker_lock(url)
            made.callback(lock.release)
            return lock

        yield make


def test_the_lock_goes_with_the_database(tmp_path: Path, make_lock: MakeLock) -> None:
    lock = make_lock(f"sqlite:///{tmp_path}/state/jobs.sqlite")
    assert isinstance(lock, FileLock)
    assert lock.acquire()
    assert (tmp_path / "state" / "jobs.sqlite.lock").stat().st_mode & 0o777 == 0o600
    assert isinstance(make_lock("postgresql://user@host/jobs"), AdvisoryLock)


def test_a_free_lock_is_held_at_once_and_given_back(url: str, make_lock: MakeLock) -> None:
    first, second = make_lock(url), make_lock(url)
    first.release()  # which it is not yet
    assert first.acquire()
    assert not first.lost()
    assert not second.acquire()
    first.release()
    assert until(second.acquire)


def test_the_next_has_it_as_soon_as_its_holder_dies(
    url: str, make_lock: MakeLock, holder: subprocess.Popen[str]
) -> None:
    lock = make_lock(url)
    assert not lock.acquire()
    holder.kill()
    assert until(lock.acquire)
    assert not lock.lost()


def test_a_lock_is_lost_with_its_connection(
    new_database: Callable[[], str], make_lock: MakeLock
) -> None:
    url = new_database()
    first, second = make_lock(url), make_lock(url)
    assert first.acquire()
    assert not second.acquire()
    end_holder(url)
    assert first.lost()
    assert until(second.acquire)
    assert first.lost()
    assert not second.lost()
    assert not first.acquire()  # it may ask again
    second.release()
    assert until(first.acquire)


def test_other_databases_have_other_locks(
    new_database: Callable[[], str], make_lock: MakeLock
) -> None:
    first, second = make_lock(new_database()), make_lock(new_database())
    assert first.acquire()
    assert second.acquire()
