"""Reasons why a training makes no model, or why a job cannot be run.

TrainerError
├── DataError         a table that cannot be trained on; names the defect and its place
├── RecipeError       options that do not describe a training
├── CheckpointError   a checkpoint that cannot be written or read
├── TrainingFailed    the training found nothing better than its random start
├── Interrupted       the training was asked to stop
├── TableError
│   ├── TableNameError    a name that no table in the data folder can have
│   ├── TableNotFound     the data folder has no table of this name
│   ├── TableExists       a table of this name has another content
│   ├── InspectionFailed  it takes too much time or memory to check a table
│   └── InspectorBusy     another table is being checked
└── JobError
    ├── JobConflict       another job of the model is queued or running
    ├── JobNotFound       no job has this id
    ├── JobFinished       the job has ended, so it cannot be cancelled
    ├── JobKeyReused      the idempotency key belongs to a different request
    └── JobsUnavailable   the job database cannot be used
"""


class TrainerError(Exception):
    """Root of the package's errors."""


class DataError(TrainerError):
    """A table that cannot be trained on.

    Attributes
    ----------
    without_cells : the message without anything from the table's cells, for clients without a token
    """

    def __init__(self, message: str, without_cells: str = "") -> None:
        super().__init__(message)
        self.without_cells = without_cells or message


class RecipeError(TrainerError):
    """Options that do not describe a training."""


class CheckpointError(TrainerError):
    """A checkpoint that cannot be written or read."""


class TrainingFailed(TrainerError):
    """The training found nothing better than its random start."""


class Interrupted(TrainerError):
    """The training was asked to stop."""


class TableError(TrainerError):
    """A table in the data folder that cannot be stored, found or checked."""


class TableNameError(TableError):
    """A name that no table in the data folder can have."""


class TableNotFound(TableError):
    """The data folder has no table of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no table {name} in the data folder")


class TableExists(TableError):
    """A table of this name has another content.

    Attributes
    ----------
    name : of the table
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"there is another table {name}; replace=true replaces it")
        self.name = name


class InspectionFailed(TableError):
    """It takes too much time or memory to check a table."""


class InspectorBusy(TableError):
    """Another table is being checked."""


class JobError(TrainerError):
    """A job that cannot be submitted, found or cancelled."""


class JobConflict(JobError):
    """Another job of the model is queued or running.

    Attributes
    ----------
    job_id : the other job; None if it ended before it could be looked up
    """

    def __init__(self, job_id: str | None = None, state: str = "") -> None:
        super().__init__(
            f"job {job_id} is {state}, and only one job of a model may be queued or running"
            if job_id
            else "another job was about to end; try again"
        )
        self.job_id = job_id


class JobNotFound(JobError):
    """No job has this id."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"there is no job {job_id}")


class JobFinished(JobError):
    """The job has ended, so it cannot be cancelled."""

    def __init__(self, job_id: str, state: str) -> None:
        super().__init__(f"job {job_id} has ended already: it is {state}")
        self.job_id = job_id


class JobKeyReused(JobError):
    """The idempotency key belongs to a different request."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"the Idempotency-Key was used with a different body, for job {job_id}")
        self.job_id = job_id


class JobsUnavailable(JobError):
    """The job database cannot be used."""
