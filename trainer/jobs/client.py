"""The client side of retraining jobs: submit, look up, cancel.

Jobs are workflows in a database, which `trainer.worker` runs, possibly on another machine.
"""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from config import Settings
from trainer.errors import JobConflict, JobFinished, JobKeyReused, JobNotFound
from trainer.jobs.counts import count_by_state, reports
from trainer.jobs.database import (
    PROGRESS,
    QUEUE,
    WORKFLOW,
    Database,
    register_queue,
    with_timeouts,
)
from trainer.jobs.job import ACTIVE, CANCELLED, SILENCE_SECONDS, Job, is_waiting, model_of
from trainer.jobs.request import Request

if TYPE_CHECKING:
    from dbos import DBOSClient

log = logging.getLogger(__name__)

# Of the workflows with one of DBOS's deduplication ids, at most one is queued or running.
DEFAULT_ID = "the one job"  # of the default model, whatever its name is
MODEL_ID = "the job of model {}"


class Jobs:
    """The jobs in one database. Thread-safe; to be created after a fork.

    Every method raises `JobsUnavailable` if the database cannot be used.

    Parameters
    ----------
    default_model : the name of the model that a request without one means
    """

    def __init__(
        self,
        url: str,
        now: Callable[[], float] = time.time,
        *,
        default_model: str = Settings.model_name,
    ) -> None:
        self._url = url
        self._now = now
        self._default_model = default_model
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
        key : an idempotency key; the same key gives the same job of a model
        job_id : by default derived from the key, or random

        Raises
        ------
        JobConflict
            another job of the model is queued or running.
        JobKeyReused
            the key was used with other options.
        JobsUnavailable
        """
        if job_id is None:
            job_id = _id_of_key(key, request.model) if key is not None else _new_id()
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
                        "deduplication_id": _deduplication_id(request.model),
                    },
                    {"request": request.as_document(), "asked": dict(asked), "by": by},
                )
            except (dbos_error.DBOSQueueDeduplicatedError, dbos_error.DBOSWorkflowIDInUseError):
                if existing := self._find(client, job_id):
                    return _same(existing, asked), False
                other = self._active(client, request.model)
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

    def newest(self, limit: int, is_wanted: Callable[[str], bool] | None = None) -> list[Job]:
        """Return the newest jobs, newest first.

        Parameters
        ----------
        is_wanted : whether the jobs of a model are; by default all are
        """
        with self._database.connect() as client:
            is_busy = cache(partial(self._is_trainer_busy, client))
            if is_wanted is None:
                found = client.list_workflows(name=WORKFLOW, sort_desc=True, limit=limit)
            else:
                every = client.list_workflows(name=WORKFLOW, sort_desc=True, load_output=False)
                wanted = (each.workflow_id for each in every if self._is_of(each, is_wanted))
                ids = list(islice(wanted, limit))
                found = client.list_workflows(workflow_ids=ids) if ids else []
                found.sort(key=lambda each: ids.index(each.workflow_id))
            return [job for each in found if (job := self._job(client, each, is_busy))]

    def active(self, model: str | None = None) -> Job | None:
        """Return the job of a model, by default the default one, that is queued or running."""
        with self._database.connect() as client:
            return self._active(client, model)

    def running(self) -> set[str]:
        """Return the ids of all running jobs."""
        with self._database.connect() as client:
            return _running(client)

    def counts(self) -> dict[str, int]:
        """Return the number of jobs per state, without loading DBOS."""
        return count_by_state(self._url)

    def last_report(self) -> float | None:
        """Return when that running job was last reported on which has been silent longest.

        In seconds since the epoch; None if no job is running.
        """
        return min(reports(self._url), default=None)

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

    def prepare(self, at_once: int) -> str:
        """Create the missing tables and return the URL to connect by. For the trainer alone.

        Parameters
        ----------
        at_once : number of jobs that run at a time, which clients leave as it is
        """
        with self._database.connect() as client:
            register_queue(client, at_once, "always_update")
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
        is_busy = partial(self._is_trainer_busy, client)
        return self._job(client, found[0], is_busy) if found else None

    def _active(self, client: "DBOSClient", model: str | None) -> Job | None:
        wanted = _deduplication_id(None if model == self._default_model else model)
        for each in client.list_workflows(
            name=WORKFLOW, status=list(ACTIVE), load_input=False, load_output=False
        ):
            if each.deduplication_id == wanted:
                return self._find(client, each.workflow_id)
        return None

    def _is_of(self, workflow: Any, is_wanted: Callable[[str], bool]) -> bool:
        """Return whether a workflow is a job of a wanted model; False if its row is damaged."""
        try:
            return is_wanted(model_of(workflow, self._default_model))
        except (AttributeError, LookupError, TypeError):
            return False

    def _job(
        self, client: "DBOSClient", workflow: Any, is_trainer_busy: Callable[[], bool]
    ) -> Job | None:
        """Return the job of a workflow; None if its row is damaged."""
        try:
            progress = client.get_event(workflow.workflow_id, PROGRESS, 0) or {}
            now = self._now()
            is_behind = is_waiting(workflow, progress, now) and is_trainer_busy()
            return Job.from_workflow(
                workflow, progress, now, self._default_model, is_behind=is_behind
            )
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            log.exception("job %s is damaged in the database", workflow.workflow_id)
            return None

    def _is_trainer_busy(self, client: "DBOSClient") -> bool:
        """Return whether a trainer has just reported on a running job."""
        for job_id in _running(client):
            report = client.get_event(job_id, PROGRESS, 0)
            at = report.get("at") if isinstance(report, dict) else None
            if isinstance(at, int | float) and self._now() - at < SILENCE_SECONDS:
                return True
        return False


def _running(client: "DBOSClient") -> set[str]:
    found = client.list_workflows(
        name=WORKFLOW, status="PENDING", load_input=False, load_output=False
    )
    return {each.workflow_id for each in found}


def _deduplication_id(model: str | None) -> str:
    return DEFAULT_ID if model is None else MODEL_ID.format(model)


def _same(job: Job, asked: Mapping[str, Any]) -> Job:
    if job.asked != dict(asked):
        raise JobKeyReused(job.id)
    return job


def _new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def _id_of_key(key: str, model: str | None) -> str:
    """Return the id of the job of a model and an idempotency key."""
    text = key if model is None else f"{model}\0{key}"
    return f"key-{hashlib.sha256(text.encode()).hexdigest()[:24]}"
