"""The first version of a new installation, requested until there is one."""

import logging
import threading

from registry import Registry, RegistryError
from trainer.errors import JobConflict, JobError
from trainer.jobs.client import Jobs
from trainer.jobs.request import Request

log = logging.getLogger(__name__)

RETRY_SECONDS = 60.0
TARGET_MSE = 1e-8  # a third of the time that the whole training takes; `make run` has the same


def request_first_version(
    jobs: Jobs,
    registry: Registry,
    stopping: threading.Event,
    retry_seconds: float = RETRY_SECONDS,
) -> None:
    """Submit a job for the example task, again after each failure, until a version is current.

    After that it returns. If the models folder is lost later, nothing is trained.
    """
    while not stopping.is_set():
        try:
            if registry.promotion_numbers():  # readable or not: there was a version
                return
            request = Request(recipe={"target_mse": TARGET_MSE})
            job, _ = jobs.submit(request, asked={}, by="the first start")
            log.info("no version yet: training a first one", extra={"job": job.id})
        except JobConflict:
            pass  # the other job may make the first version
        except (JobError, RegistryError) as error:
            log.warning("cannot train a first version yet: %s", error)
        stopping.wait(retry_seconds)
