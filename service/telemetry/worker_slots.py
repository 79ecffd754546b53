"""Gives each server process that gunicorn forks a slot of the shared counters.

It is the lowest free slot: a new process takes over the slot of one that ended. So there are only
as many slots as processes at a time, however often they are replaced.
"""

import os
from collections.abc import Callable
from typing import Any

from service.telemetry.shared_counters import SharedCounters
from service.telemetry.telemetry import Telemetry


def hooks(counters: SharedCounters) -> dict[str, Callable[..., None]]:
    """Return gunicorn's hooks for one master process.

    After the fork they set `telemetry` of the process's application to a `Telemetry`.
    """
    taken: dict[int, int] = {}  # slots by `worker.age`, gunicorn's serial number of a process

    def pre_fork(server: Any, worker: Any) -> None:
        counters.master_process = os.getpid()
        taken[worker.age] = min(set(range(len(taken) + 1)) - set(taken.values()))
        counters.allocate(taken[worker.age])

    def post_fork(server: Any, worker: Any) -> None:
        worker.app.telemetry = Telemetry.in_slot(counters, taken[worker.age])
        worker.app.telemetry.meter.count_process_start()

    def child_exit(server: Any, worker: Any) -> None:
        if (slot := taken.pop(worker.age, None)) is not None:
            counters.release(slot)

    return {"pre_fork": pre_fork, "post_fork": post_fork, "child_exit": child_exit}
