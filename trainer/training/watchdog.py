"""The watchdog, which ends a training at its time limit or on request."""

from collections.abc import Callable
from enum import StrEnum

GRACE_SECONDS = 0.5  # an iteration this short is not interrupted, so that it can be resumed from


class Stopped(StrEnum):
    """Why a training ended."""

    EPOCHS = "all epochs done"
    CONVERGED = "converged"
    PATIENCE = "no improvement"
    TARGET = "target reached"
    STALLED = "stalled on noise"
    TIME = "time limit"
    INTERRUPTED = "interrupted"
    DIVERGED = "diverged"


class Halt(Exception):
    """Raised by the watchdog to end a training, with the reason."""

    def __init__(self, reason: Stopped) -> None:
        super().__init__(reason)
        self.reason = reason


class Watchdog:
    """Measures the time of a training and raises `Halt` when it has to end.

    Parameters
    ----------
    seconds : the time limit
    clock : returns monotonic seconds
    stop : returns whether to end
    grace_seconds : an iteration that has run for less is not interrupted
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
    def clock(self) -> Callable[[], float]:
        """Return the function that measures the time."""
        return self._clock

    @property
    def elapsed(self) -> float:
        """Return the seconds since the start, including those before a resumption."""
        return self._clock() - self._started

    def resume(self, elapsed: float) -> None:
        """Add the seconds of the training before it was resumed."""
        self._started = self._clock() - elapsed

    def begin(self) -> None:
        """Begin an iteration.

        Raises
        ------
        Halt
            the training has to end.
        """
        self._check()
        self._began = self._clock() if self._grace else self._began

    def poll(self) -> None:
        """Check from within an iteration, once it has run for longer than the grace.

        Raises
        ------
        Halt
            the training has to end.
        """
        if not self._grace or self._clock() - self._began > self._grace:
            self._check()

    def check_stop(self) -> None:
        """Check for a request to end, whatever the time.

        Raises
        ------
        Halt
        """
        if self._stop():
            raise Halt(Stopped.INTERRUPTED)

    def _check(self) -> None:
        self.check_stop()
        if self.elapsed > self._limit:
            raise Halt(Stopped.TIME)
