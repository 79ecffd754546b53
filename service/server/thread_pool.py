"""Threads for work that computes, or waits: as few at a time as will do.

Python runs one thread at a time. Several that compute gain nothing, and keep another thread, which
needs its turn after every system call, from running for long. So one thread does one thing after
the other; a further one helps where what was begun last has not ended within a moment, as it may
be waiting.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

MOMENT_SECONDS = 0.005

W = TypeVar("W")


class ThreadPool(Generic[W]):
    """A few threads, which end with the process.

    Parameters
    ----------
    most : how many there are
    do : what they do with each piece of work
    """

    def __init__(self, most: int, do: Callable[[W], None]) -> None:
        self._most = most
        self._do = do
        self._lock = threading.Lock()
        self._waiting: deque[W] = deque()
        self._awake = 0
        self._began_at = 0.0  # what was begun last
        self._wake: SimpleQueue[None] = SimpleQueue()
        for _ in range(most):
            threading.Thread(target=self._run, daemon=True).start()

    def add(self, work: W) -> None:
        """Have it done after what was added before."""
        with self._lock:
            self._waiting.append(work)
            if not self._awake:
                self._wake_one()

    def remove(self, work: W) -> bool:
        """Have it not done any more; False where that has begun."""
        with self._lock:
            if work not in self._waiting:
                return False
            self._waiting.remove(work)
            return True

    def help(self) -> float | None:
        """Have a further thread help where that is due; in how many seconds to look again."""
        with self._lock:
            if not self._waiting or self._awake == self._most:
                return None
            if time.monotonic() - self._began_at >= MOMENT_SECONDS:
                self._began_at = time.monotonic()
                self._wake_one()
            return MOMENT_SECONDS

    def _wake_one(self) -> None:
        self._awake += 1
        self._wake.put(None)

    def _run(self) -> None:
        while True:
            self._wake.get()
            helped = False
            while (work := self._next(helped)) is not None:
                begun = time.monotonic()
                try:
                    self._do(work)
                except Exception:
                    log.exception("a thread's work failed")
                helped = time.monotonic() - begun >= MOMENT_SECONDS

    def _next(self, helped: bool) -> W | None:
        """What to do now; None where there is nothing, or another has just begun the next."""
        with self._lock:
            now = time.monotonic()
            another = helped and self._awake > 1 and now - self._began_at < MOMENT_SECONDS
            if another or not self._waiting:
                self._awake -= 1
                return None
            self._began_at = now
            return self._waiting.popleft()
