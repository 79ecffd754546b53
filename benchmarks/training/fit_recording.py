"""What a fit was worth at each moment: snapshots of its weights, judged off the clock."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Layers = list[tuple[Array, Array]]  # (W, b) per layer; W is (inputs, outputs)


@dataclass(frozen=True)
class Snapshot:
    """The weights that a fit had `seconds` after its start."""

    seconds: float
    layers: Layers

    def predict(self, X: Array) -> Array:
        """X : (N, d), standardised. Returns (N, k), standardised."""
        *hidden, (W, b) = self.layers
        A = X
        for hidden_W, hidden_b in hidden:
            A = np.tanh(A @ hidden_W + hidden_b)
        return A @ W + b


Trace = list[Snapshot]


def errors(
    trace: Trace, X: Array, Y: Array, variance: float | Array = 1.0
) -> Iterator[tuple[float, float]]:
    """(seconds, mean squared error) of each snapshot on rows it was not trained on.

    X : (N, d) and Y : (N, k), standardised like the training rows. variance : that of the targets,
    one figure or (k,), to have the error in their own unit.
    """
    for snapshot in trace:
        yield snapshot.seconds, float(np.mean((snapshot.predict(X) - Y) ** 2 * variance))


def time_to(
    trace: Trace, X: Array, Y: Array, targets: Sequence[float], variance: float | Array = 1.0
) -> list[float]:
    """Seconds until the error of `errors` was first at most each target; inf if it never was."""
    times = [math.inf] * len(targets)
    for seconds, error in errors(trace, X, Y, variance):
        times = [
            seconds if error <= target and seconds < reached else reached
            for target, reached in zip(targets, times, strict=True)
        ]
        if max(times) < math.inf:
            break
    return times


class OutOfTime(Exception):
    """Raised from a hook in the middle of a fit."""


@dataclass
class Recording:
    """The clock of one fit and the snapshots taken by it, each 1 % or 2 ms after the last."""

    seconds: float
    trace: Trace = field(default_factory=list)
    start: float = field(default_factory=time.perf_counter)
    due: float = 0.0
    best: float = math.inf
    last: Snapshot | None = None

    def elapsed(self) -> float:
        return time.perf_counter() - self.start

    def visit(self, layers: Callable[[], Layers], loss: float = math.nan) -> None:
        """Takes a snapshot if it is due, and if a loss is given, none was lower before.

        Where there are losses, the best comes in even if it was not due. Raises OutOfTime.
        """
        elapsed = self.elapsed()
        improved = not loss > self.best
        self.best = min(self.best, loss)
        if improved and elapsed >= self.due:
            self.trace.append(Snapshot(elapsed, layers()))
            self.last = None
            self.due = max(1.01 * elapsed, elapsed + 0.002)
        elif improved and not math.isnan(loss):
            self.last = Snapshot(elapsed, layers())
        self.check()

    def check(self) -> None:
        """Raises OutOfTime where it is."""
        if self.elapsed() > self.seconds:
            raise OutOfTime

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ends quietly where the time is out."""
        with suppress(OutOfTime):
            yield
        if self.last:
            self.trace.append(self.last)
