"""Retraining jobs as the service sees them: submit, look up, cancel."""

from trainer.data.reading.options import MISSING
from trainer.data.synthetic import MAX_SAMPLES
from trainer.data.table import MIN_ROWS
from trainer.errors import (
    JobConflict,
    JobFinished,
    JobKeyReused,
    JobNotFound,
    JobsUnavailable,
    TrainerError,
)
from trainer.jobs.client import Jobs
from trainer.jobs.job import STATES, Job
from trainer.jobs.request import Request
from trainer.training.option import Choice, Integer, Integers, Number, Option, Times
from trainer.training.recipe import RECIPE_OPTIONS

__all__ = [
    "MAX_SAMPLES",
    "MIN_ROWS",
    "MISSING",
    "RECIPE_OPTIONS",
    "STATES",
    "Choice",
    "Integer",
    "Integers",
    "Job",
    "JobConflict",
    "JobFinished",
    "JobKeyReused",
    "JobNotFound",
    "Jobs",
    "JobsUnavailable",
    "Number",
    "Option",
    "Request",
    "Times",
    "TrainerError",
]
