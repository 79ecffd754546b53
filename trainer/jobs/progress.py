"""How far a job is, as those who wait for it are told."""

import math
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from trainer.training.console_progress import fraction_done, remaining_seconds
from trainer.training.fit import Epoch

HISTORY_POINTS = 100
HISTORY_FIELDS = ("epoch", "seconds", "train_loss", "validation_loss")


class JobProgress:
    """Collects what happens in one thread, and shows it to another.

    Parameters
    ----------
    worker : who does the work
    attempt : which try this is, from 1
    before : the last snapshot of the try before, if this is not the first
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
        self._before = {key: before[key] for key in before if key not in self._facts}
        self._max_seconds = math.inf
        self._epoch: Epoch | None = None
        self._decisions: list[str] = before.get("decisions", [])
        self._history: list[dict[str, Any]] = before.get("loss_history", [])
        self._stride = 1

    def enter(self, phase: str) -> None:
        """Say what it goes about now."""
        with self._lock:
            self._facts["phase"] = phase

    def train(self, max_seconds: float) -> None:
        """Say that the training begins, and what its time limit is."""
        self.enter("training")
        self._max_seconds = max_seconds

    def leave(self) -> None:
        """Say that the next worker goes on; this attempt does not count."""
        with self._lock:
            self._facts |= {"phase": "waiting for a worker", "attempt": self._facts["attempt"] - 1}

    def decided(self, reasons: list[str]) -> None:
        """Note how the solver was chosen."""
        with self._lock:
            self._decisions = reasons

    def watch(self, epoch: Epoch) -> None:
        """Note an epoch; of the history every 2ᵏ-th is kept, so that it stays short."""
        with self._lock:
            if self._epoch is None:  # what the try before did after its checkpoint is done again
                self._history = [each for each in self._history if each["epoch"] < epoch.epoch]
            self._epoch = epoch
            if epoch.epoch % self._stride == 0:
                self._history.append({name: getattr(epoch, name) for name in HISTORY_FIELDS})
            while len(self._history) > HISTORY_POINTS:
                self._stride *= 2
                self._history = [e for e in self._history if e["epoch"] % self._stride == 0]

    def snapshot(self) -> dict[str, Any]:
        """All of it as JSON keeps it."""
        with self._lock:
            document = {
                "fraction_done": 0.0,
                **self._before,
                **self._facts,
                "at": self._now(),
                "decisions": list(self._decisions),
                "loss_history": list(self._history),
            }
            if epoch := self._epoch:
                document |= {
                    "fraction_done": fraction_done(epoch, self._max_seconds),
                    "eta_seconds": remaining_seconds(epoch, self._max_seconds),
                    "training_seconds": epoch.seconds,
                    "epoch": epoch.epoch,
                    "epochs": epoch.epochs,
                    "train_loss": epoch.train_loss,
                    "loss": epoch.validation_loss,
                    "best_loss": epoch.best_loss,
                }
            return document
