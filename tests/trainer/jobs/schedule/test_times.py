"""The times of cron expressions, also when clocks are changed."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from trainer.jobs.schedule.times import LocalZone, next_time

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
