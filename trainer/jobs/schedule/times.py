"""The times of a cron expression in the machine's time zone."""

from datetime import UTC, datetime, timedelta, tzinfo

from croniter import croniter


def next_time(cron: str, now: datetime) -> datetime:
    """Return the next time of a cron expression, in the zone of `now`.

    When clocks are set back, times stand twice in a day. An expression for certain hours means the
    first of them; one for every hour (its field begins with `*`) means both. When clocks are set
    forward, a time that is left out becomes the end of the gap.

    Source: cron(8) of Vixie cron, which makes the same difference.
    """
    every_hour = cron.split()[1].startswith("*")
    due: datetime = croniter(cron, now).get_next(datetime)
    while not every_hour and due.astimezone(UTC).astimezone(now.tzinfo).fold:
        due = croniter(cron, due).get_next(datetime)
    return due


def seconds_between(start: datetime, end: datetime) -> float:
    """Return the seconds from one time to another. Python subtracts local times of one zone as if
    its clock were never changed, so they are converted to UTC.
    """
    return (end.astimezone(UTC) - start.astimezone(UTC)).total_seconds()


class LocalZone(tzinfo):
    """The machine's time zone, with the offsets of the C library.

    dateutil's `tzlocal` is an hour wrong in zones whose daylight saving time is their winter
    time, as in Ireland and Morocco.
    """

    def utcoffset(self, local: datetime | None) -> timedelta | None:
        return local.replace(tzinfo=None).astimezone().utcoffset() if local else None

    def dst(self, local: datetime | None) -> timedelta | None:
        return timedelta(0)

    def tzname(self, local: datetime | None) -> str | None:
        return local.replace(tzinfo=None).astimezone().tzname() if local else None

    def fromutc(self, time: datetime) -> datetime:
        seconds = time.replace(tzinfo=UTC).timestamp()
        local = datetime.fromtimestamp(seconds)  # noqa: DTZ006  # local time with its `fold`
        return local.replace(tzinfo=self)
