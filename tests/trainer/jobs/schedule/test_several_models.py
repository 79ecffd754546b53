"""Schedules of several models, with a clock that the tests set."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import trainer.jobs.schedule.schedule
from registry import Models, StorageError
from tests.patience import DEADLINE_SECONDS, until
from tests.trainer.jobs.schedule.conftest import DEFAULT, Promote
from trainer.jobs import Jobs
from trainer.jobs.schedule.schedule import Schedule

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
AT_NOON, AT_ONE = "0 12 * * *", "0 13 * * *"
ID = "cron-20250301T1200"


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    with closing(Jobs(f"sqlite:///{tmp_path}/jobs.sqlite")) as jobs:
        yield jobs


class Clock:
    """A clock that stands still until a test sets it."""

    def __init__(self) -> None:
        self.time = NOON - timedelta(minutes=5)
        self.asked = 0

    def __call__(self) -> datetime:
        self.asked += 1
        return self.time

    def set(self, time: datetime) -> None:
        """Set the time, and return when the schedule has acted on it."""
        self.time = time
        asked = self.asked
        until(lambda: self.asked >= asked + 4)  # two rounds; the first may have begun before


Running = Callable[..., AbstractContextManager[Clock]]


@pytest.fixture
def running(jobs: Jobs, models: Models, monkeypatch: pytest.MonkeyPatch) -> Running:
    """Return a context manager in which a schedule runs, and which yields its clock."""
    monkeypatch.setattr(trainer.jobs.schedule.schedule, "MAX_WAIT_SECONDS", 0.005)

    @contextmanager
    def running(cron: str = "") -> Iterator[Clock]:
        clock = Clock()
        stopping = threading.Event()
        schedule = Schedule(cron, jobs, models, clock)
        thread = threading.Thread(target=schedule.run, args=(stopping,))
        thread.start()
        until(lambda: clock.asked >= 2)  # the times that come next are known
        try:
            yield clock
        finally:
            stopping.set()
            thread.join(DEADLINE_SECONDS)
        assert not thread.is_alive()

    return running


def ids(jobs: Jobs) -> list[str]:
    return sorted(job.id for job in jobs.newest(999))


def test_job_of_a_model_and_a_minute_is_submitted_once(
    jobs: Jobs, models: Models, promote: Promote, caplog: pytest.LogCaptureFixture
) -> None:
    promote(DEFAULT)
    promote("plant", every=AT_NOON)
    schedule = Schedule(AT_NOON, jobs, models)
    for _ in range(2):
        for name in (DEFAULT, "plant"):
            schedule.submit(name, NOON)
    assert ids(jobs) == [ID, f"{ID}-plant"]
    [job] = jobs.newest(9, "plant".__eq__)
    assert job.document["by"] == "schedule"
    assert job.document["request"]["model"] == "plant"
    assert job.document["request"]["recipe"] == {"layers": [], "every": AT_NOON}
    schedule.submit("plant", NOON + timedelta(minutes=1))
    assert caplog.messages == [
        (
            f"no scheduled retraining of plant: job {ID}-plant is queued, and only one job of a "
            "model may be queued or running"
        )
    ]
    schedule.submit("pump", NOON)
    assert caplog.messages[1:] == ["no scheduled retraining of pump: no version is in use"]


def test_every_model_that_is_due_gets_a_job(
    jobs: Jobs, models: Models, promote: Promote, running: Running
) -> None:
    """Although one of them has a job already."""
    names = [f"model-{number:03}" for number in range(200)]
    for name in names:
        promote(name)
    promote("later", every=AT_ONE)
    promote("never", every="never")
    Schedule("", jobs, models).submit("model-007", NOON - timedelta(days=1))
    before = jobs.newest(1)[0].id
    with running(AT_NOON) as clock:
        clock.set(NOON)
        expected = sorted([before, *(f"{ID}-{name}" for name in names if name != "model-007")])
        until(lambda: ids(jobs) == expected)
        clock.set(NOON + timedelta(hours=1))
        until(lambda: ids(jobs) == sorted([*expected, "cron-20250301T1300-later"]))


def test_models_are_followed_without_a_restart(
    jobs: Jobs,
    models: Models,
    promote: Promote,
    running: Running,
    tmp_path: Path,
) -> None:
    promote("deleted", every=AT_NOON)
    promote("changed", every=AT_NOON)
    with running() as clock:
        shutil.rmtree(tmp_path / "models" / "deleted")
        promote("changed", every=AT_ONE)
        promote("new", every=AT_NOON)
        clock.set(NOON - timedelta(minutes=4))
        assert ids(jobs) == []
        clock.set(NOON)
        until(lambda: ids(jobs) == [f"{ID}-new"])
        clock.set(NOON + timedelta(minutes=1))
        assert ids(jobs) == [f"{ID}-new"]
        clock.set(NOON + timedelta(minutes=60))
        until(lambda: ids(jobs) == [f"{ID}-new", "cron-20250301T1300-changed"])


def test_schedules_remain_while_the_models_cannot_be_listed(
    jobs: Jobs,
    promote: Promote,
    running: Running,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    promote("plant", every=AT_NOON)

    def fail(self: Models) -> list[str]:
        raise StorageError("the disk is broken")

    with running() as clock:
        with monkeypatch.context() as patch:
            patch.setattr(Models, "folders", fail)
            clock.set(NOON - timedelta(minutes=1))
            assert "the schedules of the models cannot be read: the disk is broken" in caplog.text
        clock.set(NOON)
        until(lambda: ids(jobs) == [f"{ID}-plant"])
