"""Scheduled retraining, with a clock that the tests set."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import trainer.jobs.schedule
from registry import Registry
from tests.patience import DEADLINE_SECONDS, until
from tests.registry.races import in_threads
from tests.trainer.installation import TINY, Installation
from trainer.jobs import Jobs
from trainer.jobs.request import Request
from trainer.jobs.schedule import LocalZone, Schedule, next_time
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
    """A registry whose current version was trained with seed 4."""
    registry = Registry.local(tmp_path / "models")
    use(registry, Request.like({}, TINY | {"seed": 4}))
    return registry


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
    jobs: Jobs, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    schedule = Schedule("* * * * *", jobs, registry)
    schedule.submit(NOON)
    schedule.submit(NOON)
    [job] = jobs.newest(9)
    assert (job.id, job.document["by"]) == ("cron-20250301T1200", "schedule")
    schedule.submit(NOON + timedelta(minutes=1))
    assert "no scheduled retraining: job cron-20250301T1200 is queued, and only one" in caplog.text
    jobs.cancel(job.id)
    schedule.submit(NOON)
    schedule.submit(NOON.astimezone(timezone(timedelta(hours=5.5))))
    assert ids(jobs) == ["cron-20250301T1200"]
    schedule.submit(NOON + timedelta(minutes=2))
    assert ids(jobs) == ["cron-20250301T1200", "cron-20250301T1202"]


BERLIN = ZoneInfo("Europe/Berlin")  # clocks change on 29 March and 25 October 2026


def times(cron: str, start: str, count: int) -> list[str]:
    """Return the next times of an expression after a time in Berlin."""
    found = [datetime.fromisoformat(start).astimezone(BERLIN)]
    for _ in range(count):
        found.append(next_time(cron, found[-1].astimezone(UTC).astimezone(BERLIN)))
    return [f"{each.astimezone(UTC).astimezone(BERLIN):%d %H:%M%z}" for each in found[1:]]


def test_repeated_hour_runs_once_for_certain_hours() -> None:
    assert times("30 2 * * *", "2026-10-24T12:00Z", 2) == ["25 02:30+0200", "26 02:30+0100"]
    assert times("30 2 * * *", "2026-10-25T00:45Z", 1) == ["26 02:30+0100"]
    assert times("0,30 1-3 * * *", "2026-10-24T23:45Z", 4) == [
        *("25 02:00+0200", "25 02:30+0200", "25 03:00+0100", "25 03:30+0100"),
    ]


def test_repeated_hour_runs_twice_for_every_hour() -> None:
    assert times("15 * * * *", "2026-10-24T23:50Z", 3) == [
        *("25 02:15+0200", "25 02:15+0100", "25 03:15+0100"),
    ]


def test_time_left_out_runs_at_the_end_of_the_gap() -> None:
    assert times("30 2 * * *", "2026-03-28T12:00Z", 2) == ["29 03:00+0200", "30 02:30+0200"]


@pytest.fixture
def use_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Return a function that sets the zone of this process."""

    def use_zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield use_zone
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Berlin",
        "Europe/Dublin",  # daylight saving time is in winter, by -1 h
        "Africa/Casablanca",
        "Australia/Lord_Howe",  # by half an hour
        "America/St_Johns",
        "America/Havana",  # at midnight
        "Pacific/Apia",
        "UTC",
    ],
)
def test_local_zone_has_the_offsets_of_the_zone(zone: str, use_zone: Callable[[str], None]) -> None:
    use_zone(zone)
    local, expected = LocalZone(), ZoneInfo(zone)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for half_hours in range(366 * 48):
        at = start + timedelta(minutes=30 * half_hours)
        ours, theirs = at.astimezone(local), at.astimezone(expected)
        assert (ours.isoformat(), ours.fold) == (theirs.isoformat(), theirs.fold)
        assert ours.astimezone(UTC) == at


