"""numnet beside MLServer, BentoML, FastAPI, Flask and a bare WSGI constant, on the same weights.

All servers run all the time, one worker each, on one core; the load drives them in turn from the
other, in short bursts, so that what else the machine does hits all. A ratio is that of paired
bursts.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks.load import wrk
from benchmarks.report import Verdicts, machine, spread
from benchmarks.servers import weights
from benchmarks.servers.contestants import (
    BENTOML,
    CONSTANT,
    FASTAPI,
    FLASK,
    GTHREAD_CONSTANT,
    MLSERVER,
    NUMNET,
    RIVALS,
    ROW,
    Contestant,
    Server,
    prepare,
    running,
)
from benchmarks.serving import many_rows

CONNECTIONS = (1, 8, 32)
BURSTS = 11
WARM_UP_SECONDS = 2
TOLERANCE = 1e-9

RATE_BARS = {  # numnet's requests/s, at least this many times the other's
    GTHREAD_CONSTANT: 0.85,
    CONSTANT: 0.85,
    FASTAPI: 1.0,
    BENTOML: 6.0,
    MLSERVER: 3.0,
}
P99_BARS = {MLSERVER: 1 / 3}  # numnet's p99, at most this share of the other's
PACKAGES = {
    FASTAPI: ("fastapi", "pydantic", "uvicorn", "uvloop", "httptools", "numpy"),
    FLASK: ("flask", "marshmallow", "gunicorn", "numpy"),
    BENTOML: ("bentoml", "pydantic", "uvicorn", "numpy"),
    MLSERVER: ("mlserver", "scikit-learn", "pydantic", "uvicorn", "numpy"),
}
MEMORY_BAR = 1 / 2  # numnet's with two workers, of MLServer's


def check_answers(servers: list[Server], layers: weights.Layers) -> None:
    """End the benchmark unless all answer the row with the same number."""
    expected = weights.predict(layers, np.array([[*ROW.values()]])).item()
    for server in servers:
        if abs(server.prediction() - expected) > TOLERANCE:
            sys.exit(f"{server.contestant.name} answers {server.prediction()}, not {expected}")
    names = ", ".join(server.contestant.name for server in servers)
    print(f"{names} answer the row with {expected:.12f}, within {TOLERANCE:g}")


def one_row(servers: list[Server], verdicts: Verdicts) -> None:
    """Requests/s and p99 of one row as JSON, over 1, 8 and 32 connections."""
    print("\n### One row\n")
    print(
        f"median [quartiles] of {BURSTS} bursts of 1 s; p99 in ms; core: µs of processor time that "
        "the server takes for a request\n"
    )
    print(
        "| connections | | requests/s | numnet's ÷ it | bar | "
        "| p99 | numnet's ÷ it | bar | | core |"
    )
    print("|" + "---|" * 11)
    for connections in CONNECTIONS:
        for server in servers:
            wrk.burst(server, connections)  # warm up
        turns = [{s.contestant: wrk.burst(s, connections) for s in servers} for _ in range(BURSTS)]
        for server in servers:
            it = server.contestant
            rates = [turn[NUMNET].rate / turn[it].rate for turn in turns]
            p99s = [turn[NUMNET].p99 / turn[it].p99 for turn in turns]
            print(
                f"| {connections} | {it.name} | {spread([t[it].rate for t in turns], ',.0f')} | "
                f"{'' if it is NUMNET else spread(rates)} | "
                f"{verdicts.at_least(rates, RATE_BARS.get(it))} | "
                f"{spread([t[it].p99 for t in turns])} | {'' if it is NUMNET else spread(p99s)} | "
                f"{verdicts.at_most(p99s, P99_BARS.get(it))} | "
                f"{spread([t[it].core for t in turns], ',.0f')} |",
                flush=True,
            )


def memory(folder: Path, verdicts: Verdicts) -> None:
    """MB of each server on its own, after the same warm-up."""
    print("\n### Memory\n")
    print(
        f"PSS of all processes of a server that runs alone, after {WARM_UP_SECONDS} s of one-row "
        "requests over 32 connections\n"
    )
    print("| | workers | MB | numnet's ÷ it | bar | |\n|---|---|---|---|---|---|")
    ours = {workers: _megabytes(NUMNET, folder, workers) for workers in (1, 2)}
    for workers, megabytes in ours.items():
        print(f"| numnet | {workers} | {megabytes:.0f} | | | |", flush=True)
    for rival in RIVALS:
        megabytes, workers = _megabytes(rival, folder, 1), 2 if rival is MLSERVER else 1
        ratio = [ours[workers] / megabytes]
        print(
            f"| {rival.name} | {'none' if rival is MLSERVER else 1} | {megabytes:.0f} | "
            f"{ratio[0]:.2f}{' with two workers' if workers == 2 else ''} | "
            f"{verdicts.at_most(ratio, MEMORY_BAR if rival is MLSERVER else None)} |",
            flush=True,
        )


def _megabytes(contestant: Contestant, folder: Path, workers: int) -> float:
    with running(contestant, folder, workers) as server:
        wrk.burst(server, 32, WARM_UP_SECONDS)
        return server.megabytes()


def _versions(contestant: Contestant, *packages: str) -> str:
    """Versions in a rival's own environment."""
    program = "import sys, importlib.metadata as m; print(*(m.version(n) for n in sys.argv[1:]))"
    python = str(Path(contestant.command[0]).with_name("python"))
    command = [python, "-c", program, *packages]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return ", ".join(f"{name} {version}" for name, version in zip(packages, found, strict=True))


def main() -> None:
    wrk.require("wrk", "taskset")
    verdicts = Verdicts()
    print(machine("gunicorn", "flask", "orjson", "numpy"))
    for contestant, packages in PACKAGES.items():
        print(f"{contestant.name}: {_versions(contestant, *packages)}")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        layers = prepare(folder)
        with ExitStack() as stack:
            constants = [
                stack.enter_context(running(each, folder)) for each in (GTHREAD_CONSTANT, CONSTANT)
            ]
            networks = [stack.enter_context(running(each, folder)) for each in (NUMNET, *RIVALS)]
            check_answers(networks, layers)
            one_row([*constants, *networks], verdicts)
            many_rows.measure(networks, folder, verdicts)
        memory(folder, verdicts)
    sys.exit(verdicts.missed)


if __name__ == "__main__":
    main()
