"""Jobs as those see them who ask for one; no worker is needed for that."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
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
from trainer.jobs.client import MAX_AT_ONCE, reason

THREADS = 20


class Clock:
    """The time of day, which only a test moves."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


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
    """None yet, whatever other tests have submitted."""
    clock.ahead = 0.0
    yield database
    if waiting := database.active():
        database.cancel(waiting.id)
    database.forget(0)


def submit(jobs: Jobs, asked: dict[str, Any] = TINY, **options: Any) -> tuple[Job, bool]:
    return jobs.submit(Request.like({}, asked), asked=asked, by="tests", **options)


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


def test_while_one_job_waits_there_is_no_other(jobs: Jobs) -> None:
    job, _ = submit(jobs)
    with pytest.raises(JobConflict, match=rf"^job {job.id} is queued; one job is") as caught:
        submit(jobs)
    assert caught.value.job == job
    jobs.cancel(job.id)
    other, new = submit(jobs)
    assert new
    assert other.id != job.id
    assert jobs.newest(5)[-1].id == job.id


def test_of_many_submitted_at_once_exactly_one_is_accepted(jobs: Jobs) -> None:
    def attempt(index: int, contestant: int) -> str | None:
        try:
            return submit(jobs)[0].id
        except JobConflict:
            return None

    [outcomes] = in_threads(THREADS, 1, attempt)
    [accepted] = [job_id for job_id in outcomes if job_id]
    assert [job.id for job in jobs.newest(THREADS)] == [accepted]


def test_the_same_key_gives_the_same_job(jobs: Jobs) -> None:
    job, new = submit(jobs, key="monday")
    assert new
    assert submit(jobs, key="monday") == (job, False)
    with pytest.raises(JobKeyReused, match=rf"came with another body before, for job {job.id}$"):
        submit(jobs, TINY | {"seed": 2}, key="monday")
    with pytest.raises(JobConflict):
        submit(jobs, key="tuesday")
    jobs.cancel(job.id)
    again, new = submit(jobs, key="monday")
    assert (again.id, again.state, new) == (job.id, "cancelled", False)
    assert submit(jobs, key="tuesday")[1]


def test_of_many_with_the_same_key_exactly_one_is_new(jobs: Jobs) -> None:
    def attempt(index: int, contestant: int) -> tuple[str, bool]:
        job, new = submit(jobs, key="monday")
        return job.id, new

    [outcomes] = in_threads(THREADS, 1, attempt)
    assert len({job_id for job_id, _ in outcomes}) == 1
    assert [new for _, new in outcomes].count(True) == 1


def test_of_many_bodies_with_the_same_key_one_is_accepted(jobs: Jobs) -> None:
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


def test_a_key_says_nothing_about_itself(jobs: Jobs) -> None:
    job, _ = submit(jobs, key="a secret & größer ☃")
    assert job.id.startswith("key-")
    assert job.id.removeprefix("key-").isalnum()


def test_a_waiting_job_is_cancelled_once_and_for_all(jobs: Jobs) -> None:
    job, _ = submit(jobs)
    cancelled = jobs.cancel(job.id)
    assert (cancelled.state, cancelled.active) == ("cancelled", False)
    assert cancelled.revision > job.revision
    assert cancelled.document["finished_at"] is not None
    assert "error" not in cancelled.document
    assert jobs.active() is None
    assert jobs.cancel(job.id).state == "cancelled"  # as often as one likes


def test_a_job_that_is_not_there_is_not_found(jobs: Jobs) -> None:
    for ask in (jobs.get, jobs.cancel):
        with pytest.raises(JobNotFound, match=r"^there is no job 20250101T000000-0$"):
            ask("20250101T000000-0")
    assert jobs.active() is None
    assert jobs.newest(5) == []


def test_the_newest_jobs_come_first(jobs: Jobs) -> None:
    ids = [jobs.cancel(submit(jobs)[0].id).id for _ in range(4)]
    assert {job.id for job in jobs.newest(9)} == set(ids)
    assert len(jobs.newest(2)) == 2


def test_old_jobs_are_forgotten_but_not_one_that_waits(jobs: Jobs) -> None:
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


def test_who_waits_in_vain_is_told(jobs: Jobs, clock: Clock) -> None:
    job, _ = submit(jobs)
    assert "note" not in job.document
    clock.ahead = 42.0
    waiting = jobs.get(job.id)
    assert waiting.document["note"] in {
        f"no worker has picked this job up for {seconds} s: "
        f"is one running (python -m trainer.worker)?"
        for seconds in (42, 43)
    }
    assert waiting.revision > job.revision  # so that watchers are told too
    assert "note" not in jobs.cancel(job.id).document


# A database that cannot be used

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
def test_a_database_that_cannot_be_used_is_explained_without_the_password(
    url: str, reason: str
) -> None:
    jobs = Jobs(url)
    asks: list[Callable[[], object]] = [
        lambda: submit(jobs),
        lambda: jobs.get("job"),
        lambda: jobs.newest(3),
        jobs.active,
        lambda: jobs.cancel("job"),
        lambda: jobs.forget(3),
    ]
    for ask in asks:
        with pytest.raises(
            JobsUnavailable, match=r"^the jobs' database cannot be used: "
        ) as caught:
            ask()
        assert reason in str(caught.value)
        assert SECRET not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_wrong_password_is_explained_without_it(new_database: Callable[[], str]) -> None:
    url = new_database().replace("postgres:@", f"nobody:{SECRET}@")
    with pytest.raises(JobsUnavailable, match=r'role "nobody" does not exist$') as caught:
        Jobs(url).active()
    assert SECRET not in str(caught.value)


def test_a_file_that_is_no_database_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(b"not a database" * 1000)
    jobs = Jobs(f"sqlite:///{path}")
    with pytest.raises(JobsUnavailable, match=r": file is not a database$"):
        jobs.active()
    path.unlink()
    assert jobs.active() is None  # mended, and asked again


def test_threads_share_one_connection_pool(tmp_path: Path) -> None:
    with closing(Jobs(f"sqlite:///{tmp_path}/jobs.sqlite")) as jobs:
        barrier = threading.Barrier(8)

        def ask(_: int) -> Job | None:
            barrier.wait()
            return jobs.active()

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, range(8))) == [None] * 8


def test_the_tree_of_errors_has_one_root() -> None:
    for kind in (JobConflict, JobNotFound, JobFinished, JobKeyReused, JobsUnavailable):
        assert issubclass(kind, JobError)


def test_jobs_can_be_closed_and_asked_again(jobs: Jobs) -> None:
    job, _ = submit(jobs)
    jobs.close()
    jobs.close()
    assert jobs.get(job.id) == job


def test_a_database_that_says_nothing_holds_few_threads() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(6) as pool:
        jobs = Jobs(f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/x")
        asked = [pool.submit(jobs.newest, 1) for _ in range(6)]
        until(lambda: sum(each.done() for each in asked) >= 6 - MAX_AT_ONCE)
        for each in asked:
            with pytest.raises(JobsUnavailable, match=r"does not answer|cannot be used"):
                each.result(60)
        assert sum("does not answer" in str(each.exception()) for each in asked) >= 6 - MAX_AT_ONCE


@pytest.mark.parametrize(
    ("error", "said"),
    [(TimeoutError(), "TimeoutError"), (OSError(28, "No space left", "/a/path"), "No space left")],
)
def test_an_error_without_words_is_told_by_its_name(error: Exception, said: str) -> None:
    assert reason(error) == said
