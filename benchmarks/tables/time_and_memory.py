"""Seconds and memory of numnet alone: small, wide and large tables, and one row in process.

The large tables are CSV files that the public command reads in a process of its own. Its memory is
the greatest of its peak resident set and of the proportional set size of all its processes.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import process_usage
from benchmarks.report import Verdicts
from benchmarks.repository import ROOT
from benchmarks.tables.datasets import DATASETS
from benchmarks.tables.numnet_fit import rows_of, train_on_csv

POLL_SECONDS = 0.1
ROWS_AT_A_TIME = 100_000
ROW_TABLE = "boston"
MAX_ROW_MICROSECONDS = 120.0
CALLS, TURNS = 200, 21


@dataclass(frozen=True)
class Size:
    """A table with noise, and the bars of its training."""

    rows: int
    columns: int
    max_seconds: float | None
    max_megabytes: float | None = None


SMALL = (Size(500, 13, 5.0), Size(10_000, 16, 60.0))
MILLION = Size(1_000_000, 8, 600.0, 1_500.0)
TEN_MILLION = Size(10_000_000, 8, None, 1_500.0)


def time_and_memory(sizes: tuple[Size, ...], verdicts: Verdicts) -> Iterator[str]:
    """Yield the lines on trainings of these sizes and on one row, with their bars."""
    yield "| table | s of the fit | bar | | CPU s of the command | MB | bar | |"
    yield "|---|---|---|---|---|---|---|---|"
    for size in sizes:
        seconds, processor_seconds, megabytes = _train(size)
        yield (
            f"| {size.rows:,} × {size.columns} | {seconds:.1f} | "
            f"{verdicts.at_most([seconds], size.max_seconds)} | {processor_seconds:.1f} | "
            f"{megabytes:,.0f} | {verdicts.at_most([megabytes], size.max_megabytes, ',.0f')} |"
        )
    microseconds = _microseconds_of_a_row()
    bar = verdicts.note(microseconds <= MAX_ROW_MICROSECONDS)
    yield (
        f"\none row of {ROW_TABLE}, in process: {microseconds:.1f} µs of CPU "
        f"(bar ≤ {MAX_ROW_MICROSECONDS:g} µs): {bar}\n"
    )


def _train(size: Size) -> tuple[float, float, float]:
    """Return the seconds of the fit, the CPU seconds of the command and its peak megabytes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        _write(path, size)
        command = [sys.executable, str(ROOT / "trainer" / "train.py"), "--data", str(path)]
        command += ["--target", "y", "--models", f"{folder}/models", "--json"]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "NUMNET_STATE": f"{folder}/state"},
        )
        peak = 0.0
        while process.poll() is None:
            try:
                peak = max(
                    peak,
                    process_usage.megabytes(process.pid),
                    process_usage.peak_megabytes(process.pid),
                )
            except (OSError, StopIteration):  # it has just ended
                break
            time.sleep(POLL_SECONDS)
        output, _ = process.communicate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return float(json.loads(output.splitlines()[-1])["seconds"]), used, peak


def _write(path: Path, size: Size) -> None:
    """Write Friedman's first function of five columns, with noise and columns without effect."""
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        file.write(",".join([f"x{index + 1}" for index in range(size.columns)] + ["y"]) + "\n")
        for start in range(0, size.rows, ROWS_AT_A_TIME):
            X = rng.uniform(size=(min(ROWS_AT_A_TIME, size.rows - start), size.columns))
            y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
            y += 10 * X[:, 3] + 5 * X[:, 4] + rng.standard_normal(len(X))
            np.savetxt(file, np.c_[X, y], fmt="%.6f", delimiter=",")


def _microseconds_of_a_row() -> float:
    """Return the median time of a prediction by a model of a table of 13 columns."""
    dataset = DATASETS[ROW_TABLE]
    texts = dataset.texts()
    everything = np.arange(len(texts.rows))
    model = train_on_csv(texts.as_csv(everything), dataset.target).model
    row = rows_of(texts, everything[:1], model.columns)[0].tolist()
    timings = timeit.repeat(
        lambda: model.predict_row(row), timer=time.process_time, number=CALLS, repeat=TURNS
    )
    return float(np.median(timings)) / CALLS * 1e6
