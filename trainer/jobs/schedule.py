"""Scheduled retraining: a job at each time of a cron expression.

DBOS has schedules as well. They do not follow the machine's clock: a thread of DBOS 3.4.0 sleeps
until the next time by the monotonic clock, so that it is late after a suspend, and runs every
missed time at once after the clock was set forward. They also need a time zone by name.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from croniter import croniter

from network import NetworkError
from registry import Registry, RegistryError
from trainer.errors import JobError, TrainerError
from trainer.jobs.client import Jobs
from trainer.jobs.request import Request

log = logging.getLogger(__name__)

MAX_WAIT_SECONDS = 30.0


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


class Schedule:
    """Submits a job at each time of the expression, unless one is queued or running.

    Parameters
    ----------
    cron : five fields, in local time
    now : the local time, with its zone
    """

    def __init__(
        self,
        cron: str,
        jobs: Jobs,
        registry: Registry,
        now: Callable[[], datetime] = lambda: datetime.now(LocalZone()),
    ) -> None:
        self._cron = cron
        self._jobs = jobs
        self._registry = registry
        self._now = now

    def run(self, stopping: threading.Event) -> None:
        """Submit jobs until `stopping` is set."""
        while True:
            due = next_time(self._cron, self._now())
            # in short waits, because the clock may be set and the machine suspended
            while (remaining := _seconds(self._now(), due)) > 0:
                if stopping.wait(min(remaining, MAX_WAIT_SECONDS)):
                    return
            self.submit(due)

    def submit(self, due: datetime) -> None:
        """Submit the job of a minute, unless any trainer has done so."""
        try:
            serving = self._registry.serving()
            if serving is None:
                log.warning("no scheduled retraining: no version is in use")
                return
            job, new = self._jobs.submit(
                Request.like(self._registry.card(serving.version), {}),
                asked={},
                by="schedule",
                job_id=f"cron-{due.astimezone(UTC):%Y%m%dT%H%M}",
            )
        except (JobError, NetworkError, RegistryError, TrainerError) as error:
            log.warning("no scheduled retraining: %s", error)
        except Exception:  # the next one may succeed
            log.exception("no scheduled retraining")
        else:
            if new:
                log.info("scheduled retraining", extra={"job": job.id})


def _seconds(start: datetime, end: datetime) -> float:
    """Return the seconds between two times. Python subtracts local times of one zone as if its
    clock were never changed, so they are converted to UTC.
    """
    return (end.astimezone(UTC) - start.astimezone(UTC)).total_seconds()
