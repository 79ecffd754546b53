"""A job database that is deleted or replaced while processes use it."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.patience import until
from tests.trainer.installation import TINY, Installation
from trainer.errors import JobNotFound
from trainer.jobs import Job, Jobs, Request
from trainer.jobs.lock import FileLock


def delete(folder: Path, pattern: str = "jobs.sqlite*") -> None:
    for path in folder.glob(pattern):
        path.unlink()


def submit(jobs: Jobs) -> Job:
    return jobs.submit(Request(samples=100), asked={}, by="tests")[0]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Jobs, Jobs]]:
    """Two processes' clients of one database, which has a job."""
    url = f"sqlite:///{tmp_path}/state/jobs.sqlite"
    with closing(Jobs(url)) as one, closing(Jobs(url)) as other:
        submit(one)
        assert len(other.newest(9)) == 1
        yield one, other


def replace(folder: Path) -> None:
    with closing(Jobs(f"sqlite:///{folder}/other.sqlite")) as jobs:
        jobs.newest(1)
    delete(folder)
    (folder / "other.sqlite").rename(folder / "jobs.sqlite")


@pytest.mark.parametrize("change", [delete, replace])
def test_all_clients_use_the_new_database(
    two: tuple[Jobs, Jobs], tmp_path: Path, change: Callable[[Path], None]
) -> None:
    one, other = two
    [before] = one.newest(9)
    change(tmp_path / "state")
    assert one.newest(9) == other.newest(9) == []
    with pytest.raises(JobNotFound):
        one.get(before.id)
    after = submit(other)
    for jobs in two:
        assert [job.id for job in jobs.newest(9)] == [after.id]
        assert jobs.counts()["queued"] == 1


def test_lock_is_lost_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite.lock"
    lock, other = FileLock(path), FileLock(path)
    assert lock.acquire()
    assert not other.acquire()
    assert not lock.lost()
    path.unlink()
    assert lock.lost()
    assert other.acquire()
    assert not other.lost()
    assert not lock.acquire()
    for each in (lock, other):
        each.release()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("jobs.sqlite*", "the trainer's lock is lost: restarting"),
        ("jobs.sqlite", "the job database was deleted or replaced: restarting"),
    ],
)
def test_trainer_runs_the_jobs_of_the_new_database(tmp_path: Path, pattern: str, why: str) -> None:
    with closing(Installation(tmp_path)) as installation:
        trainer = installation.start_trainer()
        assert installation.run(TINY).state == "promoted"
        delete(installation.settings.state, pattern)
        until(lambda: why in trainer.log)
        job = installation.run(TINY | {"seed": 1})
        assert job.state in ("promoted", "kept_back")
        assert [each.id for each in installation.jobs.newest(9)] == [job.id]
