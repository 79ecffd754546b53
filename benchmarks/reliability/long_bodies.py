"""Bodies as long as are allowed: the memory that they take, and how long a plain row waits.

One process of the service on one core, started again for each body, gets it once or from eight
clients at once. Meanwhile another client sends one row after the other. The load comes from another
core.
"""

import itertools
import math
import multiprocessing
import os
import socket
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from pathlib import Path

from benchmarks import process_usage
from benchmarks.cores import LOAD_CORE, SERVER_CORE, on_core
from benchmarks.installation import Installation
from benchmarks.reliability.bodies import BODIES, Body
from benchmarks.report import Verdicts, machine
from benchmarks.servers.programs import NUMNET
from benchmarks.servers.running import train

CLIENTS = (1, 8)
MAX_MEGABYTES, MAX_MILLISECONDS = 150.0, 250.0
PAUSE_SECONDS = 0.005  # between two plain rows
TIMEOUT_SECONDS = 300.0
EXPECTED = {False: {200, 503}, True: {400, 413, 422, 503}}  # valid and hostile


@dataclass(frozen=True)
class Seen:
    """What happened while a body was sent.

    Attributes
    ----------
    megabytes : by which the process grew
    milliseconds : the longest that a plain row took
    statuses : of the responses
    """

    megabytes: float
    milliseconds: float
    seconds: float
    statuses: Counter[int]


def measure(folder: Path, body: Body, clients: int) -> Seen:
    """Send a body from some clients at once, and plain rows meanwhile."""
    request = body.request()
    with Installation(folder) as installation:
        with on_core(SERVER_CORE):
            service = installation.start_service(1, NUMNET_DEADLINE_SECONDS=f"{TIMEOUT_SECONDS:g}")
        (process,) = service.server_processes()
        processes = multiprocessing.get_context("spawn")
        ended, waits = processes.Event(), processes.SimpleQueue()
        rows = processes.Process(target=_send_rows, args=(service.port, ended, waits))
        rows.start()
        waits.get()  # the first row is answered
        before = process_usage.peak_megabytes(process)
        begun = time.monotonic()
        try:
            with ThreadPoolExecutor(clients) as threads:
                answers = threads.map(lambda _: _send(service.port, request), range(clients))
                statuses = Counter(answers)
        finally:
            ended.set()
        seconds = time.monotonic() - begun
        longest = waits.get()
        rows.join()
        grown = process_usage.peak_megabytes(process) - before
    return Seen(grown, 1000.0 * longest, seconds, statuses)


def _send(port: int, request: bytes) -> int:
    """Return the status of the response, which is read and forgotten."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as connection:
        connection.sendall(request)
        response = connection.makefile("rb")
        status = int(response.readline().split()[1])
        while response.read(1 << 20):
            pass
    return status


def _send_rows(port: int, ended: Event, waits: "SimpleQueue[float]") -> None:
    """Send plain rows; put the time of the first one, and of the slowest in the end.

    The slowest takes infinitely long if one is refused.
    """
    body = NUMNET.body
    head = f"POST {NUMNET.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    slowest = 0.0
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as connection:
        for number in range(sys.maxsize):
            begun = time.perf_counter()
            connection.sendall(request)
            answered = connection.recv(65_536).startswith(b"HTTP/1.1 200")
            took = time.perf_counter() - begun if answered else math.inf
            if number == 0:
                waits.put(took)
            slowest = max(slowest, took)
            if ended.wait(PAUSE_SECONDS) or not answered:
                break
    waits.put(slowest)


def main(names: list[str]) -> None:
    os.sched_setaffinity(0, {LOAD_CORE})
    verdicts = Verdicts()
    print(machine("flask", "numpy", "orjson"))
    print("\n| body | clients | s | responses | | MB | bar | | ms of a plain row | bar | |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        train(Path(folder))
        for name, clients in itertools.product(names or BODIES, CLIENTS):
            body = BODIES[name]
            seen = measure(Path(folder), body, clients)
            answers = ", ".join(f"{count} × {status}" for status, count in seen.statuses.items())
            expected = verdicts.note(seen.statuses.keys() <= EXPECTED[body.hostile])
            memory = verdicts.at_most([seen.megabytes], MAX_MEGABYTES)
            wait = verdicts.at_most([seen.milliseconds], MAX_MILLISECONDS)
            print(
                f"| {name} | {clients} | {seen.seconds:.1f} | {answers} | {expected} | "
                f"{seen.megabytes:,.0f} | {memory} | {seen.milliseconds:,.0f} | {wait} |",
                flush=True,
            )
    sys.exit(min(verdicts.missed, 100))


if __name__ == "__main__":
    main(sys.argv[1:])
