"""The client side of retraining jobs: submit, look up, cancel.

Jobs are workflows in a database, which `trainer.worker` runs, possibly on another machine.
"""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from trainer.errors import JobConflict, JobFinished, JobKeyReused, JobNotFound
from trainer.jobs.counts import count_by_state, last_report
from trainer.jobs.database import PROGRESS, QUEUE, WORKFLOW, Database, with_timeouts
from trainer.jobs.job import ACTIVE, CANCELLED, Job
from trainer.jobs.request import Request

if TYPE_CHECKING:
    from dbos import DBOSClient

log = logging.getLogger(__name__)

ONLY_ONE = "the one job"  # DBOS's deduplication id: at most one job is queued or running


class Jobs:
    """The jobs in one database. Thread-safe; to be created after a fork.

    Every method raises `JobsUnavailable` if the database cannot be used.
    """

    def __init__(self, url: str, now: Callable[[], float] = time.time) -> None:
        self._url = url
        self._now = now
        self._database = Database(url)

    def submit(
        self,
        request: Request,
        *,
        asked: Mapping[str, Any],
        by: str,
        key: str | None = None,
        job_id: str | None = None,
    ) -> tuple[Job, bool]:
        """Submit a job, unless it exists. Return the job and whether it is new.

        Parameters
        ----------
        asked : the options that the client gave; compared if the key was used before
        by : who submits it
        key : an idempotency key; the same key gives the same job
        job_id : by default derived from the key, or random

        Raises
        ------
        JobConflict
            another job is queued or running.
        JobKeyReused
            the key was used with other options.
        JobsUnavailable
        """
        if job_id is None:
            job_id = _id_of_key(key) if key is not None else _new_id()
        with self._database.connect() as client:
            from dbos import error as dbos_error  # noqa: PLC0415

            if existing := self._find(client, job_id):
                return _same(existing, asked), False
            try:
                client.enqueue(
                    {
                        "queue_name": QUEUE,
                        "workflow_name": WORKFLOW,
                        "workflow_id": job_id,
                        "workflow_id_reuse_policy": "reject",
                        "deduplication_id": ONLY_ONE,
                    },
                    {"request": request.as_document(), "asked": dict(asked), "by": by},
                )
            except (dbos_error.DBOSQueueDeduplicatedError, dbos_error.DBOSWorkflowIDInUseError):
                if existing := self._find(client, job_id):
                    return _same(existing, asked), False
                other = self._active(client)
                raise (JobConflict(other.id, other.state) if other else JobConflict()) from None
            return self._get(client, job_id), True

    def get(self, job_id: str) -> Job:
        """Return a job with its progress.

        Raises
        ------
        JobNotFound, JobsUnavailable
        """
        with self._database.connect() as client:
            return self._get(client, job_id)

    def newest(self, limit: int) -> list[Job]:
        """Return the newest jobs, newest first."""
        with self._database.connect() as client:
            found = client.list_workflows(name=WORKFLOW, sort_desc=True, limit=limit)
            return [job for each in found if (job := self._job(client, each))]

    def active(self) -> Job | None:
        """Return the job that is queued or running."""
        with self._database.connect() as client:
            return self._active(client)

    def counts(self) -> dict[str, int]:
        """Return the number of jobs per state, without loading DBOS."""
        return count_by_state(self._url)

    def last_report(self) -> float | None:
        """Return when the running job was last reported on, as `counts.last_report` does."""
        return last_report(self._url)

    def cancel(self, job_id: str) -> Job:
        """Cancel a job. Its trainer notices within half a second.

        Raises
        ------
        JobFinished
            the job is promoted, kept back or failed.
        JobNotFound, JobsUnavailable
        """
        with self._database.connect() as client:
            job = self._get(client, job_id)
            if job.active:
                client.cancel_workflow(job_id)
                job = self._get(client, job_id)  # it may have ended before it was cancelled
            if job.state != CANCELLED:
                raise JobFinished(job.id, job.state)
            return job

    def forget(self, keep: int) -> None:
        """Delete all jobs that have ended, except the newest `keep`."""
        with self._database.connect() as client:
            old = client.list_workflows(
                name=WORKFLOW, sort_desc=True, offset=keep, load_input=False, load_output=False
            )
            if ended := [each.workflow_id for each in old if each.status not in ACTIVE]:
                client.delete_workflows(ended)

    def prepare(self) -> str:
        """Create the missing tables and return the URL to connect by."""
        with self._database.connect():
            return with_timeouts(self._url)

    def close(self) -> None:
        """Close the connections to the database. The next call opens new ones."""
        self._database.close()

    def _get(self, client: "DBOSClient", job_id: str) -> Job:
        job = self._find(client, job_id)
        if job is None:
            raise JobNotFound(job_id)
        return job

    def _find(self, client: "DBOSClient", job_id: str) -> Job | None:
        if "\0" in job_id:
            return None  # PostgreSQL refuses such a parameter
        found = client.list_workflows(workflow_ids=[job_id], name=WORKFLOW)
        return self._job(client, found[0]) if found else None

    def _active(self, client: "DBOSClient") -> Job | None:
        found = client.list_workflows(name=WORKFLOW, status=list(ACTIVE), limit=1)
        return self._job(client, found[0]) if found else None

    def _job(self, client: "DBOSClient", workflow: Any) -> Job | None:
        """Return the job of a workflow; None if its row is damaged."""
        try:
            progress = client.get_event(workflow.workflow_id, PROGRESS, 0) or {}
            return Job.from_workflow(workflow, progress, self._now())
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            log.exception("job %s is damaged in the database", workflow.workflow_id)
            return None


def _same(job: Job, asked: Mapping[str, Any]) -> Job:
    if job.asked != dict(asked):
        raise JobKeyReused(job.id)
    return job


def _new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def _id_of_key(key: str) -> str:
    return f"key-{hashlib.sha256(key.encode()).hexdigest()[:24]}"
