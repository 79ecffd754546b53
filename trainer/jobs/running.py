"""The jobs that the trainer process works on: a certain number at a time, one of each model."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False)
class RunningJob:
    """A job with a thread.

    Attributes
    ----------
    model : None for the default
    stuck : to be set if the computation goes on although the job is lost
    left : to be set when the job is left to the next trainer
    """

    id: str
    model: str | None
    stuck: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)


class RunningJobs:
    """The jobs with a thread of this process, most of which compute. Thread-safe.

    DBOS starts no more jobs than may run at a time, but it counts no cancelled job, whose
    computation may still be about to stop.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._changed = threading.Condition()
        self._waiting: list[RunningJob] = []
        self._computing: list[RunningJob] = []
        self._ended: deque[str] = deque(maxlen=at_once)

    @contextmanager
    def turn(self, job: str, model: str | None) -> Iterator[RunningJob]:
        """Wait for the job's turn, which lasts for the `with` block."""
        running = RunningJob(job, model)
        with self._changed:
            self._waiting.append(running)
            self._changed.wait_for(lambda: self._is_free(model))
            self._waiting.remove(running)
            self._computing.append(running)
        try:
            yield running
        finally:
            with self._changed:
                self._computing.remove(running)
                self._ended.append(job)
                self._changed.notify_all()

    def ids(self) -> set[str]:
        """Return the ids of all jobs with a thread, also those that wait for their turn."""
        with self._changed:
            return {each.id for each in (*self._waiting, *self._computing)}

    def computing(self) -> list[RunningJob]:
        """Return the jobs whose computations have not ended, and that were not left."""
        with self._changed:
            return [each for each in self._computing if not each.left.is_set()]

    def is_stuck(self) -> bool:
        """Return whether a computation goes on although its job is lost."""
        return any(each.stuck.is_set() for each in self.computing())

    def ended(self) -> set[str]:
        """Return the jobs that ended last, whose results may not be stored yet."""
        with self._changed:
            return set(self._ended)

    def _is_free(self, model: str | None) -> bool:
        return len(self._computing) < self._at_once and all(
            each.model != model for each in self._computing
        )
