"""The first version, asked for until there is one."""

import logging
import threading

from registry import Registry, RegistryError
from trainer.errors import JobConflict, JobError
from trainer.jobs.client import Jobs
from trainer.jobs.request import Request

log = logging.getLogger(__name__)

PAUSE_SECONDS = 60.0


def ask_for_first_version(
    jobs: Jobs, registry: Registry, stopping: threading.Event, pause: float = PAUSE_SECONDS
) -> None:
    """Submit a job for the shipped task, again where it failed, until a version is in use.

    Once there was one it is over: a folder that is lost later is no reason to begin anew.
    """
    while not stopping.is_set():
        try:
            if registry.current() is not None:
                return
            job, _ = jobs.submit(Request(), asked={}, by="the first start")
            log.info("there is no version: training a first one", extra={"job": job.id})
        except JobConflict:
            pass  # it may make the first version
        except (JobError, RegistryError) as error:
            log.warning("no first version yet: %s", error)
        stopping.wait(pause)
