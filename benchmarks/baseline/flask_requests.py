"""Processor time of requests that go through Flask."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.baseline.sides import Side
from benchmarks.load import wrk
from benchmarks.report import Verdicts, spread
from benchmarks.servers.running import Server

CONNECTIONS = 8
BAR = 1.1
REQUESTS: dict[str, dict[str, Any]] = {
    "GET /models": {"method": "GET", "path": "/models", "body": b""},
    "POST /predict?interval=0.9": {"path": "/predict?interval=0.9"},
    'POST /predict {"instances": [row]}': {
        "body": b'{"instances": [{"x1": 0.1, "x2": 0.2, "x3": 0.3, "x4": 0.4}]}'
    },
}


def measure(new: Side, old: Side, bursts: int, verdicts: Verdicts) -> None:
    """Print the processor time per request."""
    print("\n### Requests through Flask\n")
    print(
        f"µs of processor time per request over {CONNECTIONS} connections, user and system, of all "
        f"processes of the server; median [quartiles] of {bursts} bursts of 1 s\n"
    )
    print("| | new | old | new ÷ old | bar | |\n|---|---|---|---|---|---|")
    with new.server() as ours, old.server() as theirs:
        for name, request in REQUESTS.items():
            found = _bursts([_with_request(each, request) for each in (ours, theirs)], bursts)
            ratios = [mine / other for mine, other in zip(*found, strict=True)]
            print(
                f"| {name} | {spread(found[0], ',.0f')} | {spread(found[1], ',.0f')} | "
                f"{spread(ratios)} | {verdicts.at_most(ratios, BAR)} |",
                flush=True,
            )


def _with_request(server: Server, request: Mapping[str, Any]) -> Server:
    return replace(server, program=replace(server.program, **request))


def _bursts(servers: Sequence[Server], bursts: int) -> list[list[float]]:
    """Return the processor time per request of each server's bursts, taken in turns."""
    found: list[list[float]] = [[] for _ in servers]
    for server in servers:
        wrk.burst(server, CONNECTIONS)  # warm up
    order = list(enumerate(servers))
    for _ in range(bursts):
        for index, server in order:
            found[index].append(wrk.burst(server, CONNECTIONS).cpu)
        order.reverse()
    return found
