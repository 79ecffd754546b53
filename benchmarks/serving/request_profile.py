"""Where the time of a one-row request goes: the parts of its way through a server process.

`parts` takes a plain row through `service.server.protocol.Protocol` in this process, with a
transport that sends nothing, and repeats what the fast path does part by part. The rest of the
processor time that a request takes in a real service is the event loop and the kernel.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from flask import Flask
from uvicorn.server import ServerState

from benchmarks.cores import SERVER_CORE
from benchmarks.load import wrk
from benchmarks.report import machine, spread
from benchmarks.servers.programs import NUMNET
from benchmarks.servers.running import running, train
from config import Settings
from service.__main__ import limits_of, load_service
from service.formats import json_rows
from service.model.prediction import predict_row
from service.server.front_door import FrontDoor
from service.server.protocol import Protocol
from service.server.worker import uvicorn_config
from service.services import Services, services_of
from service.telemetry import access_log
from service.telemetry.request_context import RequestContext
from service.telemetry.telemetry import Telemetry

REPETITIONS, TURNS = 2_000, 15
CONNECTIONS = 32
HEAD = (
    "POST /predict HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(NUMNET.body)}\r\n\r\n"
)
REQUEST = HEAD.encode() + NUMNET.body
WHOLE = "from bytes received to bytes to send"


class NullTransport(asyncio.Transport):
    """Sends nothing."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0


@dataclass(frozen=True)
class Connection:
    """A connection of a server process in this process."""

    services: Services
    protocol: Protocol


def parts(connection: Connection) -> dict[str, Callable[[], Any]]:
    """Return the parts of a request, each of which can be repeated alone."""
    version = connection.services.current_version.if_unchanged()
    assert version
    values = version.reader.plain_row(NUMNET.body)
    assert values
    context = RequestContext("POST", "/predict", "127.0.0.1", "id")
    y, out_of_range = predict_row(version, values, context)
    return {
        WHOLE: lambda: connection.protocol.data_received(REQUEST),
        "look for a promotion": connection.services.current_version.if_unchanged,
        "parse and check the JSON": lambda: version.reader.plain_row(NUMNET.body),
        "predict": lambda: predict_row(version, values, context),
        "write the JSON": lambda: json_rows.one_row(version, y, out_of_range),
        "the access log's line": lambda: access_log.line(context, 200, 60, 0.0001),
    }


def microseconds(connection: Connection) -> dict[str, float]:
    """Return the mean processor time of each part over many repetitions."""
    return {name: _spent(part) for name, part in parts(connection).items()}


def _spent(part: Callable[[], Any]) -> float:
    begun = time.thread_time_ns()
    for _ in range(REPETITIONS):
        part()
    return (time.thread_time_ns() - begun) / REPETITIONS / 1000.0


@contextmanager
def connection_here(folder: Path) -> Iterator[Connection]:
    """Yield a connection of a server process in this process."""
    os.environ |= {"NUMNET_MODELS": str(folder / "models"), "NUMNET_STATE": str(folder / "state")}
    settings = Settings.from_environment()
    telemetry = Telemetry.of_single_process()
    application = load_service(settings, telemetry)
    config = uvicorn_config(FrontDoor(application, limits_of(settings)), backlog=1)
    config.load()
    with asyncio.Runner() as runner:

        async def connect() -> Protocol:
            protocol = Protocol(config=config, server_state=ServerState(), app_state={})
            protocol.connection_made(NullTransport())
            return protocol

        yield Connection(services_of(cast("Flask", application.wsgi)), runner.run(connect()))


def main() -> None:
    wrk.require("wrk", "taskset")
    print(machine("gunicorn", "orjson", "numpy"))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        train(folder)
        os.sched_setaffinity(0, {SERVER_CORE})
        with running(NUMNET, folder) as server, connection_here(folder) as connection:
            gc.freeze()
            wrk.burst(server, CONNECTIONS)
            measured = [
                (
                    wrk.burst(server, CONNECTIONS).cpu,
                    microseconds(connection),
                )
                for _ in range(TURNS)
            ]
    service, turns = zip(*measured, strict=True)
    print(
        f"µs of processor time, median [quartiles] of {TURNS} turns; the whole: of a service, over "
        f"{CONNECTIONS} connections\n"
    )
    print("| | µs | of the whole |\n|---|---|---|")

    def row(part: str, values: Sequence[float]) -> None:
        shares = [value / total for value, total in zip(values, service, strict=True)]
        print(f"| {part} | {spread(values, '.1f')} | {statistics.median(shares):.0%} |")

    for part in turns[0]:
        row(part if part == WHOLE else f"– of this, {part}", [turn[part] for turn in turns])


if __name__ == "__main__":
    main()
