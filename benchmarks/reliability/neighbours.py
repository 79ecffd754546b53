"""Two models in one service: large tables flood one, and plain rows of the other wait for it.

One server process on one core; the load comes from the other. Each round measures the plain rows
without the flood and with it.
"""

import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.cores import LOAD_CORE
from benchmarks.load.flood import Load, capacity, flood
from benchmarks.load.steady_rate import send_steadily
from benchmarks.report import Verdicts, machine, spread
from benchmarks.servers.programs import NUMNET, ROW
from benchmarks.servers.running import running, train

NEIGHBOUR = "neighbour"  # the model that is flooded
ROWS, CONNECTIONS, TIMES_CAPACITY = 10_000, 100, 4
CAPACITY_CONNECTIONS, CAPACITY_SECONDS = 4, 3.0
ROUNDS, SECONDS, RATE = 5, 4.0, 100.0
RATIO_BAR = 2.0  # p99 with the flood ÷ without it


@dataclass(frozen=True)
class Rows:
    """Requests with one row each.

    Attributes
    ----------
    bar : p99 with the flood ÷ p99 without it, at most
    """

    name: str
    body: bytes
    bar: float | None = None


PLAIN = Rows("plain", NUMNET.body, RATIO_BAR)  # answered on the event loop
IN_THREAD = Rows("in a thread", json.dumps({"instances": [ROW]}).encode())


def tables() -> dict[str, bytes]:
    """Return requests with the same table in several formats."""
    X = np.random.default_rng(0).uniform(-1.0, 1.0, (ROWS, 4))
    names = ("x1", "x2", "x3", "x4")
    lines = "\n".join(",".join(map(str, row)) for row in X.tolist())
    tensor = {"name": "input", "shape": list(X.shape), "datatype": "FP64", "data": X.tolist()}
    predict, infer = f"/models/{NEIGHBOUR}/predict", f"/v2/models/{NEIGHBOUR}/infer"
    return {
        "JSON": _request(predict, "application/json", json.dumps({"instances": X.tolist()})),
        "CSV": _request(predict, "text/csv", f"{','.join(names)}\n{lines}\n"),
        "V2": _request(infer, "application/json", json.dumps({"inputs": [tensor]})),
    }


def _request(path: str, media_type: str, body: str) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    fields = f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + fields + body).encode()


def measure(port: int, name: str, request: bytes, rows: Rows, verdicts: Verdicts) -> None:
    """Print the line of one format and one kind of rows."""
    rate = capacity(port, request, CAPACITY_CONNECTIONS, CAPACITY_SECONDS)
    load = Load(port, request, TIMES_CAPACITY * rate, CONNECTIONS)
    without: list[NDArray[np.float64]] = []
    beside: list[NDArray[np.float64]] = []
    answers: list[Counter[str]] = []
    for _ in range(ROUNDS):
        without.append(_latencies(port, rows))
        with flood(load) as responses:
            beside.append(_latencies(port, rows))
        answers.append(responses.get())
    medians = [_percentiles(rounds, 50) for rounds in (without, beside)]
    worst = [_percentiles(rounds, 99) for rounds in (without, beside)]
    ratios = [after / before for before, after in zip(*worst, strict=True)]
    lost = int(np.isinf(np.concatenate(without + beside)).sum())
    flooded = sum(answers, Counter[str]())
    statuses = ", ".join(f"{count:,} × {status}" for status, count in sorted(flooded.items()))
    print(
        f"| {name} | {rows.name} | {rate:.0f} | {statuses} | "
        f"{spread(medians[0])} | {spread(medians[1])} | {spread(worst[0])} | {spread(worst[1])} | "
        f"{spread(ratios)} | {verdicts.at_most(ratios, rows.bar)} | "
        f"{lost} | {verdicts.at_most([lost], 0)} |",
        flush=True,
    )


def _latencies(port: int, rows: Rows) -> NDArray[np.float64]:
    """Return the latencies of rows of the default model, in ms; infinite if one is lost."""
    return send_steadily(port, RATE, SECONDS, path=NUMNET.path, body=rows.body)[:, 1]


def _percentiles(rounds: list[NDArray[np.float64]], percent: float) -> list[float]:
    return [float(np.percentile(each, percent)) for each in rounds]


def main() -> None:
    os.sched_setaffinity(0, {LOAD_CORE})
    verdicts = Verdicts()
    print(machine("gunicorn", "flask", "numpy", "orjson"))
    print(f"\n{ROWS:,} rows a table, {RATE:g} rows a second, {ROUNDS} rounds of {SECONDS:g} s\n")
    print(
        "| table | rows | capacity, tables/s | responses to the flood | p50, ms | in the flood "
        "| p99, ms | in the flood | ratio of p99 | bar | | rows lost | bar | |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        train(Path(folder))
        shutil.copytree(models, Path(folder) / "copy")
        shutil.move(Path(folder) / "copy", models / NEIGHBOUR)
        with running(NUMNET, Path(folder)) as server:
            for rows, (name, request) in product((PLAIN, IN_THREAD), tables().items()):
                measure(server.port, name, request, rows, verdicts)
    sys.exit(min(verdicts.missed, 100))


if __name__ == "__main__":
    main()
