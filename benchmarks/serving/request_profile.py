"""Where the processor time of a one-row request goes: its parts, each repeated alone.

`parts` takes a plain row through `service.server.connection.protocol.Protocol` in this process,
with a transport that sends nothing, and repeats what the fast path does part by part. What remains
of the processor time per request of a whole service is the event loop and the kernel.
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
from service.server.connection.protocol import Protocol
from service.server.front_door import FrontDoor
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
IN_PROCESS = "from bytes received to bytes to send"


class NullTransport(asyncio.Transport):
    """Sends nothing."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0


def parts(services: Services, protocol: Protocol) -> dict[str, Callable[[], Any]]:
    """Return the parts of a request, each of which can be repeated alone."""
    version = services.models.default.current_version.if_unchanged()
    assert version
    values = version.reader.plain_row(NUMNET.body)
    assert values
    context = RequestContext("POST", "/predict", "127.0.0.1", "id")
    row = predict_row(version, values, context)
    return {
        IN_PROCESS: lambda: protocol.data_received(REQUEST),
        "– of this, look for a promotion": services.models.default.current_version.if_unchanged,
        "– of this, parse and check the JSON": lambda: version.reader.plain_row(NUMNET.body),
        "– of this, predict": lambda: predict_row(version, values, context),
        "– of this, write the JSON": lambda: json_rows.one_row(version, row),
        "– of this, the access log's line": lambda: access_log.line(context, 200, 60, 0.0001),
    }


class ServerProcess:
    """The application and the HTTP server of a server process, in this process.

    Parameters
    ----------
    folder : of the models
    """

    def __init__(self, folder: Path) -> None:
        os.environ |= {
            "NUMNET_MODELS": str(folder / "models"),
            "NUMNET_STATE": str(folder / "state"),
        }
        settings = Settings.from_environment()
        application = load_service(settings, Telemetry.of_single_process())
        self._config = uvicorn_config(FrontDoor(application, limits_of(settings)), backlog=1)
        self._config.load()
        self._services = services_of(cast("Flask", application.wsgi))

    async def microseconds(self) -> dict[str, float]:
        """Return the mean processor time of each part over many repetitions."""
        protocol = Protocol(config=self._config, server_state=ServerState(), app_state={})
        protocol.connection_made(NullTransport())
        spent = {}
        for name, part in parts(self._services, protocol).items():
            begun = time.thread_time_ns()
            for _ in range(REPETITIONS):
                part()
            spent[name] = (time.thread_time_ns() - begun) / REPETITIONS / 1000.0
        return spent


@contextmanager
def stdout_discarded() -> Iterator[None]:
    """Discard standard output: the repetitions write lines to the access log."""
    kept = os.dup(1)
    with Path(os.devnull).open("wb") as null:
        os.dup2(null.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def measure() -> list[tuple[float, dict[str, float]]]:
    """Return the processor time of a whole service and of the parts, turn by turn."""
    measured = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        train(folder)
        os.sched_setaffinity(0, {SERVER_CORE})
        process = ServerProcess(folder)
        with running(NUMNET, folder) as server, asyncio.Runner() as runner:
            gc.freeze()
            wrk.burst(server, CONNECTIONS)
            for _ in range(TURNS):
                whole = wrk.burst(server, CONNECTIONS).cpu
                with stdout_discarded():
                    measured.append((whole, runner.run(process.microseconds())))
    return measured


def main() -> None:
    wrk.require("wrk", "taskset")
    print(machine("gunicorn", "uvicorn", "orjson", "numpy"), flush=True)
    service, turns = zip(*measure(), strict=True)
    print(
        f"µs of processor time, median [quartiles] of {TURNS} turns; the whole: of a service, over "
        f"{CONNECTIONS} connections\n"
    )
    print("| | µs | of the whole |\n|---|---|---|")

    def row(part: str, values: Sequence[float]) -> None:
        shares = [value / whole for value, whole in zip(values, service, strict=True)]
        print(f"| {part} | {spread(values, '.1f')} | {statistics.median(shares):.0%} |")

    for part in turns[0]:
        row(part, [turn[part] for turn in turns])
    inside = [turn[IN_PROCESS] for turn in turns]
    row("event loop and kernel", [all_ - part for all_, part in zip(service, inside, strict=True)])
    row("the whole", service)


if __name__ == "__main__":
    main()
