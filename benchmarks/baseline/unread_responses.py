"""Latency of a small request while clients do not read the long responses they asked for.

Every row has an interval and values outside the training range, which make a response of 11 MB:
more than the server and the sockets buffer, so that it has to wait for its client.
"""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import requests

from benchmarks.baseline.sides import Side
from benchmarks.report import Verdicts
from benchmarks.servers.running import Server
from benchmarks.waiting import wait_until

CLIENTS, ROWS = 8, 100_000
RECEIVE_BUFFER_BYTES = 4096
IDLE_SECONDS = 0.5  # without processor time: all responses are made
MEASURED_SECONDS, EVERY_SECONDS = 4.0, 0.1
TIMEOUT_SECONDS = 60
BAR_MILLISECONDS = 100.0


def measure(new: Side, old: Side, verdicts: Verdicts) -> None:
    """Print the slowest `GET /models` beside the clients."""
    print("\n### Long responses that are not read\n")
    print(
        f"{CLIENTS} clients that send {ROWS:,} rows each and read no byte of the response; slowest "
        f"GET /models within {MEASURED_SECONDS:g} s, in ms; one server process\n"
    )
    print("| | without | beside them | bar | |\n|---|---|---|---|---|")
    body = _body()
    for side in (new, old):
        with side.server() as server:
            without = _slowest(server)
            with _clients(server, body):
                beside = _slowest(server)
        bar = verdicts.at_most([beside], BAR_MILLISECONDS if side is new else None)
        print(f"| {side.name} | {without:.1f} | {beside:,.1f} | {bar} |", flush=True)


def _body() -> bytes:
    X = np.random.default_rng(0).integers(2000, 3001, (ROWS, 4)) / 1000.0
    return json.dumps({"instances": X.tolist()}).encode()


@contextmanager
def _clients(server: Server, body: bytes) -> Iterator[None]:
    """Have clients whose responses are made but not read, until the block ends."""
    head = (
        "POST /predict?interval=0.9 HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            client.connect(("127.0.0.1", server.port))
            client.sendall(head.encode() + body)
        wait_until(lambda: _is_idle(server))
        yield


def _is_idle(server: Server) -> bool:
    before = server.processor_seconds()
    time.sleep(IDLE_SECONDS)
    return server.processor_seconds() - before <= 0.02


def _slowest(server: Server) -> float:
    """Return the slowest of some requests one after the other, in ms."""
    slowest, end = 0.0, time.monotonic() + MEASURED_SECONDS
    while (begun := time.monotonic()) < end:
        response = requests.get(f"http://127.0.0.1:{server.port}/models", timeout=TIMEOUT_SECONDS)
        slowest = max(slowest, time.monotonic() - begun)
        response.raise_for_status()
        time.sleep(EVERY_SECONDS)
    return 1000.0 * slowest
