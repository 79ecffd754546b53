"""A thread that submits the scheduled jobs.

DBOS has schedules as well. They do not follow the machine's clock: a thread of DBOS 3.4.0 sleeps
until the next time by the monotonic clock, so that it is late after a suspend, and runs every
missed time at once after the clock was set forward. They also need a time zone by name.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from network import NetworkError
from registry import Models, RegistryError
from trainer.errors import JobError, TrainerError
from trainer.jobs.client import Jobs
from trainer.jobs.request import Request
from trainer.jobs.schedule.times import LocalZone, next_time, seconds_between
from trainer.jobs.schedule.timetable import Timetable

log = logging.getLogger(__name__)

MAX_WAIT_SECONDS = 30.0


class Schedule:
    """Submits a job for a model at each of its times, unless one is queued or running.

    Parameters
    ----------
    cron : five fields, in local time, for models without a schedule of their own; may be empty
    now : the local time, with its zone
    """

    def __init__(
        self,
        cron: str,
        jobs: Jobs,
        models: Models,
        now: Callable[[], datetime] = lambda: datetime.now(LocalZone()),
    ) -> None:
        self._jobs = jobs
        self._models = models
        self._timetable = Timetable(cron, models)
        self._crons: dict[str, str] = {}
        self._now = now

    def run(self, stopping: threading.Event) -> None:
        """Submit jobs until `stopping` is set."""
        due: dict[str, datetime] = {}
        while True:
            self._follow_models()
            now = self._now()
            due = {cron: due.get(cron) or next_time(cron, now) for cron in self._crons.values()}
            past = {cron: at for cron, at in due.items() if seconds_between(now, at) <= 0}
            for model, cron in self._crons.items():
                if cron in past and not stopping.is_set():
                    self.submit(model, past[cron])
            now = self._now()
            due |= {cron: next_time(cron, now) for cron in past}
            # in short waits: the clock may be set, the machine suspended, and a model promoted
            waits = (seconds_between(now, at) for at in due.values())
            if stopping.wait(max(0.0, min((MAX_WAIT_SECONDS, *waits)))):
                return

    def submit(self, model: str, due: datetime) -> None:
        """Submit the job of a model and a minute, unless any trainer has done so."""
        is_default = model == self._models.default
        of_model = "" if is_default else f" of {model}"
        try:
            version = self._models.registry(model).load_serving()
            if version is None:
                log.warning("no scheduled retraining%s: no version is in use", of_model)
                return
            job, new = self._jobs.submit(
                Request.like(version.card, {} if is_default else {"model": model}),
                asked={},
                by="schedule",
                job_id=f"cron-{due.astimezone(UTC):%Y%m%dT%H%M}{'' if is_default else f'-{model}'}",
            )
        except (JobError, NetworkError, RegistryError, TrainerError) as error:
            log.warning("no scheduled retraining%s: %s", of_model, error)
        except Exception:  # the next one may succeed
            log.exception("no scheduled retraining%s", of_model)
        else:
            if new:
                log.info("scheduled retraining%s", of_model, extra={"job": job.id})

    def _follow_models(self) -> None:
        try:
            self._crons = self._timetable.read()
        except RegistryError as error:  # as before, until the models can be listed again
            log.warning("the schedules of the models cannot be read: %s", error)
