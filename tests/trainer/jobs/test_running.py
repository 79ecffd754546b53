"""The jobs that one process works on."""

import threading
from collections.abc import Callable, Iterator

import pytest

from tests.patience import DEADLINE_SECONDS, until
from trainer.jobs.running import RunningJob, RunningJobs


class Worker:
    """A thread that takes its turn, until it may end."""

    def __init__(self, jobs: RunningJobs, job: str, model: str | None) -> None:
        self.running: RunningJob | None = None
        self.may_end = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(jobs, job, model))
        self._thread.start()

    def _work(self, jobs: RunningJobs, job: str, model: str | None) -> None:
        with jobs.turn(job, model) as self.running:
            self.may_end.wait(DEADLINE_SECONDS)

    def start(self) -> RunningJob:
        return until(lambda: self.running)

    def end(self) -> None:
        self.may_end.set()
        self._thread.join(DEADLINE_SECONDS)
        assert not self._thread.is_alive()


Start = Callable[..., Worker]


@pytest.fixture
def jobs() -> RunningJobs:
    return RunningJobs(2)


@pytest.fixture
def start(jobs: RunningJobs) -> Iterator[Start]:
    """Start a thread for a job, and return once the job is known."""
    workers: list[Worker] = []

    def start(job: str, model: str | None = None) -> Worker:
        workers.append(Worker(jobs, job, model))
        until(lambda: job in jobs.ids())
        return workers[-1]

    yield start
    for worker in workers:
        worker.end()


def computing(jobs: RunningJobs) -> set[str]:
    return {each.id for each in jobs.computing()}


def test_so_many_jobs_compute_at_a_time(jobs: RunningJobs, start: Start) -> None:
    first, second = start("1", "a"), start("2", "b")
    first.start()
    second.start()
    third = start("3", "c")
    assert jobs.ids() == {"1", "2", "3"}
    assert computing(jobs) == {"1", "2"}
    assert third.running is None
    second.end()
    third.start()
    assert computing(jobs) == {"1", "3"}
    assert jobs.ended() == {"2"}


@pytest.mark.parametrize("model", [None, "a"])
def test_one_job_of_a_model_computes_at_a_time(
    jobs: RunningJobs, start: Start, model: str | None
) -> None:
    first = start("1", model)
    first.start()
    again = start("2", model)
    start("3", "other").start()
    assert computing(jobs) == {"1", "3"}
    first.end()
    again.start()
    assert computing(jobs) == {"2", "3"}


def test_job_that_is_left_does_not_count_as_computing(jobs: RunningJobs, start: Start) -> None:
    left, stuck = start("1").start(), start("2", "a").start()
    assert not jobs.is_stuck()
    stuck.stuck.set()
    assert jobs.is_stuck()
    left.left.set()
    assert computing(jobs) == {"2"}
    assert jobs.ids() == {"1", "2"}


def test_as_many_ended_jobs_are_known_as_run_at_a_time(jobs: RunningJobs, start: Start) -> None:
    for job in ("1", "2", "3"):
        start(job).end()
    assert jobs.ended() == {"2", "3"}
    assert jobs.ids() == set()
