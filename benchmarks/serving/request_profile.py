"""Where the time of a one-row request goes: the parts of its way through a worker, one by one.

`way` goes the way of `service.worker.Worker` for a plain row, in this process and over a TCP
connection of its own, and says after each part what it was. What remains of the processor time
that a request takes a whole service is the loop, which waits for many connections, and caches that
are busier.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import gc
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cores import SERVER_CORE
from benchmarks.load import wrk
from benchmarks.report import machine, spread
from benchmarks.servers.programs import NUMNET
from benchmarks.servers.running import running, train
from config import Settings
from service.__main__ import Server
from service.app import Application, create_app
from service.formats import json_rows
from service.model.prediction import predict_row
from service.server.connection import Connection
from service.server.heads import Heads
from service.server.refusal import status_line
from service.services import services_of
from service.telemetry import access_log
from service.telemetry.request_context import RequestContext

REPETITIONS, TURNS = 2_000, 15
CONNECTIONS = 32
HEAD = (
    "POST /predict HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(NUMNET.body)}\r\n\r\n"
)
REQUEST = HEAD.encode() + NUMNET.body
CLIENT = "the client"  # whose time is not counted
ANSWER, ALONE = "answer the row", "predict alone, once more"


@dataclass(frozen=True)
class Worker:
    """What a worker has at hand when a request comes."""

    application: Application
    connection: Connection
    client: socket.socket
    log: int


def way(worker: Worker, in_detail: bool) -> Iterator[str]:
    """One request and its answer; the name of each part, once it is over.

    Parameters
    ----------
    in_detail : the parts of `ANSWER` in its place
    """
    worker.client.sendall(REQUEST)
    yield CLIENT
    connection = worker.connection
    connection.receive()
    yield "recv"
    message = connection.incoming.message()
    assert message
    yield "find the request, whose head is known"
    environ = message.head.environ.copy()
    environ["REMOTE_PORT"] = connection.port
    yield "environ"
    if in_detail:
        version = services_of(worker.application).current_version.current()
        assert version
        yield "look for a promotion"
        values = version.reader.plain_row(message.body)
        assert values
        yield "parse and check the JSON"
        y, out_of_range = predict_row(version, values, RequestContext("", "", "", ""))
        json_rows.one_row(version, y, out_of_range)
        yield "predict, write the JSON"
        version.model.predict_row(values)
        yield ALONE
    answer = worker.application.at_once(environ, message.body)
    assert answer
    yield ANSWER
    whole = status_line("200 OK", True) + answer[0] + b"\r\n" + answer[1]
    yield "the answer's first lines"
    connection.send(whole)
    yield "send"
    connection.answered()
    yield "ready for the next"
    context = RequestContext.from_environ(environ)
    line = access_log.line(context, 200, len(answer[1]), 0.0001)
    yield "the access log's line"
    os.write(worker.log, line)
    yield "write it"
    worker.client.recv(65536)
    yield CLIENT


def microseconds(worker: Worker, in_detail: bool) -> dict[str, float]:
    """Mean of each part over many requests, less what the clock and the generator take."""
    names = list(way(worker, in_detail))
    spent = _spent(lambda: way(worker, in_detail), len(names))
    cost = statistics.fmean(_spent(lambda: iter(names), len(names)))
    found = zip(names, spent, strict=True)
    return {name: max(0.0, ns - cost) / 1000.0 for name, ns in found if name != CLIENT}


def _spent(parts: Callable[[], Iterator[str]], count: int) -> list[float]:
    """Nanoseconds of this thread's time for each part."""
    spent, clock = [0] * count, time.thread_time_ns
    for _ in range(REPETITIONS):
        begun = clock()
        for index, _ in enumerate(parts()):
            ended = clock()
            spent[index] += ended - begun
            begun = clock()
    return [ns / REPETITIONS for ns in spent]


@contextmanager
def worker_here(folder: Path) -> Iterator[Worker]:
    """A worker's belongings in this process, with one client."""
    os.environ |= {"NUMNET_MODELS": str(folder / "models"), "NUMNET_STATE": str(folder / "state")}
    settings = Settings.from_environment()
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        Path(os.devnull).open("wb") as log,
    ):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        accepted, address = listener.accept()
        heads = Heads(Server(settings).cfg, listener.getsockname())
        connection = Connection(accepted, address, heads, settings.max_body_bytes)
        yield Worker(create_app(settings), connection, client, log.fileno())
        connection.close()


def main() -> None:
    wrk.require("wrk", "taskset")
    print(machine("gunicorn", "orjson", "numpy"))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        train(folder)
        os.sched_setaffinity(0, {SERVER_CORE})
        with running(NUMNET, folder) as server, worker_here(folder) as worker:
            gc.freeze()
            wrk.burst(server, CONNECTIONS)
            measured = [
                (
                    wrk.burst(server, CONNECTIONS).cpu,
                    microseconds(worker, in_detail=False),
                    microseconds(worker, in_detail=True),
                )
                for _ in range(TURNS)
            ]
    service, turns, detail = zip(*measured, strict=True)
    print(
        f"µs of processor time, median [quartiles] of {TURNS} turns; the whole: of a service, over "
        f"{CONNECTIONS} connections\n"
    )
    print("| | µs | of the whole |\n|---|---|---|")

    def row(part: str, values: Sequence[float]) -> None:
        shares = [value / total for value, total in zip(values, service, strict=True)]
        print(f"| {part} | {spread(values, '.1f')} | {statistics.median(shares):.0%} |")

    for part in turns[0]:
        row(part, [turn[part] for turn in turns])
        if part == ANSWER:
            for each in [each for each in detail[0] if each not in turns[0]]:
                row(f"– of this, {each}", [turn[each] for turn in detail])
    sums = [sum(turn.values()) for turn in turns]
    row("all of these", sums)
    row("what remains", [all_of_it - known for all_of_it, known in zip(service, sums, strict=True)])
    row("the whole", service)


if __name__ == "__main__":
    main()
