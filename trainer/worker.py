"""The process that carries retraining jobs out: `python -m trainer.worker [--train-first]`.

Jobs are durable workflows of DBOS. Of all workers on one database one works and the others wait to
take its place (`trainer.jobs.lock`), so that one job at a time is carried out, and a job whose
worker died goes on with the next from its last checkpoint.
"""

import os

# One thread, and behind whoever else wants the cores: see trainer/train.py. To be set before NumPy
# is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import contextvars
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn, Self

import click
from dbos import DBOS
from dbos import error as dbos_error
from sqlalchemy.exc import SQLAlchemyError

from config import VERSION, Settings, SettingsError
from config.json_logging import formatter
from network import NetworkError
from registry import Registry, RegistryError, StorageError
from trainer.errors import Interrupted, JobError, TrainerError
from trainer.heartbeat import Heartbeat
from trainer.jobs.client import PROGRESS, WORKFLOW, Jobs, reason, serializer
from trainer.jobs.counts import CANCELLED, FAILED
from trainer.jobs.execution import Retraining
from trainer.jobs.first_version import ask_for_first_version
from trainer.jobs.lock import worker_lock
from trainer.jobs.progress import JobProgress
from trainer.jobs.request import Request
from trainer.jobs.schedule import Timetable
from trainer.training.checkpoint import remove_abandoned

log = logging.getLogger("trainer.worker")

NICENESS = 10
MAX_ATTEMPTS = 3
REPORT_SECONDS = 0.5
LOCK_SECONDS = 0.5  # between two attempts to take the place of another worker
WATCH_SECONDS = 0.2  # between two looks at whether to go on
STOP_SECONDS = 0.8  # for a computation to notice that it is to end
SHUTDOWN_SECONDS = 8.0  # of which a container is given ten
KEPT_JOBS = 1_000


class Worker:
    """One process's work. There is one per process, as DBOS has one state per process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._jobs = Jobs(settings.jobs_url)
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._lock = worker_lock(settings.jobs_url)
        self._busy = threading.Lock()
        self._ended: str | None = None  # the job that was carried out last
        self._stuck = threading.Event()
        self._heartbeat = Heartbeat()
        self.stopping = threading.Event()

    def run(self, *, train_first: bool = False) -> None:
        """Wait for the right to work, then work until `stopping` is set.

        Parameters
        ----------
        train_first : ask for a first version where there is none
        """
        while not self._lock.acquire():
            self._heartbeat.beat()
            if self.stopping.wait(LOCK_SECONDS):
                return
        self._launch()
        log.info("waiting for jobs", extra={"worker": self._name})
        registry = Registry.local(self._settings.models)
        if train_first:
            _in_background(ask_for_first_version, self._jobs, registry, self.stopping)
        if self._settings.retrain_cron:
            timetable = Timetable(self._settings.retrain_cron, self._jobs, registry)
            _in_background(timetable.keep, self.stopping)
        while not self.stopping.wait(WATCH_SECONDS):
            self._heartbeat.beat()
            if self._stuck.is_set():
                log.warning("a computation does not notice that it is to end: starting anew")
                _start_anew()
            if self._lock.lost():
                log.error("the lock in the database is lost: starting anew")
                _start_anew()
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while not self._busy.acquire(timeout=WATCH_SECONDS):
            if self._stuck.is_set() or time.monotonic() > deadline:
                log.warning("a computation does not notice that it is to end")
                return
        if self._ended:  # what came of it is about to be written down
            while self._jobs.get(self._ended).active and time.monotonic() < deadline:
                time.sleep(0.02)

    def _launch(self) -> None:
        DBOS(
            config={
                "name": "numnet",
                "system_database_url": self._jobs.prepare(),
                # fixed, or an interrupted job would not be picked up again
                "executor_id": "numnet",
                "application_version": "1",
                "serializer": serializer(),
                "log_level": "WARNING",
            }
        )

        @DBOS.step(name=WORKFLOW)
        def carry_out(document: dict[str, Any]) -> dict[str, Any]:
            return self._carry_out(document)

        @DBOS.workflow(name=WORKFLOW)
        def retrain(document: dict[str, Any]) -> dict[str, Any]:
            return carry_out(document)

        DBOS.launch()

    def _carry_out(self, document: dict[str, Any]) -> dict[str, Any]:
        """The workflow's one step: what came of the job, or why nothing did."""
        job = DBOS.workflow_id
        assert job is not None  # noqa: S101  # a step has one
        with self._busy:  # a cancelled job may still be about to end
            if self.stopping.is_set():
                _leave()
            before = DBOS.get_all_events(job).get(PROGRESS, {})
            attempt = before.get("attempt", 0) + 1
            if attempt > MAX_ATTEMPTS:
                return _failed(f"its worker ended {MAX_ATTEMPTS} times before it was done")
            log.info("job begins", extra={"job": job, "attempt": attempt})
            progress = JobProgress(self._name, attempt, before)
            with Report(progress, self._stuck) as report:
                try:
                    outcome = self._outcome(job, document, report)
                except Interrupted:
                    if not report.lost.is_set():
                        report.leave()
                        log.info("the job goes on with the next worker", extra={"job": job})
                        _leave()
                    outcome = _failed("cancelled")  # which nobody is told: it has its state
            log.info("job ends, %s", _in_short(outcome), extra={"job": job})
            self._tidy_up()
            self._ended = job
        return outcome

    def _outcome(self, job: str, document: dict[str, Any], report: "Report") -> dict[str, Any]:
        try:
            retraining = Retraining(
                job,
                Request.from_document(document["request"]),
                self._settings,
                report.progress,
                lost=report.lost.is_set,
                withdrawn=partial(self._is_withdrawn, job),
                stopping=self.stopping.is_set,
                confirm=report.send,
            )
            result = retraining.run()
        except Interrupted:
            raise
        except StorageError as error:  # which names a folder that concerns no caller
            log.error("storage failed: %s", error, extra={"job": job})
            why = error.reason or "the worker's log says more"
            return _failed(f"the models cannot be read or written: {why}")
        except (NetworkError, RegistryError, TrainerError) as error:
            return _failed(str(error))
        except Exception as error:
            log.exception("job failed unexpectedly", extra={"job": job})
            return _failed(f"an unexpected {type(error).__name__}; the worker's log says more")
        return {"state": result.pop("state"), "result": result}

    def _is_withdrawn(self, job: str) -> bool:
        try:
            return self._jobs.get(job).state == CANCELLED
        except JobError:
            return False

    def _tidy_up(self) -> None:
        """Forget old jobs, and what trainings that nobody goes on with have left."""
        remove_abandoned(self._settings.state / "checkpoints")
        try:
            self._jobs.forget(KEPT_JOBS)
        except JobError as error:
            log.warning("old jobs stay: %s", error)


