"""numnet beside MLServer, BentoML, FastAPI, Flask and a constant response, on the same weights."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks.load import wrk
from benchmarks.report import Verdicts, machine
from benchmarks.servers import weights
from benchmarks.servers.programs import (
    BENTOML,
    CONSTANT,
    FASTAPI,
    FLASK,
    GTHREAD_CONSTANT,
    MLSERVER,
    NUMNET,
    RIVALS,
    ROW,
    ServerProgram,
)
from benchmarks.servers.running import Server, prepare_rivals, running, train
from benchmarks.serving import many_rows, one_row

BURSTS = 11
WARM_UP_SECONDS = 2
TOLERANCE = 1e-9

RATE_BARS = {  # numnet's requests/s ÷ the other's, at least
    GTHREAD_CONSTANT: 0.85,
    CONSTANT: 0.85,
    FASTAPI: 2.2,
    BENTOML: 6.0,
    MLSERVER: 8.0,
}
P99_BARS = {MLSERVER: 1 / 3}  # numnet's p99 ÷ the other's, at most
MEMORY_BAR = 1 / 2  # numnet's with two processes ÷ MLServer's, at most
PACKAGES = {
    FASTAPI: ("fastapi", "pydantic", "uvicorn", "uvloop", "httptools", "numpy"),
    FLASK: ("flask", "marshmallow", "gunicorn", "numpy"),
    BENTOML: ("bentoml", "pydantic", "uvicorn", "numpy"),
    MLSERVER: ("mlserver", "scikit-learn", "pydantic", "uvicorn", "numpy"),
}


def check_predictions(servers: Sequence[Server], layers: weights.Layers) -> None:
    """Exit unless all servers predict the same number for the row."""
    expected = weights.predict(layers, np.array([[*ROW.values()]])).item()
    for server in servers:
        if abs(server.prediction() - expected) > TOLERANCE:
            sys.exit(f"{server.program.name} predicts {server.prediction()}, not {expected}")
    names = ", ".join(server.program.name for server in servers)
    print(f"{names} predict {expected:.12f} for the row, within {TOLERANCE:g}")


def package_versions(program: ServerProgram) -> str:
    """Return the versions of a rival's packages, as installed in its own environment."""
    script = "import sys, importlib.metadata as m; print(*(m.version(n) for n in sys.argv[1:]))"
    python = str(Path(program.command[0]).with_name("python"))
    command = [python, "-c", script, *PACKAGES[program]]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    versions = zip(PACKAGES[program], found, strict=True)
    return f"{program.name}: {', '.join(f'{name} {version}' for name, version in versions)}"


def measure_memory(folder: Path, verdicts: Verdicts) -> None:
    """Print the memory of each server, which runs alone, after the same warm-up."""
    print("\n### Memory\n")
    print(
        f"PSS of all processes of a server that runs alone, after {WARM_UP_SECONDS} s of one-row "
        "requests over 32 connections\n"
    )
    print("| | processes | MB | numnet ÷ it | bar | |\n|---|---|---|---|---|---|")
    ours = {processes: _megabytes(NUMNET, folder, processes) for processes in (1, 2)}
    for processes, megabytes in ours.items():
        print(f"| numnet | {processes} | {megabytes:.0f} | | | |", flush=True)
    for rival in RIVALS:
        megabytes, processes = _megabytes(rival, folder, 1), 2 if rival is MLSERVER else 1
        ratio = [ours[processes] / megabytes]
        print(
            f"| {rival.name} | 1 | {megabytes:.0f} | "
            f"{ratio[0]:.2f}{' with two processes' if processes == 2 else ''} | "
            f"{verdicts.at_most(ratio, MEMORY_BAR if rival is MLSERVER else None)} |",
            flush=True,
        )


def _megabytes(program: ServerProgram, folder: Path, processes: int) -> float:
    with running(program, folder, processes) as server:
        wrk.burst(server, 32, WARM_UP_SECONDS)
        return server.megabytes()


def main() -> None:
    wrk.require("wrk", "taskset")
    verdicts = Verdicts()
    print(machine("gunicorn", "flask", "orjson", "numpy"))
    for rival in RIVALS:
        print(package_versions(rival))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        train(folder)
        layers = prepare_rivals(folder)
        with ExitStack() as stack:
            constants = [
                stack.enter_context(running(each, folder)) for each in (GTHREAD_CONSTANT, CONSTANT)
            ]
            models = [stack.enter_context(running(each, folder)) for each in (NUMNET, *RIVALS)]
            check_predictions(models, layers)
            one_row.measure(
                [*constants, *models],
                NUMNET,
                verdicts,
                bursts=BURSTS,
                rate_bars=RATE_BARS,
                p99_bars=P99_BARS,
            )
            many_rows.measure(models, folder, verdicts)
        measure_memory(folder, verdicts)
    sys.exit(verdicts.missed)


if __name__ == "__main__":
    main()
