"""Jobs of several models in one database; no trainer is needed."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.registry.races import in_threads
from tests.trainer.installation import age_database
from trainer.errors import JobConflict
from trainer.jobs import Job, Jobs, Request

NAMES = (None, "plant", "pump")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, new_database: Callable[[], str]) -> str:
    return new_database() if request.param == "postgresql" else f"sqlite:///{tmp_path}/jobs.sqlite"


@pytest.fixture
def jobs(url: str) -> Iterator[Jobs]:
    with closing(Jobs(url, default_model="main")) as jobs:
        yield jobs


def submit(jobs: Jobs, model: str | None = None, **options: Any) -> Job:
    job, new = jobs.submit(Request(samples=100, model=model), asked={}, by="tests", **options)
    assert new
    return job


def concurrency(url: str) -> int:
    """Return the number of jobs that run at a time, as the database has it."""
    parsed = make_url(url)
    schema = "" if parsed.get_backend_name() == "sqlite" else "dbos."
    if schema:
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(parsed)
    with engine.connect() as connection:
        [[number]] = connection.execute(text(f"SELECT concurrency FROM {schema}queues"))
    engine.dispose()
    return int(number)


@pytest.mark.slow
def test_each_model_has_one_active_job(jobs: Jobs) -> None:
    submitted = {name: submit(jobs, name) for name in NAMES}
    assert [job.document["model"] for job in submitted.values()] == ["main", "plant", "pump"]
    for name, job in submitted.items():
        assert jobs.active(name) == job
        with pytest.raises(JobConflict, match=rf"^job {job.id} is queued, and only one job of a m"):
            submit(jobs, name)
    assert jobs.active("main") == submitted[None]
    jobs.cancel(submitted["plant"].id)
    assert jobs.active("plant") is None
    again = submit(jobs, "plant")
    assert jobs.newest(9, "plant".__eq__) == [again, jobs.get(submitted["plant"].id)]
    assert jobs.newest(1, "plant".__eq__) == [again]
    assert jobs.newest(9, "main".__eq__) == [submitted[None]]
    assert jobs.newest(9, "other".__eq__) == []
    assert len(jobs.newest(9)) == 4


def test_of_concurrent_submissions_one_for_each_model_is_accepted(jobs: Jobs) -> None:
    def attempt(index: int, contestant: int) -> str | None:
        try:
            return submit(jobs, NAMES[contestant % 3]).id
        except JobConflict:
            return None

    jobs.newest(1)  # makes the tables
    [outcomes] = in_threads(12, 1, attempt)
    accepted = [job_id for job_id in outcomes if job_id]
    assert len(accepted) == 3
    assert {job.id for job in jobs.newest(12)} == set(accepted)


def test_clients_leave_the_number_of_jobs_at_once_to_the_trainer(jobs: Jobs, url: str) -> None:
    submit(jobs)
    assert concurrency(url) == 1
    with closing(Jobs(url)) as trainer:
        trainer.prepare(3)
    assert concurrency(url) == 3
    with closing(Jobs(url)) as later:
        later.newest(1)
    jobs.close()
    jobs.newest(1)
    assert concurrency(url) == 3
    with closing(Jobs(url)) as trainer:
        trainer.prepare(1)
    assert concurrency(url) == 1


def test_job_of_an_earlier_release_is_the_default_models(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with closing(Jobs(f"sqlite:///{path}")) as jobs:
        job = submit(jobs)
        age_database(path)
        stored = jobs.get(job.id)
        assert stored.document["model"] == "numnet"
        assert Request.from_document(stored.document["request"]) == Request(samples=100)
        assert jobs.active() == stored
        with pytest.raises(JobConflict, match=job.id):
            submit(jobs)
        submit(jobs, "plant")
        jobs.prepare(2)
    assert concurrency(f"sqlite:///{path}") == 2


def test_damaged_request_belongs_to_no_model(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with closing(Jobs(f"sqlite:///{path}")) as jobs:
        submit(jobs, "plant")
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(
                "UPDATE workflow_input SET inputs = replace(inputs, '\"request\"', '\"other\"')"
            )
        assert jobs.newest(9, "plant".__eq__) == []
        assert jobs.active("plant") is None
        assert jobs.active() is None


def test_note_of_a_queued_job_tells_whether_a_trainer_runs_others(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    later = time.time() + 60
    with closing(Jobs(f"sqlite:///{path}", lambda: later)) as jobs:
        running, queued = submit(jobs), submit(jobs, "plant")
        assert jobs.get(queued.id).document["note"].startswith("no trainer has started this job")
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(
                "UPDATE workflow_status SET status = 'PENDING' WHERE workflow_uuid = ?",
                (running.id,),
            )

        def report(at: float) -> None:
            with closing(sqlite3.connect(path)) as database, database:
                database.execute(
                    "REPLACE INTO workflow_events (workflow_uuid, key, value) "
                    "VALUES (?, 'progress', ?)",
                    (running.id, f'{{"at": {at}}}'),
                )

        report(later - 1)
        note = jobs.get(queued.id).document["note"]
        assert note.endswith(" behind other jobs (NUMNET_JOBS_AT_ONCE run at a time)")
        report(later - 30)
        assert jobs.get(queued.id).document["note"].startswith("no trainer has started this job")


def test_last_report_is_of_the_job_that_is_silent_longest(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with closing(Jobs(f"sqlite:///{path}")) as jobs:
        submitted = [submit(jobs, name) for name in NAMES]
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE workflow_status SET status = 'PENDING'")
            for at, job in enumerate(submitted, 1000):
                database.execute(
                    "INSERT INTO workflow_events (workflow_uuid, key, value) "
                    "VALUES (?, 'progress', ?)",
                    (job.id, f'{{"at": {at}.5}}'),
                )
        assert jobs.last_report() == 1000.5
        assert jobs.running() == {job.id for job in submitted}
        jobs.cancel(submitted[0].id)
        assert jobs.last_report() == 1001.5
        assert jobs.counts()["running"] == 2