def test_hour_is_local_in_a_zone_with_winter_time(use_zone: Callable[[str], None]) -> None:
    use_zone("Europe/Dublin")
    due = [datetime(2026, 3, 28, 12, tzinfo=UTC).astimezone(LocalZone())]
    for _ in range(2):
        due.append(next_time("30 1 * * *", due[-1].astimezone(UTC).astimezone(LocalZone())))
    assert [f"{each.astimezone(UTC):%d %H:%M}" for each in due[1:]] == ["29 01:00", "30 00:30"]


def test_of_concurrent_trainers_one_submits_the_job_of_a_minute(
    url: str, registry: Registry
) -> None:
    trainers = 4
    several = [Jobs(url) for _ in range(trainers)]

    def attempt(index: int, contestant: int) -> None:
        Schedule("* * * * *", several[contestant], registry).submit(NOON)

    in_threads(trainers, 1, attempt)
    assert ids(several[0]) == ["cron-20250301T1200"]
    for jobs in several:
        jobs.close()


def test_job_has_the_options_of_the_current_version(jobs: Jobs, registry: Registry) -> None:
    Schedule("* * * * *", jobs, registry).submit(NOON)
    [job] = jobs.newest(9)
    assert Request.from_document(job.document["request"]) == Request(
        samples=200, recipe={"layers": [4], "solver": "l-bfgs", "seed": 4}, current=1
    )


def test_nothing_is_submitted_if_no_version_is_in_use(
    jobs: Jobs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Schedule("* * * * *", jobs, Registry.local(tmp_path / "gone")).submit(NOON)
    assert caplog.messages == ["no scheduled retraining: no version is in use"]
    assert jobs.newest(9) == []


def test_two_trainers_submit_one_job(url: str, registry: Registry) -> None:
    clock = clock_at(NOON - timedelta(seconds=0.2))
    stopping = threading.Event()
    several = [Jobs(url) for _ in range(2)]
    threads = [
        threading.Thread(target=Schedule("0 12 * * *", jobs, registry, clock).run, args=(stopping,))
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


def test_times_are_local(jobs: Jobs, registry: Registry) -> None:
    local = NOON.astimezone(timezone(timedelta(hours=-3)))
    stopping = threading.Event()
    schedule = Schedule("0 9 * * *", jobs, registry, clock_at(local - timedelta(seconds=0.1)))
    thread = threading.Thread(target=schedule.run, args=(stopping,))
    thread.start()
    until(lambda: ids(jobs) == ["cron-20250301T1200"])
    stopping.set()
    thread.join(DEADLINE_SECONDS)
    assert not thread.is_alive()


def test_clock_that_is_set_forward_is_followed(
    jobs: Jobs, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer.jobs.schedule, "MAX_WAIT_SECONDS", 0.02)
    stopping = threading.Event()
    times = itertools.chain([NOON - timedelta(days=1)] * 3, itertools.repeat(NOON + timedelta(2)))
    schedule = Schedule("0 12 * * *", jobs, registry, lambda: next(times))
    thread = threading.Thread(target=schedule.run, args=(stopping,))
    thread.start()
    until(lambda: ids(jobs))
    stopping.set()
    thread.join(DEADLINE_SECONDS)
    assert not thread.is_alive()
    assert ids(jobs) == ["cron-20250301T1200"]  # one job, however many times were missed


def test_unusable_database_is_logged(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    Schedule("* * * * *", Jobs("postgresql://u:s3cr3t@127.0.0.1:1/x"), registry).submit(NOON)
    assert "no scheduled retraining: the job database cannot be used: " in caplog.text
    assert "s3cr3t" not in caplog.text


ALMOST_NOON = """
from datetime import timedelta
from tests.trainer.jobs.test_schedule import NOON, clock_at
from trainer import worker
from trainer.jobs import executor
from trainer.jobs.schedule import LocalZone, Schedule, next_time

executor.Schedule = lambda *given: Schedule(*given, clock_at(NOON - timedelta(seconds=0.5)))
worker.main([])
"""


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
