"""The same large request at a fixed rate, whatever the responses, from a process of its own."""

import asyncio
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event

from benchmarks.cores import LOAD_CORE
from benchmarks.waiting import wait_until

LAST_RESPONSES_SECONDS = 10.0
PAUSE_SECONDS = 0.002  # between two looks at the clock


@dataclass(frozen=True)
class Load:
    """What is sent.

    Attributes
    ----------
    request : its bytes, which close the connection
    rate : requests per second; a request is left out while all connections are busy
    """

    port: int
    request: bytes
    rate: float
    connections: int


@contextmanager
def flood(load: Load) -> Iterator["SimpleQueue[Counter[str]]"]:
    """Send requests until the block ends; then the queue has the responses, by status.

    The block starts after the first response.
    """
    processes = multiprocessing.get_context("spawn")
    responses: SimpleQueue[Counter[str]] = processes.SimpleQueue()
    begun, ended = processes.Event(), processes.Event()
    process = processes.Process(target=_run, args=(load, begun, ended, responses))
    process.start()
    wait_until(lambda: begun.is_set() or not process.is_alive())
    try:
        yield responses
    finally:
        ended.set()
        process.join()


def capacity(port: int, request: bytes, connections: int, seconds: float) -> float:
    """Return the requests per second of some connections that always wait for a response."""
    with flood(Load(port, request, float("inf"), connections)) as responses:
        time.sleep(seconds)
    return responses.get()["200"] / seconds


def _run(load: Load, begun: Event, ended: Event, responses: "SimpleQueue[Counter[str]]") -> None:
    os.sched_setaffinity(0, {LOAD_CORE})
    # The client that measures latencies, on the same core, does not wait for this process.
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    responses.put(asyncio.run(_send_all(load, begun, ended)))


async def _send_all(load: Load, begun: Event, ended: Event) -> Counter[str]:
    statuses: Counter[str] = Counter()
    sending: set[asyncio.Task[None]] = set()
    due = time.monotonic()
    while not ended.is_set():
        now = time.monotonic()
        while due <= now and len(sending) < load.connections:
            task = asyncio.create_task(_send(load.port, load.request, statuses))
            sending.add(task)
            task.add_done_callback(sending.discard)
            due += 1.0 / load.rate
        due = max(due, now)
        if statuses:
            begun.set()
        await asyncio.sleep(PAUSE_SECONDS)
    if sending:
        await asyncio.wait(sending, timeout=LAST_RESPONSES_SECONDS)
    return statuses


async def _send(port: int, request: bytes, statuses: Counter[str]) -> None:
    status = "no response"
    with suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with suppress(OSError):  # a refused request may not be read
            writer.write(request)
            await writer.drain()
        with suppress(OSError):
            status = (await reader.readline()).decode()[9:12] or status
            while await reader.read(1 << 18):
                pass
        writer.close()
    statuses[status] += 1
