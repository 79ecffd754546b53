"""The client side of jobs; no trainer is needed."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.patience import until
from tests.registry.races import in_threads
from tests.trainer.installation import TINY
from trainer.errors import (
    JobConflict,
    JobError,
    JobFinished,
    JobKeyReused,
    JobNotFound,
    JobsUnavailable,
)
from trainer.jobs import Job, Jobs, Request
from trainer.jobs.database import MAX_CONNECTED_THREADS, reason
from trainer.jobs.progress import JobProgress

THREADS = 20


class Clock:
    """The time of day, plus an offset that a test sets."""

    def __init__(self) -> None:
        self.offset = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    clock: Clock,
    new_database: Callable[[], str],
) -> Iterator[Jobs]:
    url = f"sqlite:///{tmp_path_factory.mktemp('state')}/new/jobs.sqlite"
    if request.param == "postgresql":
        url = new_database()
    with closing(Jobs(url, clock)) as jobs:
        yield jobs


@pytest.fixture
def jobs(database: Jobs, clock: Clock) -> Iterator[Jobs]:
    """An empty database: the jobs of other tests are deleted."""
    clock.offset = 0.0
    yield database
    if waiting := database.active():
        database.cancel(waiting.id)
    database.forget(0)


def submit(jobs: Jobs, asked: dict[str, Any] = TINY, **options: Any) -> tuple[Job, bool]:
    return jobs.submit(Request.like({}, asked), asked=asked, by="tests", **options)


@pytest.mark.slow
def test_a_submitted_job_is_queued(jobs: Jobs) -> None:
    job, new = submit(jobs)
    assert new
    assert (job.state, job.active) == ("queued", True)
    document = json.loads(json.dumps(job.document))
    assert (document["id"], document["state"], document["by"]) == (job.id, "queued", "tests")
    assert document["request"] == Request.like({}, TINY).as_document()
    assert document["created_at"].endswith("+00:00")
    assert document["started_at"] is document["finished_at"] is None
    assert "note" not in document
    assert jobs.get(job.id) == job == jobs.active()
    assert jobs.newest(5) == [job]


def test_second_job_is_refused_while_one_is_queued(jobs: Jobs) -> None:
    job, _ = submit(jobs)
    with pytest.raises(JobConflict, match=rf"^job {job.id} is queued, and only one job") as caught:
        submit(jobs)
    assert caught.value.job_id == job.id
    jobs.cancel(job.id)
    other, new = submit(jobs)
    assert new
    assert other.id != job.id
    assert jobs.newest(5)[-1].id == job.id


def test_of_concurrent_submissions_exactly_one_is_accepted(jobs: Jobs) -> None:
    def attempt(index: int, contestant: int) -> str | None:
        try:
            return submit(jobs)[0].id
        except JobConflict:
            return None

    [outcomes] = in_threads(THREADS, 1, attempt)
    [accepted] = [job_id for job_id in outcomes if job_id]
    assert [job.id for job in jobs.newest(THREADS)] == [accepted]


def test_same_key_gives_the_same_job(jobs: Jobs) -> None:
    job, new = submit(jobs, key="monday")
    assert new
    assert submit(jobs, key="monday") == (job, False)
    with pytest.raises(JobKeyReused, match=rf"was used with a different body, for job {job.id}$"):
        submit(jobs, TINY | {"seed": 2}, key="monday")
    with pytest.raises(JobConflict):
        submit(jobs, key="tuesday")
    jobs.cancel(job.id)
    again, new = submit(jobs, key="monday")
    assert (again.id, again.state, new) == (job.id, "cancelled", False)
    assert submit(jobs, key="tuesday")[1]


def test_of_concurrent_submissions_with_one_key_exactly_one_is_new(jobs: Jobs) -> None:
    def attempt(index: int, contestant: int) -> tuple[str, bool]:
        job, new = submit(jobs, key="monday")
        return job.id, new

    [outcomes] = in_threads(THREADS, 1, attempt)
    assert len({job_id for job_id, _ in outcomes}) == 1
    assert [new for _, new in outcomes].count(True) == 1


def test_of_concurrent_bodies_with_one_key_exactly_one_is_accepted(jobs: Jobs) -> None:
    def attempt(index: int, contestant: int) -> bool:
        try:
            return submit(jobs, TINY | {"seed": contestant}, key="monday")[1]
        except JobKeyReused:
            return False

    [outcomes] = in_threads(THREADS, 1, attempt)
    assert outcomes.count(True) == 1
    seed = outcomes.index(True)
    [job] = jobs.newest(2)
    assert job.document["request"]["recipe"].get("seed", 0) == seed


def test_job_id_does_not_reveal_the_key(jobs: Jobs) -> None:
    job, _ = submit(jobs, key="a secret & größer ☃")
    assert job.id.startswith("key-")
    assert job.id.removeprefix("key-").isalnum()


def test_queued_job_stays_cancelled(jobs: Jobs) -> None:
    job, _ = submit(jobs)
    cancelled = jobs.cancel(job.id)
    assert (cancelled.state, cancelled.active) == ("cancelled", False)
    assert cancelled.revision > job.revision
    assert cancelled.document["finished_at"] is not None
    assert "error" not in cancelled.document
    assert jobs.active() is None
    assert jobs.cancel(job.id).state == "cancelled"  # idempotent


def test_unknown_job_is_not_found(jobs: Jobs) -> None:
    for ask in (jobs.get, jobs.cancel):
        with pytest.raises(JobNotFound, match=r"^there is no job 20250101T000000-0$"):
            ask("20250101T000000-0")
    assert jobs.active() is None
    assert jobs.newest(5) == []


def test_newest_jobs_come_first(jobs: Jobs) -> None:
    ids = [jobs.cancel(submit(jobs)[0].id).id for _ in range(4)]
    assert {job.id for job in jobs.newest(9)} == set(ids)
    assert len(jobs.newest(2)) == 2


def test_forget_keeps_the_newest_and_the_queued_jobs(jobs: Jobs) -> None:
    for number in range(5):
        jobs.cancel(submit(jobs, job_id=f"job-{number}")[0].id)
    jobs.forget(5)
    assert len(jobs.newest(9)) == 5
    jobs.forget(2)
    assert len(jobs.newest(9)) == 2
    waiting, _ = submit(jobs)
    jobs.forget(0)
    assert [job.id for job in jobs.newest(9)] == [waiting.id]
    with pytest.raises(JobNotFound):
        jobs.get("job-0")


def test_note_warns_if_no_trainer_starts_the_job(jobs: Jobs, clock: Clock) -> None:
    job, _ = submit(jobs)
    assert "note" not in job.document
    clock.offset = 42.0
    waiting = jobs.get(job.id)
    assert waiting.document["note"] in {
        f"no trainer has started this job for {seconds} s: "
        f"is one running (python -m trainer.worker)?"
        for seconds in (42, 43)
    }
    assert waiting.revision > job.revision  # so that watchers receive an event
    assert "note" not in jobs.cancel(job.id).document


def test_revisions_grow_whatever_the_clocks_say(jobs: Jobs) -> None:
    submitted, _ = submit(jobs)
    progress = JobProgress("host:7", 1, now=iter([50.0, 2e9, 1e9, 1.5e9]).__next__)
    found = []

    def look(status: str, now: float, output: Any = None) -> None:
        workflow = SimpleNamespace(
            workflow_id=submitted.id,
            status=status,
            input={"args": [{"request": {}, "by": "tests", "asked": {}}]},
            output=output,
            created_at=1e12,
            updated_at=1e12,
            completed_at=None,
        )
        found.append(Job.from_workflow(workflow, snapshot, now, "numnet").revision)

    snapshot: dict[str, Any] = {}
    for seconds in (0.0, 6.0, 7.5):
        look("ENQUEUED", 1e9 + seconds)
    look("PENDING", 1e9)
    for now in (3e9, 1.0, 1e9):  # the trainer's clock is set back, and so is the service's
        snapshot = progress.snapshot()
        look("PENDING", now)
    look("PENDING", 1.5e9 + 3600)
    look("SUCCESS", 1.0, {"state": "promoted", "result": {}})
    assert found == sorted(set(found))


# Unusable databases

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (f"postgresql://ada:{SECRET}@127.0.0.1:1/jobs", "Connection refused"),
        (f"postgresql://ada:{SECRET}@/jobs?host=/nowhere", "No such file or directory"),
        (f"postgresql://ada:{SECRET}@127.0.0.1:1/jobs?nonsense=1", "nonsense"),
        ("sqlite:////dev/null/jobs.sqlite", "File exists"),
    ],
)
def test_unusable_database_is_reported_without_the_password(url: str, reason: str) -> None:
    jobs = Jobs(url)
    calls: list[Callable[[], object]] = [
        lambda: submit(jobs),
        lambda: jobs.get("job"),
        lambda: jobs.newest(3),
        jobs.active,
        lambda: jobs.cancel("job"),
        lambda: jobs.forget(3),
    ]
    for call in calls:
        with pytest.raises(JobsUnavailable, match=r"^the job database cannot be used: ") as caught:
            call()
        assert reason in str(caught.value)
        assert SECRET not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_wrong_password_is_not_repeated(new_database: Callable[[], str]) -> None:
    url = new_database().replace("postgres:@", f"nobody:{SECRET}@")
    with pytest.raises(JobsUnavailable, match=r'role "nobody" does not exist$') as caught:
        Jobs(url).active()
    assert SECRET not in str(caught.value)


def test_file_that_is_not_a_database_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(b"not a database" * 1000)
    jobs = Jobs(f"sqlite:///{path}")
    with pytest.raises(JobsUnavailable, match=r": file is not a database$"):
        jobs.active()
    path.unlink()
    assert jobs.active() is None  # repaired, and tried again


def test_threads_share_one_client(tmp_path: Path) -> None:
    with closing(Jobs(f"sqlite:///{tmp_path}/jobs.sqlite")) as jobs:
        barrier = threading.Barrier(8)

        def ask(_: int) -> Job | None:
            barrier.wait()
            return jobs.active()

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, range(8))) == [None] * 8


def test_every_job_error_is_a_job_error() -> None:
    for kind in (JobConflict, JobNotFound, JobFinished, JobKeyReused, JobsUnavailable):
        assert issubclass(kind, JobError)


def test_closed_jobs_reconnect(jobs: Jobs) -> None:
    job, _ = submit(jobs)
    jobs.close()
    jobs.close()
    assert jobs.get(job.id) == job


@pytest.mark.slow
def test_unresponsive_database_blocks_few_threads() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(6) as pool:
        jobs = Jobs(f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/x")
        asked = [pool.submit(jobs.newest, 1) for _ in range(6)]
        until(lambda: sum(each.done() for each in asked) >= 6 - MAX_CONNECTED_THREADS)
        for each in asked:
            with pytest.raises(JobsUnavailable, match=r"does not respond|cannot be used"):
                each.result(60)
        assert (
            sum("does not respond" in str(each.exception()) for each in asked)
            >= 6 - MAX_CONNECTED_THREADS
        )


@pytest.mark.parametrize(
    ("error", "message"),
    [(TimeoutError(), "TimeoutError"), (OSError(28, "No space left", "/a/path"), "No space left")],
)
def test_error_without_a_message_is_reported_by_its_type(error: Exception, message: str) -> None:
    assert reason(error) == message
