"""What can keep a training from making a model, or a job from being done.

TrainerError
├── DataError         a table that cannot be trained on; names what is wrong and where
├── RecipeError       options that make no training
├── CheckpointError   a checkpoint that cannot be written or read
├── TrainingFailed    nothing better than the random start was found
├── Interrupted       somebody wants the training to end
└── JobError
    ├── JobConflict       another job waits or runs
    ├── JobNotFound       no job of that id
    ├── JobFinished       too late to cancel it
    ├── JobKeyReused      an idempotency key that came with another request before
    └── JobsUnavailable   the database of jobs cannot be used
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainer.jobs.client import Job


class TrainerError(Exception):
    """Root of the package's errors."""


class DataError(TrainerError):
    """A table that cannot be trained on."""


class RecipeError(TrainerError):
    """Options that make no training."""


class CheckpointError(TrainerError):
    """A checkpoint that cannot be written or read."""


class TrainingFailed(TrainerError):
    """Nothing better than the random start was found."""


class Interrupted(TrainerError):
    """Somebody wants the training to end."""


class JobError(TrainerError):
    """A job that cannot be submitted, found or cancelled."""


class JobConflict(JobError):
    """Another job waits or runs; None where it was done before it could be named."""

    def __init__(self, job: "Job | None") -> None:
        super().__init__(
            f"job {job.id} is {job.state}; one job is carried out at a time"
            if job
            else "another job was just being finished; ask again"
        )
        self.job = job


class JobNotFound(JobError):
    """No job of that id."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"there is no job {job_id}")


class JobFinished(JobError):
    """Too late to cancel it."""

    def __init__(self, job: "Job") -> None:
        super().__init__(f"job {job.id} is {job.state} already")
        self.job = job


class JobKeyReused(JobError):
    """An idempotency key that came with another request before."""

    def __init__(self, job: "Job") -> None:
        super().__init__(f"the Idempotency-Key came with another body before, for job {job.id}")
        self.job = job


class JobsUnavailable(JobError):
    """The database of jobs cannot be used."""
