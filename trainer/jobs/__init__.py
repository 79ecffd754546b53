"""Retraining jobs as the service sees them: submit, look up, cancel; and the tables for them."""

from trainer.data.reading.options import MISSING, Missing
from trainer.data.synthetic import MAX_SAMPLES
from trainer.data.table import MIN_ROWS
from trainer.errors import (
    DataError,
    InspectionFailed,
    InspectorBusy,
    JobConflict,
    JobFinished,
    JobKeyReused,
    JobNotFound,
    JobsUnavailable,
    TableExists,
    TableNameError,
    TableNotFound,
    TrainerError,
)
from trainer.jobs.client import Jobs
from trainer.jobs.job import STATES, Job
from trainer.jobs.request import Request
from trainer.jobs.tables.data_folder import (
    EXPECTED_NAME,
    MAX_NAME_LENGTH,
    NAME_PATTERN,
    DataFolder,
    StoredTable,
)
from trainer.jobs.tables.inspection import Columns, inspect
from trainer.training.option import Choice, Integer, Integers, Number, Option, Times
from trainer.training.recipe import RECIPE_OPTIONS

__all__ = [
    "EXPECTED_NAME",
    "MAX_NAME_LENGTH",
    "MAX_SAMPLES",
    "MIN_ROWS",
    "MISSING",
    "NAME_PATTERN",
    "RECIPE_OPTIONS",
    "STATES",
    "Choice",
    "Columns",
    "DataError",
    "DataFolder",
    "InspectionFailed",
    "InspectorBusy",
    "Integer",
    "Integers",
    "Job",
    "JobConflict",
    "JobFinished",
    "JobKeyReused",
    "JobNotFound",
    "Jobs",
    "JobsUnavailable",
    "Missing",
    "Number",
    "Option",
    "Request",
    "StoredTable",
    "TableExists",
    "TableNameError",
    "TableNotFound",
    "Times",
    "TrainerError",
    "inspect",
]
