"""Scheduled retraining, with a clock that the tests set."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

import trainer.jobs.schedule.schedule
from registry import Models, Registry
from tests.patience import DEADLINE_SECONDS, until
from tests.registry.races import in_threads
from tests.trainer.installation import TINY, Installation
from trainer.jobs import Jobs
from trainer.jobs.request import Request
from trainer.jobs.schedule.schedule import Schedule
from trainer.training.training import train

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
DEFAULT = "numnet"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/jobs.sqlite"


@pytest.fixture
def jobs(url: str) -> Iterator[Jobs]:
    with closing(Jobs(url)) as jobs:
        yield jobs


@pytest.fixture
def models(tmp_path: Path) -> Models:
    """Models of which the default's current version was trained with seed 4."""
    models = Models.local(tmp_path / "models", DEFAULT)
    use(models.registry(DEFAULT), Request.like({}, TINY | {"seed": 4}))
    return models


def use(registry: Registry, request: Request) -> None:
    trained = train(request.read(Path()), request.make_recipe())
    version = registry.publish(trained.model, trained.card, trained.golden_inputs)
    registry.promote(version.number, by="tests", reason="", at=NOON)


def clock_at(start: datetime) -> Callable[[], datetime]:
    """Return a clock that starts at a given time."""
    began = datetime.now(UTC)
    return lambda: start + (datetime.now(UTC) - began)


def ids(jobs: Jobs) -> list[str]:
    return sorted(job.id for job in jobs.newest(99))


def test_job_of_a_minute_is_submitted_once(
    jobs: Jobs, models: Models, caplog: pytest.LogCaptureFixture
) -> None:
    schedule = Schedule("* * * * *", jobs, models)
    schedule.submit(DEFAULT, NOON)
    schedule.submit(DEFAULT, NOON)
    [job] = jobs.newest(9)
    assert (job.id, job.document["by"]) == ("cron-20250301T1200", "schedule")
    schedule.submit(DEFAULT, NOON + timedelta(minutes=1))
    assert "no scheduled retraining: job cron-20250301T1200 is queued, and only one" in caplog.text
    jobs.cancel(job.id)
    schedule.submit(DEFAULT, NOON)
    schedule.submit(DEFAULT, NOON.astimezone(timezone(timedelta(hours=5.5))))
    assert ids(jobs) == ["cron-20250301T1200"]
    schedule.submit(DEFAULT, NOON + timedelta(minutes=2))
    assert ids(jobs) == ["cron-20250301T1200", "cron-20250301T1202"]


def test_of_concurrent_trainers_one_submits_the_job_of_a_minute(url: str, models: Models) -> None:
    trainers = 4
    several = [Jobs(url) for _ in range(trainers)]

    def attempt(index: int, contestant: int) -> None:
        Schedule("* * * * *", several[contestant], models).submit(DEFAULT, NOON)

    in_threads(trainers, 1, attempt)
    assert ids(several[0]) == ["cron-20250301T1200"]
    for jobs in several:
        jobs.close()


def test_job_has_the_options_of_the_current_version(jobs: Jobs, models: Models) -> None:
    Schedule("* * * * *", jobs, models).submit(DEFAULT, NOON)
    [job] = jobs.newest(9)
    assert Request.from_document(job.document["request"]) == Request(
        samples=200, recipe={"layers": [4], "solver": "l-bfgs", "seed": 4}, current=1
    )


def test_nothing_is_submitted_if_no_version_is_in_use(
    jobs: Jobs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Schedule("* * * * *", jobs, Models.local(tmp_path / "gone", DEFAULT)).submit(DEFAULT, NOON)
    assert caplog.messages == ["no scheduled retraining: no version is in use"]
    assert jobs.newest(9) == []


def test_two_trainers_submit_one_job(url: str, models: Models) -> None:
    clock = clock_at(NOON - timedelta(seconds=0.2))
    stopping = threading.Event()
    several = [Jobs(url) for _ in range(2)]
    threads = [
        threading.Thread(target=Schedule("0 12 * * *", jobs, models, clock).run, args=(stopping,))
        for jobs in several
    ]
    for thread in threads:
        thread.start()
    until(lambda: ids(several[0]))
    stopping.set()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
        assert not thread.is_alive()
    assert ids(several[0]) == ["cron-20250301T1200"]
    for jobs in several:
        jobs.close()


def test_times_are_local(jobs: Jobs, models: Models) -> None:
    local = NOON.astimezone(timezone(timedelta(hours=-3)))
    stopping = threading.Event()
    schedule = Schedule("0 9 * * *", jobs, models, clock_at(local - timedelta(seconds=0.1)))
    thread = threading.Thread(target=schedule.run, args=(stopping,))
    thread.start()
    until(lambda: ids(jobs) == ["cron-20250301T1200"])
    stopping.set()
    thread.join(DEADLINE_SECONDS)
    assert not thread.is_alive()


def test_clock_that_is_set_forward_is_followed(
    jobs: Jobs, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer.jobs.schedule.schedule, "MAX_WAIT_SECONDS", 0.02)
    stopping = threading.Event()
    times = itertools.chain([NOON - timedelta(days=1)] * 3, itertools.repeat(NOON + timedelta(2)))
    schedule = Schedule("0 12 * * *", jobs, models, lambda: next(times))
    thread = threading.Thread(target=schedule.run, args=(stopping,))
    thread.start()
    until(lambda: ids(jobs))
    stopping.set()
    thread.join(DEADLINE_SECONDS)
    assert not thread.is_alive()
    assert ids(jobs) == ["cron-20250301T1200"]  # one job, however many times were missed


def test_unusable_database_is_logged(models: Models, caplog: pytest.LogCaptureFixture) -> None:
    Schedule("* * * * *", Jobs("postgresql://u:s3cr3t@127.0.0.1:1/x"), models).submit(DEFAULT, NOON)
    assert "no scheduled retraining: the job database cannot be used: " in caplog.text
    assert "s3cr3t" not in caplog.text


ALMOST_NOON = """
from datetime import timedelta
from tests.trainer.jobs.schedule.test_schedule import NOON, clock_at
from trainer import worker
from trainer.jobs import executor
from trainer.jobs.schedule.schedule import Schedule

executor.Schedule = lambda *given: Schedule(*given, clock_at(NOON - timedelta(seconds=0.5)))
worker.main([])
"""


@pytest.mark.slow
def test_trainer_runs_the_schedule_of_a_model(installation: Installation) -> None:
    """Without the setting."""
    asked = TINY | {"every": "0 12 * * *"}
    use(installation.of_model("plant"), installation.request(asked))
    use(installation.registry, installation.request(TINY))
    installation.start_trainer(["-c", ALMOST_NOON])
    until(lambda: ids(installation.jobs))
    done = installation.wait_for(installation.jobs.get("cron-20250301T1200-plant"))
    assert done.state == "promoted"
    registry = installation.of_model("plant")
    assert registry.versions() == [1, 2]
    assert registry.card(2)["recipe"]["every"] == "0 12 * * *"
    assert ids(installation.jobs) == [done.id]


@pytest.mark.slow
def test_trainer_runs_the_scheduled_job(installation: Installation) -> None:
    use(installation.registry, installation.request(TINY))
    installation.start_trainer(["-c", ALMOST_NOON], NUMNET_RETRAIN_CRON="0 12 * * *")
    until(lambda: ids(installation.jobs))
    done = installation.wait_for(installation.jobs.get("cron-20250301T1200"))
    assert done.state == "promoted"
    assert done.document["by"] == "schedule"
    assert done.document["result"]["version"] == 2
    assert " below version 1's " in done.document["result"]["verdict"]["reason"]
