"""Peak memory of a training and the time to its first step, beside scikit-learn.

Memory is `ru_maxrss` at the end of a process of its own. numnet runs
`trainer.training.training.train` with solver auto (split, scaling, fit, test report) for
`NUMNET_SECONDS`. scikit-learn's `MLPRegressor` fits the same rows without split or scaling for one
iteration, which allocates all the memory it will use.

The time to the first step runs from before the process starts to the end of the solver's first
iteration: imports, rows, split, scaling, step. numnet's first step uses the sample of the rows that
its solver begins with. The libraries take turns, with one thread each.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

# Nothing large is imported here, because a child's `ru_maxrss` starts at its parent's.
from benchmarks.report import machine, quartiles, spread, verdict
from benchmarks.repository import ROOT

ROWS = (4_000, 100_000, 1_000_000)
NUMNET_SECONDS = 1.0
MAX_MEGABYTES = {1_000_000: 1_000.0}
SHIPPED_ROWS = 5_000
STARTS = 10
MAX_START_SECONDS = 0.3

# The child processes' programs import only what they need.
NUMNET_ROWS = """
from trainer.training.recipe import Recipe
from trainer.data.synthetic import synthetic_table
from trainer.training.training import train
table = synthetic_table({rows}, seed=0)
"""
SKLEARN_ROWS = """
import warnings
warnings.simplefilter("ignore")  # one iteration does not converge
import numpy as np
from sklearn.neural_network import MLPRegressor
X = np.random.default_rng(0).uniform(-1.0, 1.0, ({rows}, 4))
x1, x2, x3, x4 = X.T
y = np.sin(3 * x1) + x2**2 * np.cos(3 * x3) + x4**3
"""
SKLEARN_REGRESSOR = """
regressor = MLPRegressor(
    hidden_layer_sizes=(32, 16), activation="tanh", solver="{solver}", max_iter=1, random_state=0
)
"""
PRINT_PEAK = """
import json, resource
print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6))
"""
PRINT_CLOCK = """
import json, time
print(json.dumps(time.monotonic()))
"""
SKLEARN_FIT = SKLEARN_ROWS + SKLEARN_REGRESSOR + "regressor.fit(X, y)\n" + PRINT_PEAK
SKLEARN_FIRST_STEP = (
    SKLEARN_ROWS.format(rows=SHIPPED_ROWS)
    + SKLEARN_REGRESSOR
    + """
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
X, _, y, _ = train_test_split(X, y, test_size=0.2, random_state=0)
y = StandardScaler().fit_transform(y[:, None])[:, 0]
regressor.fit(StandardScaler().fit_transform(X), y)
"""
    + PRINT_CLOCK
)
TRAININGS = {
    "numnet": NUMNET_ROWS + f"train(table, Recipe(max_seconds={NUMNET_SECONDS}))\n" + PRINT_PEAK,
    "scikit-learn lbfgs": SKLEARN_FIT.replace("{solver}", "lbfgs"),
    "scikit-learn adam": SKLEARN_FIT.replace("{solver}", "adam"),
}
FIRST_STEPS = {
    "numnet": f"""{NUMNET_ROWS.format(rows=SHIPPED_ROWS)}
def end(epoch):
    {PRINT_CLOCK.strip().replace(chr(10), chr(10) + "    ")}
    raise SystemExit
train(table, Recipe(), watch=end)
""",
    "python -c pass": PRINT_CLOCK,
    "import numpy": "import numpy\n" + PRINT_CLOCK,
    "scikit-learn lbfgs": SKLEARN_FIRST_STEP.replace("{solver}", "lbfgs"),
    "scikit-learn adam": SKLEARN_FIRST_STEP.replace("{solver}", "adam"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3, help="processes for each peak, at least 2")
    parser.add_argument("--rows", type=int, nargs="*", default=ROWS, help="sizes of the table")
    options = parser.parse_args()
    print(machine("numpy", "scikit-learn"))
    met = [_peaks(rows, options.turns) for rows in options.rows]
    met.append(_first_steps())
    sys.exit(not all(met))


def _peaks(rows: int, turns: int) -> bool:
    """Print the peak memory of trainings on a number of rows; return whether the bars are met."""
    megabytes: dict[str, list[float]] = {name: [] for name in TRAININGS}
    for _ in range(turns):
        for name, program in TRAININGS.items():
            megabytes[name].append(_child(program.replace("{rows}", str(rows))))
    print(f"\n{rows:,} rows: peak MB, median [quartiles] of {turns} processes; ratio: numnet's\n")
    print("| | MB | ratio |\n|---|---|---|")
    for name, peaks in megabytes.items():
        ratios = [ours / theirs for ours, theirs in zip(megabytes["numnet"], peaks, strict=True)]
        ratio = "" if name == "numnet" else spread(ratios)
        print(f"| {name} | {spread(peaks, ',.0f')} | {ratio} |")
    print()
    ours, *rivals = (statistics.median(peaks) for peaks in megabytes.values())
    bars = [("scikit-learn's least", min(rivals))]
    if rows in MAX_MEGABYTES:
        bars.append(("1 GB", MAX_MEGABYTES[rows]))
    for text, bar in bars:
        print(f"{rows:,} rows: {ours:,.0f} MB (bar ≤ {bar:,.0f} MB, {text}): ", end="")
        print(verdict(ours <= bar))
    return all(ours <= bar for _, bar in bars)


def _first_steps() -> bool:
    """Print the seconds to the first step, and return whether the bar is met."""
    seconds: dict[str, list[float]] = {name: [] for name in FIRST_STEPS}
    for name in FIRST_STEPS:  # warm up: write bytecode, fill the page cache
        _seconds_to_print(name)
    for _ in range(STARTS):
        for name in FIRST_STEPS:
            seconds[name].append(_seconds_to_print(name))
    print(
        f"\n{SHIPPED_ROWS:,} rows: seconds from the start of the process to the end of the first "
        f"step, median [quartiles] of {STARTS}\n"
    )
    print("| | s |\n|---|---|")
    for name, taken in seconds.items():
        print(f"| {name} | {spread(taken, '.3f')} |")
    ours = quartiles(seconds["numnet"])[1]
    met = ours < MAX_START_SECONDS
    print(f"\nfirst step after {ours:.3f} s (bar < {MAX_START_SECONDS} s): {verdict(met)}")
    return met


def _seconds_to_print(name: str) -> float:
    started = time.monotonic()  # the same clock in all processes
    return _child(FIRST_STEPS[name]) - started


def _child(program: str) -> float:
    """Run a program in a process of its own and return the number that it prints last."""
    process = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    printed: Any = json.loads(process.stdout.splitlines()[-1])
    return float(printed)


if __name__ == "__main__":
    main()
