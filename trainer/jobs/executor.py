"""The executor of jobs: durable workflows of DBOS, a certain number at a time.

Of all trainers on one database, the one that holds the lock (`trainer.jobs.lock`) runs the jobs,
and the others wait. When it dies, the next one resumes its jobs from their last checkpoints.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

from dbos import DBOS

from config import Settings
from network import NetworkError
from registry import Models, RegistryError, StorageError, card_object
from trainer.errors import DataError, Interrupted, JobError, TrainerError
from trainer.jobs.client import Jobs
from trainer.jobs.database import PROGRESS, WORKFLOW, FileIdentity, file_identity, serializer
from trainer.jobs.execution import Retraining
from trainer.jobs.first_version import request_first_version
from trainer.jobs.job import CANCELLED, FAILED
from trainer.jobs.lock import trainer_lock
from trainer.jobs.progress import JobProgress, Reporter
from trainer.jobs.request import Request
from trainer.jobs.running import RunningJob, RunningJobs
from trainer.jobs.schedule.schedule import Schedule
from trainer.training.checkpoint import remove_abandoned

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
LOCK_SECONDS = 0.5  # between two attempts to take the lock
WATCH_SECONDS = 0.2  # between two checks of the lock and of the running jobs
IDLE_SECONDS = 5.0  # between two looks for a job that nobody works on
SHUTDOWN_SECONDS = 8.0  # Docker kills a container after ten
POLL_SECONDS = 0.02
KEPT_JOBS = 1_000


class Executor:
    """Runs jobs. One per process, because DBOS has one state per process.

    Parameters
    ----------
    beat : called several times a second while the process is healthy

    Attributes
    ----------
    stopping : to be set when the process has to end
    """

    def __init__(self, settings: Settings, beat: Callable[[], None]) -> None:
        self._settings = settings
        self._jobs = Jobs(settings.jobs_url, default_model=settings.model_name)
        self._models = Models.local(settings.models, settings.model_name)
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._lock = trainer_lock(settings.jobs_url)
        self._running = RunningJobs(settings.jobs_at_once)
        self._leaving = threading.Event()
        self._file: FileIdentity | None = None
        self._unattended: set[str] = set()
        self._look_at = 0.0
        self._beat = beat
        self.stopping = threading.Event()

    def run(self, *, train_first: bool = False) -> bool:
        """Wait for the lock, then run jobs until `stopping` is set.

        Parameters
        ----------
        train_first : request a first version if there is none

        Returns
        -------
        must_restart : whether the process has to be replaced by a new one, because a computation
            cannot be stopped, or the lock or the job database is lost
        """
        while not self._lock.acquire():
            self._beat()
            if self.stopping.wait(LOCK_SECONDS):
                return False
        self._launch()
        self._file = file_identity(self._settings.jobs_url)
        log.info("waiting for jobs", extra={"worker": self._name})
        if train_first:
            default = self._models.registry(self._models.default)
            _in_background(request_first_version, self._jobs, default, self.stopping)
        schedule = Schedule(self._settings.retrain_cron, self._jobs, self._models)
        _in_background(schedule.run, self.stopping)
        while not self.stopping.wait(WATCH_SECONDS):
            self._beat()
            if self._lock.lost():
                log.error("the trainer's lock is lost: restarting")
                return True
            if self._file != file_identity(self._settings.jobs_url):
                log.error("the job database was deleted or replaced: restarting")
                return True
            if self._running.is_stuck():
                log.warning("the computation does not stop: restarting")
                break
            if self._has_unattended_job():
                log.error("a job is running and nobody works on it: restarting, to end it")
                break
        must_restart = not self.stopping.is_set()
        self._leave_jobs()
        return must_restart and not self.stopping.is_set()

    def _launch(self) -> None:
        DBOS(
            config={
                "name": "numnet",
                "system_database_url": self._jobs.prepare(self._settings.jobs_at_once),
                # DBOS resumes the workflows of the same executor and version alone
                "executor_id": "numnet",
                "application_version": "1",
                "serializer": serializer(),
                "log_level": "WARNING",
            }
        )

        # The result of the first step is stored before the second begins: a resumed job gets the
        # number from before the version that it may have published itself.
        @DBOS.step(name="newest version")
        def newest_version(document: dict[str, Any]) -> int:
            with suppress(Exception):  # which the job itself will report
                registry = Request.from_document(document["request"]).registry(self._models)
                return max(registry.versions(), default=0)
            return 0

        @DBOS.step(name=WORKFLOW)
        def run_job(document: dict[str, Any], newest_before: int) -> dict[str, Any]:
            return self._run_job(document, newest_before)

        @DBOS.workflow(name=WORKFLOW)
        def retrain(document: dict[str, Any]) -> dict[str, Any]:
            return run_job(document, newest_version(document))

        DBOS.launch()

    def _has_unattended_job(self) -> bool:
        """Return whether a job has been running for a while without a thread of this process.

        DBOS gives a workflow up if it cannot store its outcome, for example on a full disk. The
        next process gets the job from DBOS again, and finds the version that it has published.
        """
        if time.monotonic() < self._look_at:
            return False
        self._look_at = time.monotonic() + IDLE_SECONDS
        try:
            running = self._jobs.running()
        except JobError:
            return False
        before, self._unattended = self._unattended, running - self._running.ids()
        return bool(before & self._unattended)

    def _leave_jobs(self) -> None:
        """Wait until every running job has saved a checkpoint, or its result is stored."""
        self._leaving.set()
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while any(not each.stuck.is_set() for each in self._running.computing()):
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        if self._running.computing():
            log.warning("the computation does not stop")
        for job in self._running.ended() - self._unattended:
            with suppress(JobError):  # the database may have been replaced
                while self._jobs.get(job).active and time.monotonic() < deadline:
                    time.sleep(POLL_SECONDS)

    def _run_job(self, document: dict[str, Any], newest_before: int) -> dict[str, Any]:
        """Return the job's state, with its result or the error."""
        job = DBOS.workflow_id
        assert job is not None  # noqa: S101  # DBOS sets it inside a step
        with self._running.turn(job, card_object(document, "request").get("model")) as running:
            self._unattended.discard(job)
            if self._has_to_leave():
                _leave(running)
            before = DBOS.get_all_events(job).get(PROGRESS, {})
            attempt = before.get("attempt", 0) + (not before.get("ended", False))
            if attempt > MAX_ATTEMPTS:
                return _failed(f"the trainer crashed in {MAX_ATTEMPTS} attempts at this job")
            log.info("job starts", extra={"job": job, "attempt": attempt})
            progress = JobProgress(self._name, attempt, before)
            with Reporter(progress, running.stuck, self._settings.jobs_at_once) as reporter:
                try:
                    outcome = self._outcome(job, document, newest_before, reporter)
                except Interrupted:
                    if not reporter.lost.is_set():
                        with suppress(Interrupted):  # it has been lost since
                            reporter.release_to_next_trainer()
                        log.info("the next trainer resumes the job", extra={"job": job})
                        _leave(running)
                    outcome = _failed("cancelled")  # DBOS drops it and keeps the status CANCELLED
                progress.end()
            running.stuck.clear()  # it has stopped after all
            log.info("job ends, %s", _summary(outcome), extra={"job": job})
            self._clean_up()
        return outcome

    def _outcome(
        self, job: str, document: dict[str, Any], newest_before: int, reporter: Reporter
    ) -> dict[str, Any]:
        try:
            retraining = Retraining(
                job,
                Request.from_document(document["request"]),
                self._settings,
                reporter.progress,
                newest_before,
                lost=reporter.lost.is_set,
                is_cancelled=partial(self._is_cancelled, job),
                stopping=self._has_to_leave,
                confirm=reporter.send,
            )
            result = retraining.run()
        except Interrupted:
            raise
        except StorageError as error:  # its message has a path, which must not reach clients
            log.error("storage failed: %s", error, extra={"job": job})
            why = error.reason or "see the trainer's log"
            return _failed(f"the models cannot be read or written: {why}")
        except DataError as error:
            return _failed(str(error), error.without_cells)
        except (NetworkError, RegistryError, TrainerError) as error:
            return _failed(str(error))
        except Exception as error:
            log.exception("job failed unexpectedly", extra={"job": job})
            return _failed(f"unexpected {type(error).__name__}; see the trainer's log")
        return {"state": result.pop("state"), "result": result}

    def _has_to_leave(self) -> bool:
        return self.stopping.is_set() or self._leaving.is_set()

    def _is_cancelled(self, job: str) -> bool:
        try:
            return self._jobs.get(job).state == CANCELLED
        except JobError:
            return False

    def _clean_up(self) -> None:
        """Delete old jobs and the checkpoints of abandoned trainings."""
        remove_abandoned(self._settings.state / "checkpoints")
        try:
            self._jobs.forget(KEPT_JOBS)
        except JobError as error:
            log.warning("cannot delete old jobs: %s", error)


def exit_at_once(code: int = 0) -> NoReturn:
    """End the process without waiting for its threads."""
    logging.shutdown()
    os._exit(code)


def _leave(job: RunningJob) -> NoReturn:
    """Leave a job to the next trainer. The process ends without a return from the workflow, which
    DBOS would store as its end.
    """
    job.left.set()
    while True:
        threading.Event().wait()


def _in_background(target: Callable[..., None], *given: object) -> None:
    threading.Thread(target=target, args=given, daemon=True).start()


def _failed(reason: str, without_cells: str = "") -> dict[str, Any]:
    """Return the outcome of a job; clients without the admin token see the second reason."""
    return {"state": FAILED, "error": reason, "error_without_cells": without_cells or reason}


def _summary(outcome: dict[str, Any]) -> str:
    if outcome["state"] == FAILED:
        return f"{FAILED}: {outcome['error']}"
    result = outcome["result"]
    return f"{outcome['state']} version {result['version']}: {result['verdict']['reason']}"
