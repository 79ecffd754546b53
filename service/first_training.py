"""The training of a model that has no version yet: how far it is."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from trainer.jobs import Job, Jobs, JobsUnavailable

KEPT_SECONDS = 1.0  # a job that was looked up, because many clients wait for the first version
MAX_RETRY_SECONDS = 60
RETRY_SECONDS = 5  # if nothing says how long it takes
_LOOKED_AT = 10  # newest jobs


class FirstTraining:
    """Looks up the job that trains a model which has no version. For threads.

    Parameters
    ----------
    clock : seconds from any start
    """

    def __init__(self, jobs: Jobs, clock: Callable[[], float] = time.monotonic) -> None:
        self._jobs = jobs
        self._clock = clock
        self._lock = threading.Lock()
        self._found: dict[str, tuple[float, Job | None]] = {}

    def job(self, model: str) -> Job | None:
        """Return the job of a model that is queued or running; None if there is none."""
        with self._lock:
            at, job = self._found.get(model, (0.0, None))
            if model not in self._found or self._clock() >= at + KEPT_SECONDS:
                job = self._look_up(model)
                self._found = {model: (self._clock(), job)}
        return job

    def progress(self, model: str) -> tuple[str, int] | None:
        """Return how far the job is in words, and after how many seconds to ask again."""
        job = self.job(model)
        return None if job is None else (in_words(job), retry_seconds(job))

    def _look_up(self, model: str) -> Job | None:
        with suppress(JobsUnavailable):
            newest = self._jobs.newest(_LOOKED_AT, lambda name: name == model)
            return next((job for job in newest if job.active), None)
        return None


def in_words(job: Job) -> str:
    """Return how far a job is, to complete "a version is being trained"."""
    share, eta = job.document.get("fraction_done"), job.document.get("eta_seconds")
    if job.document.get("started_at") is None:
        return "it waits for a trainer"
    if share is None or eta is None:
        return "it has begun"
    return f"{100 * share:.0f} % done, about {max(1, round(eta))} s left"


def retry_seconds(job: Job) -> int:
    """Return after how many seconds the job may have ended."""
    eta = job.document.get("eta_seconds")
    return RETRY_SECONDS if eta is None else min(max(1, round(eta)), MAX_RETRY_SECONDS)
