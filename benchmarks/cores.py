"""The core for servers and the core for load, so that one does not take the other's time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

SERVER_CORE, LOAD_CORE = 0, 1


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Keep this thread, and the threads and processes that it starts, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
