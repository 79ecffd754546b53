"""Retrainings by the clock, without waiting for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from registry import Registry
from tests.patience import until
from tests.registry.races import in_threads
from tests.trainer.installation import TINY, Installation
from trainer.jobs import Jobs
from trainer.jobs.request import Request
from trainer.jobs.schedule import Timetable
from trainer.training.training import train

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/jobs.sqlite"


@pytest.fixture
def jobs(url: str) -> Iterator[Jobs]:
    with closing(Jobs(url)) as jobs:
        yield jobs


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """With a version in use, trained with seed 4."""
    registry = Registry.local(tmp_path / "models")
    use(registry, Request.like({}, TINY | {"seed": 4}))
    return registry


def use(registry: Registry, request: Request) -> None:
    trained = train(request.read(Path()), request.make_recipe())
    version = registry.publish(trained.model, trained.card, trained.golden_inputs)
    registry.promote(version.number, by="tests", reason="", at=NOON)


def clock_at(start: datetime) -> Callable[[], datetime]:
    """A clock that goes as ours does, from `start` on."""
    began = datetime.now(UTC)
    return lambda: start + (datetime.now(UTC) - began)


def ids(jobs: Jobs) -> list[str]:
    return sorted(job.id for job in jobs.newest(99))


def test_the_job_of_a_minute_is_submitted_once(
    jobs: Jobs, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    timetable = Timetable("* * * * *", jobs, registry)
    timetable.submit(NOON)
    timetable.submit(NOON)
    [job] = jobs.newest(9)
    assert (job.id, job.document["by"]) == ("cron-20250301T1200", "schedule")
    timetable.submit(NOON + timedelta(minutes=1))
    assert "no scheduled retraining: job cron-20250301T1200 is queued; one job is" in caplog.text
    jobs.cancel(job.id)
    timetable.submit(NOON)
    timetable.submit(NOON.astimezone(timezone(timedelta(hours=5.5))))
    assert ids(jobs) == ["cron-20250301T1200"]
    timetable.submit(NOON + timedelta(minutes=2))
    assert ids(jobs) == ["cron-20250301T1200", "cron-20250301T1202"]


def test_of_several_workers_one_submits_the_job_of_a_minute(url: str, registry: Registry) -> None:
    workers = 4
    several = [Jobs(url) for _ in range(workers)]

    def attempt(index: int, contestant: int) -> None:
        Timetable("* * * * *", several[contestant], registry).submit(NOON)

    in_threads(workers, 1, attempt)
    assert ids(several[0]) == ["cron-20250301T1200"]
    for jobs in several:
        jobs.close()


def test_it_is_asked_for_what_the_current_version_was_trained_by(
    jobs: Jobs, registry: Registry
) -> None:
    Timetable("* * * * *", jobs, registry).submit(NOON)
    [job] = jobs.newest(9)
    assert Request.from_document(job.document["request"]) == Request(
        samples=200, recipe={"layers": [4], "solver": "l-bfgs", "seed": 4}, current=1
    )


def test_where_no_version_is_in_use_there_is_nothing_to_retrain(
    jobs: Jobs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Timetable("* * * * *", jobs, Registry.local(tmp_path / "gone")).submit(NOON)
    assert caplog.messages == ["no scheduled retraining: no version is in use"]
    assert jobs.newest(9) == []


def test_two_workers_keep_one_timetable(url: str, registry: Registry) -> None:
    clock = clock_at(NOON - timedelta(seconds=0.2))
    stopping = threading.Event()
    several = [Jobs(url) for _ in range(2)]
    threads = [
        threading.Thread(
            target=Timetable("0 12 * * *", jobs, registry, clock).keep, args=(stopping,)
        )
        for jobs in several
    ]
    for thread in threads:
        thread.start()
    until(lambda: ids(several[0]))
    stopping.set()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert ids(several[0]) == ["cron-20250301T1200"]
    for jobs in several:
        jobs.close()


def test_the_hour_is_a_local_one(jobs: Jobs, registry: Registry) -> None:
    local = NOON.astimezone(timezone(timedelta(hours=-3)))
    stopping = threading.Event()
    timetable = Timetable("0 9 * * *", jobs, registry, clock_at(local - timedelta(seconds=0.1)))
    thread = threading.Thread(target=timetable.keep, args=(stopping,))
    thread.start()
    until(lambda: ids(jobs) == ["cron-20250301T1200"])
    stopping.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_database_that_is_gone_is_no_end_of_it(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    Timetable("* * * * *", Jobs("postgresql://u:s3cr3t@127.0.0.1:1/x"), registry).submit(NOON)
    assert "no scheduled retraining: the jobs' database cannot be used: " in caplog.text
    assert "s3cr3t" not in caplog.text


PUNCTUAL = """
import functools, sys
from datetime import UTC, datetime
from trainer import worker
began, minute = (datetime.fromisoformat(each) for each in sys.argv[1:])
clock = lambda: minute + (datetime.now(UTC) - began)
worker.Timetable = functools.partial(worker.Timetable, now=clock)
worker.main([])
"""


def test_a_worker_keeps_the_timetable(installation: Installation) -> None:
    use(installation.registry, installation.request(TINY))
    began = datetime.now(UTC)
    program = ["-c", PUNCTUAL, began.isoformat(), (NOON - timedelta(seconds=5)).isoformat()]
    installation.start_worker(program, NUMNET_RETRAIN_CRON="0 12 * * *")
    until(lambda: ids(installation.jobs))
    done = installation.wait_for(installation.jobs.get("cron-20250301T1200"))
    assert done.state == "promoted"
    assert done.document["by"] == "schedule"
    assert done.document["result"]["version"] == 2
    assert " below version 1's " in done.document["result"]["verdict"]["reason"]
