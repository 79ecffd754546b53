"""Which slot of the tally each of gunicorn's workers counts in.

The lowest that is free: the successor of a worker that ended takes its slot over, so that there are
as many as there are workers at a time, however many end.
"""

import os
from collections.abc import Callable
from typing import Any

from service.telemetry.meter import meter, tally


def hooks() -> dict[str, Callable[..., None]]:
    """gunicorn's hooks, for one master."""
    taken: dict[int, int] = {}  # slots by gunicorn's number of the worker

    def pre_fork(server: Any, worker: Any) -> None:
        tally.master = os.getpid()
        free = set(range(len(taken) + 1)) - set(taken.values())
        taken[worker.age] = min(free)
        tally.make_room(taken[worker.age])

    def post_fork(server: Any, worker: Any) -> None:
        meter.count_in(tally.take(taken[worker.age], worker.pid))
        meter.worker_started()

    def child_exit(server: Any, worker: Any) -> None:
        if (slot := taken.pop(worker.age, None)) is not None:
            tally.leave(slot)

    return {"pre_fork": pre_fork, "post_fork": post_fork, "child_exit": child_exit}
