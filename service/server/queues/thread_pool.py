"""A thread pool that runs as few threads at a time as possible.

Python runs one thread at a time, so several threads that compute gain nothing. They also delay the
event loop, which needs the interpreter after every system call: with the standard library's pool a
health check took ten times as long under the load of 64 clients. Here one thread runs one task
after the other. Another thread is woken only if the last task has run for a while, as it may be
blocked. The groups of tasks take turns, and leave a thread to each other (`FairQueue`).
"""

import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from service.server.queues.fair_queue import FairQueue

log = logging.getLogger(__name__)

WAKE_AFTER_SECONDS = 0.005  # with the last task that was begun, before another thread is woken

Task = Callable[[], None]


class ThreadPool:
    """Daemon threads, which end with the process.

    Parameters
    ----------
    size : number of threads
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._waiting = FairQueue[Task](size)
        self._awake = 0
        self._last_begun_at = 0.0
        self._running: dict[int, tuple[str, float]] = {}  # group and begin of a task, by thread
        self._wake: SimpleQueue[None] = SimpleQueue()
        for _ in range(size):
            threading.Thread(target=self._run, daemon=True).start()

    def add(self, task: Task, group: str = "") -> None:
        """Queue a task."""
        with self._lock:
            self._waiting.add(group, task)
            if not self._awake:
                self._wake_thread()

    def remove(self, task: Task, group: str = "") -> bool:
        """Take a task out of the queue; return False if it has begun."""
        with self._lock:
            return self._waiting.remove(group, task)

    def blocked_seconds(self, group: str = "") -> float:
        """Return for how long no thread has begun a task, as all that the group may use are busy.

        Returns
        -------
        seconds : 0 if a thread is free
        """
        with self._lock:
            return self._blocked_seconds(group)

    def longest_blocked_seconds(self) -> float:
        """Return the longest `blocked_seconds` of any group."""
        with self._lock:
            return max(map(self._blocked_seconds, self._waiting.groups), default=0.0)

    def wake_if_blocked(self) -> float | None:
        """Wake another thread if the last task runs for long.

        Returns
        -------
        seconds : after which to call this again; None if no task waits, or all threads are awake
        """
        with self._lock:
            if not self._waiting or self._awake == self._size:
                return None
            is_long = time.monotonic() - self._last_begun_at >= WAKE_AFTER_SECONDS
            if is_long and self._waiting.has_next():
                self._last_begun_at = time.monotonic()
                self._wake_thread()
            return WAKE_AFTER_SECONDS

    def _blocked_seconds(self, group: str) -> float:
        if not self._waiting.is_full(group):
            return 0.0
        every = len(self._running) == self._size
        begun = [at for each, at in self._running.values() if every or each == group]
        return time.monotonic() - max(begun)

    def _wake_thread(self) -> None:
        self._awake += 1
        self._wake.put(None)

    def _run(self) -> None:
        while True:
            self._wake.get()
            was_long = False
            while (task := self._next(was_long)) is not None:
                begun = time.monotonic()
                try:
                    task()
                except Exception:
                    log.exception("a task failed")
                was_long = time.monotonic() - begun >= WAKE_AFTER_SECONDS
                del task  # else its request would be kept in memory until the next one

    def _next(self, was_long: bool) -> Task | None:
        """Return the next task; None if this thread has to sleep.

        After a long task another thread may have taken over, and one is enough.
        """
        with self._lock:
            now = time.monotonic()
            other_runs = self._awake > 1 and now - self._last_begun_at < WAKE_AFTER_SECONDS
            if ended := self._running.pop(threading.get_ident(), None):
                self._waiting.release(ended[0])
            found = None if was_long and other_runs else self._waiting.take()
            if found is None:
                self._awake -= 1
                return None
            group, task = found
            self._last_begun_at = now
            self._running[threading.get_ident()] = group, now
            return task
