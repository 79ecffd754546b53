"""The number of jobs per state, counted without loading DBOS."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.patience import DEADLINE_SECONDS, until
from tests.trainer.installation import LONG, TINY, Installation
from trainer.errors import JobNotFound, JobsUnavailable
from trainer.jobs import STATES, Jobs, Request
from trainer.jobs.counts import count_by_state

NONE = dict.fromkeys(STATES, 0)


@pytest.fixture(params=["sqlite", "postgresql"])
def installation(
    request: pytest.FixtureRequest, tmp_path: Path, new_database: Callable[[], str]
) -> Iterator[Installation]:
    made = Installation(tmp_path, new_database() if request.param == "postgresql" else "")
    yield made
    made.close()


@pytest.mark.slow
def test_jobs_are_counted_by_state(installation: Installation) -> None:
    def counts() -> dict[str, int]:
        return installation.jobs.counts()

    assert counts() == NONE  # there are no tables yet
    assert installation.jobs.last_report() is None
    waiting = installation.submit(LONG)
    assert counts() == NONE | {"queued": 1}
    installation.jobs.cancel(waiting.id)
    assert counts() == NONE | {"cancelled": 1}
    installation.start_trainer(NUMNET_GATE_MARGIN="-0.5")
    installation.run(TINY)
    installation.run(TINY)
    installation.run(TINY | {"force": True})  # the same model is not better by half
    installation.run({"data": "none.csv", "targets": ["y"]})
    ended = {"cancelled": 1, "promoted": 1, "kept_back": 1, "unchanged": 1, "failed": 1}
    assert counts() == NONE | ended
    job = installation.submit(LONG)
    until(lambda: counts() == NONE | ended | {"running": 1})
    reported = installation.jobs.last_report()
    assert reported is not None
    assert 0 <= time.time() - reported < DEADLINE_SECONDS
    installation.jobs.cancel(job.id)
    assert counts() == NONE | ended | {"cancelled": 2}


@pytest.mark.slow
def test_counting_loads_neither_dbos_nor_sqlalchemy(installation: Installation) -> None:
    installation.submit(TINY)
    program = (
        "import sys; from trainer.jobs import Jobs; print(Jobs(sys.argv[1]).counts());"
        "assert not {'dbos', 'sqlalchemy'} & sys.modules.keys()"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, installation.settings.jobs_url],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == f"{NONE | {'queued': 1}}\n"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_unusable_database_is_reported_without_its_password(kind: str, tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite").write_bytes(b"no database" * 100)
    url = {
        "sqlite": f"sqlite:///{tmp_path / 'jobs.sqlite'}",
        "postgresql": "postgresql://numnet:s3cret@127.0.0.1:1/numnet",
    }[kind]
    with pytest.raises(JobsUnavailable) as caught:
        count_by_state(url)
    assert "s3cret" not in str(caught.value)


def test_job_with_a_damaged_row_counts_as_failed(tmp_path: Path) -> None:
    with closing(Jobs(f"sqlite:///{tmp_path}/jobs.sqlite")) as jobs:
        job, _ = jobs.submit(Request(samples=100), asked={}, by="tests")
        for change in ("status = x'ff'", "status = 7", "status = 'SUCCESS'"):
            with closing(sqlite3.connect(tmp_path / "jobs.sqlite")) as database, database:
                database.execute(f"UPDATE workflow_status SET {change}")
            assert jobs.counts() == NONE | {"failed": 1}
            assert jobs.newest(10) == []
            with pytest.raises(JobNotFound):
                jobs.get(job.id)


DAMAGED = (
    "'nonsense'",
    "x'00ff'",
    "'[1]'",
    '\'{"at": "x"}\'',
    "'{\"at\": [1]}'",
    "'{\"at\": true}'",
)


@pytest.mark.parametrize("value", DAMAGED)
def test_damaged_member_breaks_nothing_but_its_job(tmp_path: Path, value: str) -> None:
    with closing(Jobs(f"sqlite:///{tmp_path}/jobs.sqlite")) as jobs:
        first, _ = jobs.submit(Request(samples=100), asked={}, by="tests")
        jobs.cancel(first.id)
        second, _ = jobs.submit(Request(samples=100), asked={}, by="tests")
        with closing(sqlite3.connect(tmp_path / "jobs.sqlite")) as database, database:
            database.execute(
                "UPDATE workflow_status SET status = 'PENDING' WHERE status = 'ENQUEUED'"
            )
            for row in (
                f"workflow_events (workflow_uuid, key, value) VALUES (?, 'progress', {value})",
                f"workflow_output (workflow_uuid, output) VALUES (?, {value})",
            ):
                database.execute(f"INSERT INTO {row}", (second.id,))
        assert jobs.counts() == NONE | {"cancelled": 1, "running": 1}
        reported = jobs.last_report()
        assert reported is not None
        assert abs(time.time() - reported) < DEADLINE_SECONDS
        assert first.id in [job.id for job in jobs.newest(9)]


def test_job_with_a_damaged_output_counts_as_failed(tmp_path: Path) -> None:
    with closing(Jobs(f"sqlite:///{tmp_path}/jobs.sqlite")) as jobs:
        job, _ = jobs.submit(Request(samples=100), asked={}, by="tests")
        with closing(sqlite3.connect(tmp_path / "jobs.sqlite")) as database, database:
            database.execute("UPDATE workflow_status SET status = 'SUCCESS'")
            database.execute(
                "INSERT INTO workflow_output (workflow_uuid, output) VALUES (?, '{')", (job.id,)
            )
        assert jobs.counts() == NONE | {"failed": 1}


@pytest.mark.parametrize("value", ["{", "", "[1]", '{"at": "x"}', '{"at": 1.2.3}'])
def test_damaged_member_breaks_nothing_on_postgresql(
    new_database: Callable[[], str], value: str
) -> None:
    url = new_database()
    with closing(Jobs(url)) as jobs:
        first, _ = jobs.submit(Request(samples=100), asked={}, by="tests")
        jobs.cancel(first.id)
        second, _ = jobs.submit(Request(samples=100), asked={}, by="tests")
        with psycopg.connect(url) as database:
            database.execute(
                "UPDATE dbos.workflow_status SET status = 'PENDING' WHERE status = 'ENQUEUED'"
            )
            for row in (
                "workflow_events (workflow_uuid, key, value) VALUES (%s, 'progress', %s)",
                "workflow_output (workflow_uuid, output) VALUES (%s, %s)",
            ):
                database.execute(f"INSERT INTO dbos.{row}", (second.id, value))
        assert jobs.counts() == NONE | {"cancelled": 1, "running": 1}
        assert jobs.last_report() is not None


@pytest.mark.parametrize("name", ["link to itself", "file as folder"])
def test_path_that_is_no_file_is_unavailable(tmp_path: Path, name: str) -> None:
    path = tmp_path / "jobs.sqlite"
    path.symlink_to(path.name)
    if name == "file as folder":
        (tmp_path / "file").touch()
        path = tmp_path / "file" / "jobs.sqlite"
    with pytest.raises(JobsUnavailable, match=r"cannot be used: (Too many|Not a directory)"):
        count_by_state(f"sqlite:///{path}")