class Report:
    """Tells the database every half second how a job goes, and learns whether it is still ours.

    Parameters
    ----------
    stuck : set where the computation goes on though the job is lost

    Attributes
    ----------
    lost : set once the job was cancelled, or given to another worker
    """

    def __init__(self, progress: JobProgress, stuck: threading.Event) -> None:
        self.progress = progress
        self._stuck = stuck
        self.lost = threading.Event()
        self._done = threading.Event()
        context = contextvars.copy_context()  # in which DBOS knows what job this is
        self._thread = threading.Thread(target=context.run, args=(self._repeat,), daemon=True)

    def __enter__(self) -> Self:
        with suppress(Interrupted):
            self.send()  # before anything that might end the process: the attempt is to count
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()
        with suppress(Interrupted):
            self.send()

    def send(self) -> None:
        """Report now.

        Raises
        ------
        Interrupted
            the job is no longer ours.
        """
        try:
            DBOS.set_event(PROGRESS, self.progress.snapshot())
        except dbos_error.DBOSWorkflowConflictIDError:
            self.lost.set()
            raise Interrupted from None
        except SQLAlchemyError as error:  # a full disk, say: the work may go on
            log.warning("the job's progress cannot be reported: %s", reason(error))

    def leave(self) -> None:
        """Report that the job waits for the next worker."""
        self._done.set()
        self._thread.join()
        self.progress.leave()
        self.send()

    def _repeat(self) -> None:
        while True:
            try:
                self.send()
            except Interrupted:
                if not self._done.wait(STOP_SECONDS):
                    self._stuck.set()
                return
            if self._done.wait(REPORT_SECONDS):
                return


class NoNoise(logging.Filter):
    """Drops what DBOS logs as an error when a job is cancelled."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, dbos_error.DBOSAwaitedWorkflowCancelledError) and (
            "no longer owned by this execution" not in record.getMessage()
        )


def _in_background(target: Callable[..., None], *given: object) -> None:
    threading.Thread(target=target, args=given, daemon=True).start()


def _failed(reason: str) -> dict[str, Any]:
    return {"state": FAILED, "error": reason}


def _in_short(outcome: dict[str, Any]) -> str:
    if outcome["state"] == FAILED:
        return f"{FAILED}: {outcome['error']}"
    result = outcome["result"]
    return f"{outcome['state']} version {result['version']}: {result['verdict']['reason']}"


def _leave(code: int = 0) -> NoReturn:
    """End the process and leave what it does to the next worker: DBOS would call it done."""
    logging.shutdown()
    os._exit(code)


def _start_anew() -> NoReturn:
    """Replace the process, and what it computes, by a new one. For the main thread: Linux would
    forget for another one that the process is to end with `run.py`.
    """
    logging.shutdown()
    same = [sys.executable, "-m", "trainer.worker", *sys.argv[1:]]
    os.execv(sys.executable, same)  # noqa: S606  # ourselves


def _log_as_json() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter())
    handler.addFilter(NoNoise())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("dbos").addHandler(handler)  # it would add one of its own
    logging.getLogger("dbos").propagate = False
    logging.getLogger("dbos").setLevel(logging.WARNING)


@click.command()
@click.option("--train-first", is_flag=True, help="Train a first version where there is none.")
def main(train_first: bool) -> None:
    """Carry retraining jobs out, one at a time, until SIGTERM or Ctrl-C."""
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        sys.exit(f"error: {error}")
    _log_as_json()
    log.info("starting numnet %s", VERSION, extra={"settings": settings.in_force()})
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
    worker = Worker(settings)

    def stop(number: int, frame: object) -> None:
        if worker.stopping.is_set():
            os._exit(1)
        worker.stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        worker.run(train_first=train_first)
    except (SQLAlchemyError, OSError, JobError) as error:
        print(f"error: the database of jobs cannot be used: {reason(error)}", file=sys.stderr)
        _leave(1)
    _leave()


if __name__ == "__main__":
    main()
