"""Retraining jobs as the service sees them: submit, look up, cancel."""

from trainer.errors import (
    JobConflict,
    JobFinished,
    JobKeyReused,
    JobNotFound,
    JobsUnavailable,
    TrainerError,
)
from trainer.jobs.client import SCHEDULE_NAMES, SOLVER_NAMES, Job, Jobs
from trainer.jobs.counts import STATES
from trainer.jobs.request import Request
from trainer.training.recipe import LOSSES, MAX_INTEGER, MAX_STARTS

__all__ = [
    "LOSSES",
    "MAX_INTEGER",
    "MAX_STARTS",
    "SCHEDULE_NAMES",
    "SOLVER_NAMES",
    "STATES",
    "Job",
    "JobConflict",
    "JobFinished",
    "JobKeyReused",
    "JobNotFound",
    "Jobs",
    "JobsUnavailable",
    "Request",
    "TrainerError",
]
