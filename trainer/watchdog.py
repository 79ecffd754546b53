"""Ends a training from inside a long computation: for its time limit, or because it was told to."""

from collections.abc import Callable
from enum import StrEnum


class Stopped(StrEnum):
    """Why a training ended."""

    EPOCHS = "all epochs done"
    CONVERGED = "converged"
    PATIENCE = "no better for a while"
    TIME = "time limit"
    INTERRUPTED = "interrupted"
    DIVERGED = "diverged"


class Halt(Exception):
    """Raised by `Watchdog.poll`; carries the reason."""

    def __init__(self, reason: Stopped) -> None:
        super().__init__(reason)
        self.reason = reason


class Watchdog:
    """Knows how long a training has run, and when it has to end.

    Parameters
    ----------
    seconds : the time limit
    clock : seconds, monotone
    stop : whether somebody wants it to end
    """

    def __init__(
        self, seconds: float, clock: Callable[[], float], stop: Callable[[], bool]
    ) -> None:
        self._limit = seconds
        self._clock = clock
        self._stop = stop
        self._started = clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the start, that of an earlier part of a resumed training included."""
        return self._clock() - self._started

    def resume(self, elapsed: float) -> None:
        """Count the seconds of an earlier part."""
        self._started = self._clock() - elapsed

    def poll(self) -> None:
        """Raise `Halt` where the training has to end."""
        if self._stop():
            raise Halt(Stopped.INTERRUPTED)
        if self.elapsed > self._limit:
            raise Halt(Stopped.TIME)
