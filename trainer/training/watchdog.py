"""Ends a training from inside a long computation: for its time limit, or because it was told to."""

from collections.abc import Callable
from enum import StrEnum


class Stopped(StrEnum):
    """Why a training ended."""

    EPOCHS = "all epochs done"
    CONVERGED = "converged"
    PATIENCE = "no better for a while"
    TARGET = "target reached"
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
    grace_seconds : how long an iteration may have run and still be left to its end
    """

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float],
        stop: Callable[[], bool],
        grace_seconds: float = 0.0,
    ) -> None:
        self._limit = seconds
        self._clock = clock
        self._stop = stop
        self._grace = grace_seconds
        self._started = self._began = clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the start, that of an earlier part of a resumed training included."""
        return self._clock() - self._started

    def resume(self, elapsed: float) -> None:
        """Count the seconds of an earlier part."""
        self._started = self._clock() - elapsed

    def begin(self) -> None:
        """Raise `Halt` where the training has to end; if not, an iteration begins."""
        self._check()
        self._began = self._clock() if self._grace else self._began

    def poll(self) -> None:
        """The same from within an iteration, but leave it to its end where that is near."""
        if not self._grace or self._clock() - self._began > self._grace:
            self._check()

    def _check(self) -> None:
        if self._stop():
            raise Halt(Stopped.INTERRUPTED)
        if self.elapsed > self._limit:
            raise Halt(Stopped.TIME)
