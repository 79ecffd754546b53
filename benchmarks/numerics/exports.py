"""One row by the exported C program, beside onnxruntime with the ONNX file of the same version.

The JavaScript module in Node.js and `predict_row` are timed, too. Each takes numbers from memory
and leaves its prediction there, without an interval, on one thread. All are timed in turns. Ratios
are computed within a turn. gcc and node must be installed.
"""

import json
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from benchmarks.report import Verdicts, machine, spread
from benchmarks.repository import ROOT
from export import Source, write
from network import Array, Predictor
from registry import Registry

ROWS, TURNS, SECONDS_PER_TIMING = 64, 21, 0.05
BAR = 0.2  # time of C ÷ time of onnxruntime
MODELS = {
    "network": ["--layers", "32,16", "--max-seconds", "3", "--solver", "l-bfgs"],
    "ensemble": ["--solver", "ensemble", "--samples", "400", "--max-seconds", "20"],
}
_C_CALLS = """
#define NUMNET_DECLARATIONS
#include "model.c"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int main(int argc, char **argv) {
  static double rows[<<rows>>][NUMNET_FEATURES];
  double prediction[NUMNET_TARGETS], sum = 0;
  struct timespec start, end;
  const long calls = argc > 1 ? atol(argv[1]) : 1;
  if (fread(rows, sizeof rows, 1, stdin) != 1) return 1;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (long call = 0; call < calls; call++) {
    numnet_predict(rows[call % <<rows>>], prediction);
    sum += prediction[0];
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  const double seconds = end.tv_sec - start.tv_sec + 1e-9 * (end.tv_nsec - start.tv_nsec);
  printf("%.17g %.17g\\n", seconds / calls, sum / calls);
  return 0;
}
"""
_NODE_CALLS = """
import { predict } from "./model.mjs";
import * as fs from "node:fs";
const rows = JSON.parse(fs.readFileSync("rows.json", "utf8"));
let sum = 0;
function take(calls) {
  sum = 0;
  const start = process.hrtime.bigint();
  for (let call = 0; call < calls; call++) sum += predict(rows[call % rows.length]).prediction;
  return Number(process.hrtime.bigint() - start) / 1e9 / calls;
}
const calls = Number(process.argv[2]);
take(calls); // until it is compiled
console.log(take(calls), sum / calls);
"""

Timing = Callable[[], tuple[float, float]]  # seconds per call, and the mean prediction


def train(name: str, folder: Path) -> Predictor:
    """Train a small model of the example task."""
    command = [
        sys.executable,
        str(ROOT / "trainer/train.py"),
        "--models",
        str(folder / name),
        *MODELS[name],
    ]
    subprocess.run(command, check=True, capture_output=True)
    return Registry.local(folder / name).load(1).model


def c_calls(source: Source, X: Array, folder: Path) -> Timing:
    (folder / "model.c").write_bytes(write(source, "c"))
    (folder / "calls.c").write_text(_C_CALLS.replace("<<rows>>", str(len(X))))
    gcc = ["gcc", "-O2", "model.c", "calls.c", "-o", "calls", "-lm"]
    subprocess.run(gcc, cwd=folder, check=True)
    return _program([folder / "calls"], folder, np.ascontiguousarray(X).tobytes())


def node_calls(source: Source, X: Array, folder: Path) -> Timing:
    (folder / "model.mjs").write_bytes(write(source, "js"))
    (folder / "calls.mjs").write_text(_NODE_CALLS)
    rows = [dict(zip(source.model.features, row, strict=True)) for row in X.tolist()]
    (folder / "rows.json").write_text(json.dumps(rows))
    return _program(["node", "calls.mjs"], folder, b"")


def _program(command: list[Any], folder: Path, content: bytes) -> Timing:
    def run(calls: int) -> tuple[float, float]:
        done = subprocess.run(
            [*command, str(calls)], cwd=folder, input=content, capture_output=True, check=True
        )
        seconds, mean = map(float, done.stdout.split())
        return seconds, mean

    calls = _calls(run(_calls(run(ROWS)[0]))[0])  # the first calls may be slow
    return lambda: run(calls)


def onnxruntime_calls(source: Source, X: Array) -> Timing:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        write(source, "onnx"), options, providers=["CPUExecutionProvider"]
    )
    names = [each.name for each in session.get_inputs()]
    if len(names) == 1:  # the folded form has one matrix
        rows = [{names[0]: row[None]} for row in X]
    else:
        rows = [{name: x[None, None] for name, x in zip(names, row, strict=True)} for row in X]
    return _in_process(lambda row: session.run(None, row)[0].item(), rows)


def numnet_calls(source: Source, X: Array) -> Timing:
    return _in_process(lambda row: source.model.predict_row(row)[0], X.tolist())


def _in_process(predict: Callable[[Any], float], rows: list[Any]) -> Timing:
    def run(rounds: int) -> tuple[float, float]:
        def all_rows() -> None:
            for row in rows:
                predict(row)

        seconds = timeit.timeit(all_rows, number=rounds) / rounds / len(rows)
        return seconds, sum(map(predict, rows)) / len(rows)

    rounds = _calls(run(1)[0]) // len(rows)
    return lambda: run(rounds)


def _calls(seconds: float) -> int:
    """Return a number of calls, a multiple of `ROWS`."""
    return ROWS * max(1, round(SECONDS_PER_TIMING / seconds / ROWS))


def time_all(timings: dict[str, Timing]) -> dict[str, list[float]]:
    """Return the seconds per call in every turn. All must predict the same."""
    taken: dict[str, list[float]] = {name: [] for name in timings}
    for _ in range(TURNS):
        found = {name: run() for name, run in timings.items()}
        means = [mean for _, mean in found.values()]
        assert np.allclose(means, means[0], rtol=1e-9), found
        for name, (seconds, _) in found.items():
            taken[name].append(seconds)
    return taken


def main() -> None:
    print(machine("numpy", "onnxruntime"))
    for command in (["gcc", "--version"], ["node", "--version"]):
        print(
            subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[
                0
            ]
        )
    print(f"µs per row, median [quartiles] of {TURNS} turns; ratio: C's time to the other's\n")
    print("| model | | µs | ratio | bar | |\n|---|---|---|---|---|---|")
    verdicts = Verdicts()
    for name in MODELS:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            model = train(name, folder)
            source = Source("numnet", 1, model, {})
            X = np.random.default_rng(0).uniform(-1.0, 1.0, (ROWS, len(model.features)))
            timings = {
                "C, gcc -O2": c_calls(source, X, folder),
                "onnxruntime": onnxruntime_calls(source, X),
                "JavaScript, node": node_calls(source, X, folder),
                "predict_row": numnet_calls(source, X),
            }
            taken = time_all(timings)
        for other, seconds in taken.items():
            ratios = [
                ours / theirs for ours, theirs in zip(taken["C, gcc -O2"], seconds, strict=True)
            ]
            bar = BAR if other.startswith("onnxruntime") else None
            print(
                f"| {name} | {other} | {spread([1e6 * each for each in seconds])} | "
                f"{'' if seconds is taken['C, gcc -O2'] else spread(ratios)} | "
                f"{verdicts.at_most(ratios, bar)} |"
            )
    sys.exit(verdicts.missed)


if __name__ == "__main__":
    main()
