"""Requests/s of one row of a table: of an ensemble and of one network, plain and with certainty.

Both services run at the same time with one process each, on one core. wrk sends from the other one,
to one after the other in short bursts. Ratios are computed within a turn.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.load import wrk
from benchmarks.report import Verdicts, spread
from benchmarks.repository import ROOT
from benchmarks.servers.programs import NUMNET
from benchmarks.servers.running import Server, running
from benchmarks.tables.datasets import DATASETS

TABLE = "boston"
CONNECTIONS, TURNS = 8, 9
ONE_NETWORK, ENSEMBLE = "one network", "ensemble"
SOLVERS = {ONE_NETWORK: "levenberg-marquardt", ENSEMBLE: "ensemble"}
QUERIES = {"plain": "", "interval": "?interval=0.9", "explain": "?explain=true"}
LEAST_RATE = {ENSEMBLE: 0.6}  # of one network's, plain
MOST_TIME = {"interval": 1.25, "explain": 3.0}  # of a plain request's processor time
Measured = dict[tuple[str, str], list[float]]  # of each turn, by model and request


def served(verdicts: Verdicts) -> Iterator[str]:
    """Yield the lines on requests/s and processor time, with their bars."""
    wrk.require("wrk", "taskset")
    with tempfile.TemporaryDirectory() as folder:
        rates, times = _measure(Path(folder))
    yield (
        f"One row of {TABLE} by HTTP over {CONNECTIONS} connections, median [quartiles] of "
        f"{TURNS} bursts of 1 s; processor time of the server per request\n"
    )
    yield "| model | request | requests/s | ÷ one network's | bar | | µs | ÷ plain | bar | |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for model in SOLVERS:
        for query in QUERIES:
            own, plain = times[model, query], times[model, "plain"]
            to_network = _ratios(rates[model, query], rates[ONE_NETWORK, query])
            to_plain = _ratios(own, plain)
            least = LEAST_RATE.get(model) if query == "plain" else None
            yield (
                f"| {model} | {query} | {spread(rates[model, query], ',.0f')} | "
                f"{spread(to_network)} | {verdicts.at_least(to_network, least)} | "
                f"{statistics.median(own):.0f} | {spread(to_plain)} | "
                f"{verdicts.at_most(to_plain, MOST_TIME.get(query))} |"
            )
    yield ""


def _measure(folder: Path) -> tuple[Measured, Measured]:
    """Return requests/s and µs of processor time of processor time."""
    dataset = DATASETS[TABLE]
    texts = dataset.texts()
    target = texts.header.index(dataset.target)
    path = folder / "table.csv"
    path.write_text(texts.as_csv(np.arange(len(texts.rows))), encoding="utf-8")
    row = {
        name: float(cell)
        for name, cell in zip(texts.header, texts.rows[0], strict=True)
        if name != texts.header[target]
    }
    program = replace(NUMNET, body=json.dumps(row).encode())
    for model, solver in SOLVERS.items():
        _train(path, dataset.target, solver, folder / model)
    rates: Measured = {(model, query): [] for model in SOLVERS for query in QUERIES}
    times: Measured = {key: [] for key in rates}
    with (
        running(program, folder / ONE_NETWORK) as network,
        running(program, folder / ENSEMBLE) as ensemble,
    ):
        servers = {ONE_NETWORK: network, ENSEMBLE: ensemble}
        for turn in range(-1, TURNS):  # the first one warms up
            for model, query in sorted(rates, reverse=turn % 2 == 1):
                burst = wrk.burst(_asked(servers[model], query), CONNECTIONS)
                if turn >= 0:
                    rates[model, query].append(burst.rate)
                    times[model, query].append(burst.cpu)
    return rates, times


def _asked(server: Server, query: str) -> Server:
    """Return the server with the query in its requests."""
    path = server.program.path + QUERIES[query]
    return replace(server, program=replace(server.program, path=path))


def _train(table: Path, target: str, solver: str, folder: Path) -> None:
    command = [sys.executable, "trainer/train.py", "--data", str(table), "--target", target]
    command += ["--solver", solver, "--models", str(folder / "models"), "--force-promote"]
    folder.mkdir()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def _ratios(these: list[float], those: list[float]) -> list[float]:
    return [this / that for this, that in zip(these, those, strict=True)]
