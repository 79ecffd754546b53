"""Many clients that watch the events of a running job, while other clients send requests."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from benchmarks.installation import Installation, Service
from benchmarks.load.closed_loop import clients
from benchmarks.reliability.scenarios.contrast import (
    CONNECTIONS,
    RATE,
    Contrast,
    contrast,
    timed,
)
from benchmarks.reliability.scenarios.versions import LONG_TRAINING, publish_first
from benchmarks.repository import ROOT
from benchmarks.waiting import wait_until


def run(installation: Installation, count: int, turns: int, seconds: float) -> Contrast:
    """Compare spans with watchers to spans without, while the job runs in both."""
    publish_first(installation.registry)
    service = installation.start_service()
    installation.start_trainer()
    job = service.retrain(**LONG_TRAINING, max_seconds=3600)
    wait_until(lambda: service.get(job)["state"] == "running")
    spans, events = [], 0
    with clients(service.port, CONNECTIONS, RATE) as load:
        for _ in range(turns):
            idle = timed(partial(time.sleep, seconds))
            with watching(service, job, count) as received:
                spans.append((idle, timed(partial(time.sleep, seconds))))
            events += received()
        account = load.end()
    service.delete(job)
    return contrast(account, spans, events=events)


@contextmanager
def watching(service: Service, job: str, count: int) -> Iterator[Callable[[], int]]:
    """Watch a job until the block ends. Yield a function that then returns the number of events."""
    module = "benchmarks.load.event_watchers"
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(service.port), job, str(count)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    process.stdout.readline()  # every watcher has its first event
    total = ""
    try:
        yield lambda: int(total)
    finally:
        total, _ = process.communicate()
