"""The error of a fit over time: snapshots of its weights, evaluated after the fit has ended."""

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
    """The weights of a fit some seconds after its start."""

    seconds: float
    layers: Layers

    def predict(self, X: Array) -> Array:
        """Return the network's outputs (N, k) for X (N, d), both standardised."""
        *hidden, (W, b) = self.layers
        A = X
        for hidden_W, hidden_b in hidden:
            A = np.tanh(A @ hidden_W + hidden_b)
        return A @ W + b


Trace = list[Snapshot]


def errors(
    trace: Trace, X: Array, Y: Array, variance: float | Array = 1.0
) -> Iterator[tuple[float, float]]:
    """Yield (seconds, mean squared error) of each snapshot on rows it was not trained on.

    X : (N, d) and Y : (N, k), standardised like the training rows. variance : of the targets,
    one number or (k,), which converts the error to their unit.
    """
    for snapshot in trace:
        yield snapshot.seconds, float(np.mean((snapshot.predict(X) - Y) ** 2 * variance))


def time_to(
    trace: Trace, X: Array, Y: Array, targets: Sequence[float], variance: float | Array = 1.0
) -> list[float]:
    """Return the seconds until the error first reached each target; inf if it never did."""
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
    """Ends a fit from one of its hooks when its time is up."""


@dataclass
class Recording:
    """The clock of one fit and its snapshots, which are 1 % of the time or 2 ms apart."""

    seconds: float
    trace: Trace = field(default_factory=list)
    start: float = field(default_factory=time.perf_counter)
    due: float = 0.0
    best: float = math.inf
    last: Snapshot | None = None

    def elapsed(self) -> float:
        return time.perf_counter() - self.start

    def visit(self, layers: Callable[[], Layers], loss: float = math.nan) -> None:
        """Take a snapshot if one is due, and the loss, if given, is the lowest so far.

        With losses, the best weights are recorded even if no snapshot was due. Raise `OutOfTime`.
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
        """Raise `OutOfTime` when the time is up."""
        if self.elapsed() > self.seconds:
            raise OutOfTime

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run a fit in the block, which ends without an error when the time is up."""
        with suppress(OutOfTime):
            yield
        if self.last:
            self.trace.append(self.last)
