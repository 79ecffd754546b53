"""The progress of a job: collected by the training's thread, stored by another."""

import contextvars
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Self

from dbos import DBOS
from dbos import error as dbos_error
from sqlalchemy.exc import SQLAlchemyError

from trainer.errors import Interrupted
from trainer.jobs.database import PROGRESS, reason
from trainer.training.epoch import Epoch

log = logging.getLogger(__name__)

HISTORY_POINTS = 100
HISTORY_FIELDS = ("epoch", "seconds", "train_loss", "validation_loss")
REPORT_SECONDS = 0.5
STOP_SECONDS = 0.8  # for a computation that has a core to notice that the job is lost
MAX_STOP_SECONDS = 8.0


class JobProgress:
    """The progress of one attempt at a job. Thread-safe.

    Parameters
    ----------
    worker : host and process id of the trainer
    attempt : its number, from 1
    before : the last snapshot of the previous attempt, if there was one
    now : the time of day, in seconds
    """

    def __init__(
        self,
        worker: str,
        attempt: int,
        before: Mapping[str, Any] = MappingProxyType({}),
        now: Callable[[], float] = time.time,
    ) -> None:
        self._lock = threading.Lock()
        self._now = now
        self._facts: dict[str, Any] = {
            "worker": worker,
            "attempt": attempt,
            "begun_at": before.get("begun_at", now()),
            "phase": "starting",
        }
        self._number: int = before.get("number", 0)
        self._before = {key: before[key] for key in before if key not in (*self._facts, "ended")}
        self._max_seconds = math.inf
        self._epoch: Epoch | None = None
        self._decisions: list[str] = before.get("decisions", [])
        self._history: list[dict[str, Any]] = before.get("loss_history", [])
        self._stride = 1
        self._earlier: list[dict[str, Any]] = []  # of the models that were tried before this one

    def enter(self, phase: str) -> None:
        """Note that a phase begins."""
        with self._lock:
            self._facts["phase"] = phase

    def train(self, max_seconds: float) -> None:
        """Note that the training begins, and its time limit."""
        self.enter("training")
        self._max_seconds = max_seconds

    def release_to_next_trainer(self) -> None:
        """Note that the next trainer resumes the job; this attempt does not count."""
        with self._lock:
            self._facts |= {"phase": "waiting for a trainer", "attempt": self._facts["attempt"] - 1}

    def end(self) -> None:
        """Note that the attempt has ended: if its outcome cannot be stored, it did not crash."""
        with self._lock:
            self._facts["ended"] = True

    def decided(self, reasons: list[str]) -> None:
        """Note how the solver was chosen."""
        with self._lock:
            self._decisions = reasons

    def watch(self, epoch: Epoch) -> None:
        """Note an epoch. The history keeps every 2ᵏ-th, so that it stays short.

        Another model begins when the epoch falls back; its losses are as many as those before it.
        """
        with self._lock:
            if self._epoch is None:  # epochs after the last checkpoint are computed again
                self._history = [each for each in self._history if each["epoch"] < epoch.epoch]
            elif epoch.epoch <= self._epoch.epoch:
                points = self._earlier + self._history
                every = -(-len(points) // (HISTORY_POINTS // 2)) or 1
                self._earlier, self._history, self._stride = points[::every], [], 1
            self._epoch = epoch
            if epoch.epoch % self._stride == 0:
                self._history.append({name: getattr(epoch, name) for name in HISTORY_FIELDS})
            while len(self._earlier) + len(self._history) > HISTORY_POINTS:
                self._stride *= 2
                self._history = [e for e in self._history if e["epoch"] % self._stride == 0]

    def snapshot(self) -> dict[str, Any]:
        """Return the progress as JSON, with the snapshot's number, which counts up."""
        with self._lock:
            self._number += 1
            document = {
                "fraction_done": 0.0,
                **self._before,
                **self._facts,
                "at": self._now(),
                "number": self._number,
                "decisions": list(self._decisions),
                "loss_history": self._earlier + self._history,
            }
            if epoch := self._epoch:
                document |= {
                    "fraction_done": epoch.fraction_done(self._max_seconds),
                    "eta_seconds": epoch.remaining_seconds(self._max_seconds),
                    "training_seconds": epoch.seconds,
                    "epoch": epoch.epoch,
                    "epochs": epoch.epochs,
                    "train_loss": epoch.train_loss,
                    "loss": epoch.validation_loss,
                    "best_loss": epoch.best_loss,
                }
            return document


class Reporter:
    """Stores snapshots of the progress in the database every half second, as a context manager.

    To be created in the workflow's thread.

    Parameters
    ----------
    stuck : set if the computation goes on although the job is lost
    jobs_at_once : number of computations that may share the process's cores

    Attributes
    ----------
    lost : set when the job was cancelled or given to another trainer, so that DBOS refuses reports
    """

    def __init__(
        self, progress: JobProgress, stuck: threading.Event, jobs_at_once: int = 1
    ) -> None:
        self.progress = progress
        self._stuck = stuck
        self._stop_seconds = min(jobs_at_once * STOP_SECONDS, MAX_STOP_SECONDS)
        self.lost = threading.Event()
        self._done = threading.Event()
        context = contextvars.copy_context()  # DBOS keeps the workflow's id in it
        self._thread = threading.Thread(target=context.run, args=(self._repeat,), daemon=True)

    def __enter__(self) -> Self:
        with suppress(Interrupted):
            self.send()  # first of all, so that the attempt counts even if the process crashes
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()
        with suppress(Interrupted):
            self.send()

    def send(self) -> None:
        """Store a snapshot now.

        Raises
        ------
        Interrupted
            the job is lost.
        """
        try:
            DBOS.set_event(PROGRESS, self.progress.snapshot())
        except dbos_error.DBOSWorkflowConflictIDError:
            self.lost.set()
            raise Interrupted from None
        except SQLAlchemyError as error:  # the job may still end well, for example on a full disk
            log.warning("cannot report the job's progress: %s", reason(error))

    def release_to_next_trainer(self) -> None:
        """Store that the next trainer resumes the job."""
        self._done.set()
        self._thread.join()
        self.progress.release_to_next_trainer()
        self.send()

    def _repeat(self) -> None:
        while True:
            try:
                self.send()
            except Interrupted:
                if not self._done.wait(self._stop_seconds):
                    self._stuck.set()
                return
            if self._done.wait(REPORT_SECONDS):
                return
