"""Latencies of the same clients with and without other work, in turns."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.load.closed_loop import Account

Span = tuple[float, float]  # begin and end, as `time.time` counts

CONNECTIONS = 16
RATE = 400.0  # requests per second of all clients, well below what two cores can answer


@dataclass(frozen=True)
class Contrast:
    """The outcome of a comparison in turns.

    Attributes
    ----------
    requests, failed : of all turns
    idle, busy : p99 of the latency in seconds, one per turn
    notes : further counts of the scenario
    """

    requests: int
    failed: int
    idle: list[float]
    busy: list[float]
    notes: dict[str, Any]

    @property
    def ratios(self) -> list[float]:
        """Return busy ÷ idle p99, one per turn."""
        return [busy / idle for idle, busy in zip(self.idle, self.busy, strict=True)]


def contrast(account: Account, spans: Sequence[tuple[Span, Span]], **notes: Any) -> Contrast:
    """Return the outcome of requests in idle and busy spans.

    Parameters
    ----------
    spans : the idle and the busy span of each turn
    """
    return Contrast(
        len(account.answers),
        account.failed,
        [p99(account.latencies(*idle)) for idle, _ in spans],
        [p99(account.latencies(*busy)) for _, busy in spans],
        notes,
    )


def p99(latencies: Sequence[float]) -> float:
    """Return the 99th percentile."""
    return statistics.quantiles(latencies, n=100, method="inclusive")[98]


def timed(action: Callable[[], None]) -> Span:
    """Run an action and return when it began and ended."""
    began = time.time()
    action()
    return began, time.time()
