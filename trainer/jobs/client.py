"""Retraining jobs as those see them who ask for one: submit, look up, cancel.

The database has the jobs and `trainer.worker` carries them out; both may be on other machines. The
library that keeps them is imported on first use: most processes never ask.
"""

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.errors import (
    JobConflict,
    JobFinished,
    JobKeyReused,
    JobNotFound,
    JobsUnavailable,
    TrainerError,
)
from trainer.jobs.counts import (
    ACTIVE,
    CANCELLED,
    FAILED,
    QUEUED,
    RUNNING,
    STATES,
    TIMEOUTS,
    WITHOUT_OUTPUT,
    count_by_state,
)
from trainer.jobs.request import Request

if TYPE_CHECKING:
    from dbos import DBOSClient

__all__ = [
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

QUEUE = WORKFLOW = "retrain"
PROGRESS = "progress"
ONLY_ONE = "the one job"  # deduplication id: at most one job waits or runs
POLL_SECONDS = 0.5  # between two looks of the worker into the queue
MAX_AT_ONCE = 2  # threads of a process that ask the database
TURN_SECONDS = 1.0  # that others wait for them
PATIENCE_SECONDS = 5.0  # with a job that nobody picks up, or a worker that says nothing

_ON_THE_WAY = ("phase", "fraction_done", "eta_seconds")


@dataclass(frozen=True)
class Job:
    """What is known of a job.

    Attributes
    ----------
    state : queued, running, promoted, kept_back, failed or cancelled
    revision : another one after every change
    document : all that is told of it, as JSON
    asked : what the caller said
    """

    id: str
    state: str
    revision: int
    document: dict[str, Any]
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in (QUEUED, RUNNING)


class Jobs:
    """The jobs in one database. Safe to share between threads; to be made after a fork."""

    def __init__(self, url: str, now: Callable[[], float] = time.time) -> None:
        self._url = url
        self._now = now
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(MAX_AT_ONCE)
        self._mine = threading.local()

    def submit(
        self,
        request: Request,
        *,
        asked: Mapping[str, Any],
        by: str,
        key: str | None = None,
        job_id: str | None = None,
    ) -> tuple[Job, bool]:
        """Ask for a retraining; the job, and whether it is new.

        Parameters
        ----------
        asked : what the caller said, which is compared where the same key comes again
        by : who asks
        key : the same key gives the same job
        job_id : in place of one that is made up, or made from the key

        Raises
        ------
        JobConflict
            another job waits or runs.
        JobKeyReused
            the key came with another request before.
        JobsUnavailable
        """
        if job_id is None:
            job_id = _id_of_key(key) if key is not None else _new_id()
        document = {"request": request.as_document(), "asked": dict(asked), "by": by}
        with self._explained() as client:
            from dbos import error as dbos_error  # noqa: PLC0415

            if known := self._find(job_id):
                return _same(known, asked), False
            try:
                client.enqueue(
                    {
                        "queue_name": QUEUE,
                        "workflow_name": WORKFLOW,
                        "workflow_id": job_id,
                        "workflow_id_reuse_policy": "reject",
                        "deduplication_id": ONLY_ONE,
                    },
                    document,
                )
            except (dbos_error.DBOSQueueDeduplicatedError, dbos_error.DBOSWorkflowIDInUseError):
                if known := self._find(job_id):
                    return _same(known, asked), False
                raise JobConflict(self.active()) from None
            return self.get(job_id), True

    def get(self, job_id: str) -> Job:
        """A job with its progress.

        Raises
        ------
        JobNotFound, JobsUnavailable
        """
        job = self._find(job_id)
        if job is None:
            raise JobNotFound(job_id)
        return job

    def newest(self, limit: int) -> list[Job]:
        """The newest jobs, newest first."""
        with self._explained() as client:
            found = client.list_workflows(name=WORKFLOW, sort_desc=True, limit=limit)
            return [self._job(status, self._progress(status.workflow_id)) for status in found]

    def active(self) -> Job | None:
        """The job that waits or runs."""
        with self._explained() as client:
            found = client.list_workflows(name=WORKFLOW, status=list(ACTIVE), limit=1)
            return self._job(found[0], self._progress(found[0].workflow_id)) if found else None

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state; needs little memory.

        Raises
        ------
        JobsUnavailable
        """
        return count_by_state(self._url)

    def cancel(self, job_id: str) -> Job:
        """End a job; its worker learns of it within half a second.

        Raises
        ------
        JobFinished
            it is promoted, kept back or failed already.
        JobNotFound, JobsUnavailable
        """
        with self._explained() as client:
            job = self.get(job_id)
            if job.active:
                client.cancel_workflow(job_id)
                job = self.get(job_id)  # it may have been done before it could be cancelled
            if job.state != CANCELLED:
                raise JobFinished(job)
            return job

    def forget(self, keep: int) -> None:
        """Delete what is known of finished jobs but for the newest `keep`."""
        with self._explained() as client:
            old = client.list_workflows(
                name=WORKFLOW, sort_desc=True, offset=keep, load_input=False, load_output=False
            )
            if finished := [each.workflow_id for each in old if each.status not in ACTIVE]:
                client.delete_workflows(finished)

    def prepare(self) -> str:
        """Make what is missing in the database, as every question does; the URL to connect by."""
        with self._explained():
            return with_timeouts(self._url)

    def close(self) -> None:
        """Give the connections to the database back; they are made again where they are needed."""
        with self._lock:
            if client := self.__dict__.pop("_client", None):
                client.destroy()

    def _find(self, job_id: str) -> Job | None:
        if "\0" in job_id:
            return None  # PostgreSQL would refuse the question
        with self._explained() as client:
            found = client.list_workflows(workflow_ids=[job_id], name=WORKFLOW)
            return self._job(found[0], self._progress(job_id)) if found else None

    def _progress(self, job_id: str) -> dict[str, Any]:
        return self._client.get_event(job_id, PROGRESS, 0) or {}

    def _job(self, status: Any, progress: dict[str, Any]) -> Job:
        asked = status.input["args"][0]
        output = status.output or {}
        state = ACTIVE.get(status.status) or WITHOUT_OUTPUT.get(status.status) or output["state"]
        shown = {key: value for key, value in progress.items() if key not in ("at", "begun_at")}
        document = {
            "id": status.workflow_id,
            "state": state,
            "request": asked["request"],
            "by": asked["by"],
            "created_at": _time(status.created_at / 1000),
            "started_at": _time(progress.get("begun_at")),
            "finished_at": _time(_finished_at(status, progress)),
            **shown,
        }
        heard_at = progress.get("at", 0.0)
        if state in (FAILED, CANCELLED):
            document = {key: value for key, value in document.items() if key not in _ON_THE_WAY}
        if state in (QUEUED, RUNNING):
            if note := self._note(state, status, progress):
                document["note"] = note
                heard_at = self._now()  # it grows with the time
        elif state == FAILED:
            document["error"] = output.get("error") or "it failed; the worker's log says more"
        elif state != CANCELLED:
            document |= {"fraction_done": 1.0, "eta_seconds": 0.0, "result": output["result"]}
        revision = max(int(heard_at * 1000), status.updated_at or status.created_at)
        ended = state not in (QUEUED, RUNNING)  # in the same millisecond, maybe
        return Job(status.workflow_id, state, revision + ended, document, asked["asked"])

    def _note(self, state: str, status: Any, progress: dict[str, Any]) -> str | None:
        """What somebody should know who waits in vain."""
        heard_at = max(progress.get("at", 0.0), (status.updated_at or status.created_at) / 1000)
        silence = self._now() - heard_at
        if silence < PATIENCE_SECONDS:
            return None
        if state == QUEUED and not progress:
            return (
                f"no worker has picked this job up for {silence:.0f} s: "
                f"is one running (python -m trainer.worker)?"
            )
        return (
            f"its worker has not been heard of for {silence:.0f} s; "
            f"the job goes on from its last checkpoint when a worker is back"
        )

    @contextmanager
    def _explained(self) -> Iterator["DBOSClient"]:
        import dbos  # noqa: F401, PLC0415  # which may take a second, and is not the database's fault
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

        with self._turn():
            try:
                with self._lock:  # that two threads do not make it
                    client = self._client
                yield client
            except (SQLAlchemyError, OSError) as error:
                raise JobsUnavailable(
                    f"the jobs' database cannot be used: {reason(error)}"
                ) from error

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """A database that does not answer holds no more than a few threads of a process."""
        if getattr(self._mine, "turn", False):  # a question within a question
            yield
            return
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise JobsUnavailable("the jobs' database does not answer")
        self._mine.turn = True
        try:
            yield
        finally:
            self._mine.turn = False
            self._turns.release()

    @cached_property
    def _client(self) -> "DBOSClient":
        from dbos import DBOSClient  # noqa: PLC0415

        logging.getLogger("dbos").setLevel(logging.WARNING)
        url = with_timeouts(self._url)
        _prepare(url)
        client = DBOSClient(
            system_database_url=url, serializer=serializer(), retry_connection_errors=False
        )
        client.register_queue(QUEUE, global_concurrency=1, polling_interval_sec=POLL_SECONDS)
        return client


def _same(job: Job, asked: Mapping[str, Any]) -> Job:
    if job.asked != dict(asked):
        raise JobKeyReused(job)
    return job


def with_timeouts(url: str) -> str:
    """The URL to connect by, so that a server that does not answer is given up."""
    from sqlalchemy import make_url  # noqa: PLC0415

    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return url
    return parsed.set(query={**TIMEOUTS, **parsed.query}).render_as_string(hide_password=False)


def _prepare(url: str) -> None:
    """Make the tables where they are missing."""
    from dbos import DBOS  # noqa: PLC0415
    from sqlalchemy import create_engine, make_url, text  # noqa: PLC0415

    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        assert parsed.database  # noqa: S101  # `Settings` has seen to it
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url)
        with engine.connect() as connection:  # readers need not wait for writers; kept in the file
            connection.execute(text("PRAGMA journal_mode=WAL"))
        engine.dispose()
    DBOS.migrate(url)


def serializer() -> Any:
    """JSON: the default would be pickle."""
    from dbos import DBOSPortableJSONSerializer  # noqa: PLC0415

    return DBOSPortableJSONSerializer()


def _new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def _id_of_key(key: str) -> str:
    return f"key-{hashlib.sha256(key.encode()).hexdigest()[:24]}"


def _finished_at(status: Any, progress: Mapping[str, Any]) -> float | None:
    """SQLite may keep whole seconds: it was not done before its last report."""
    if not status.completed_at:
        return None
    return max(float(status.completed_at) / 1000, float(progress.get("at", 0.0)))


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def reason(error: Exception) -> str:
    """The database's own words, without the statement and its values, or a path."""
    words = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or error)
    return words.partition("\n")[0] or type(error).__name__
