"""CPU time and peak memory of reading tables, beside Python's csv module and `numpy.loadtxt`.

Each reading is a process of its own; the time excludes imports. The rivals read numbers alone:
`csv` with `parse_number`, cell by cell, which is what numnet did at first, and `loadtxt`.
The memory is `ru_maxrss` at the end of the process, less that after the imports.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

# Nothing large is imported here, because a child's `ru_maxrss` starts at its parent's.
from benchmarks.report import machine, spread, verdict
from benchmarks.repository import ROOT

ROWS = 100_000
MAX_RATIO = 1 / 3  # of csv's time, on plain numbers
MAX_WIDE_SECONDS = 1.0
MAX_MEGABYTES = 100  # besides the numbers

MEASURE = """
import json, resource, sys, time
from pathlib import Path
path = Path(sys.argv[1])
{imports}
before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
{read}
seconds = time.process_time() - started
megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / 1e6
print(json.dumps([seconds, megabytes]))
"""
READERS = {
    "numnet": MEASURE.format(
        imports="from trainer.data.reading.table_file import table_from_file",
        read='table = table_from_file(path, ["y"])',
    ),
    "csv and parse_number": MEASURE.format(
        imports="import csv\nfrom array import array\nfrom config.numbers import parse_number",
        read="""
cells = array("d")
with path.open() as file:
    reader = csv.reader(file)
    next(reader)
    for row in reader:
        cells.extend([parse_number(cell) for cell in row])
""",
    ),
    "numpy.loadtxt": MEASURE.format(
        imports="import numpy as np", read='np.loadtxt(path, delimiter=",", skiprows=1)'
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5, help="readings of each file")
    parser.add_argument("--long", type=int, default=1_000_000, help="rows of the longest table")
    options = parser.parse_args()
    print(machine("numpy", "orjson"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        met = [
            _compare("17 digits", path, lambda rng, _: repr(rng.gauss(0, 1)), options.turns),
            _compare("6 digits", path, lambda rng, _: f"{rng.gauss(0, 1):.6g}", options.turns),
        ]
        _compare("texts and dates", path, _mixed, options.turns, rivals=False)
        _compare("gaps", path, _gaps, options.turns, rivals=False)
        met += [_wide(path, options.turns), _long(path, options.long)]
    sys.exit(not all(met))


def _compare(
    name: str,
    path: Path,
    cell: Callable[[random.Random, int], str],
    turns: int,
    *,
    rivals: bool = True,
) -> bool:
    """Print the time per row of 9 columns; return whether the bar is met."""
    _write(path, ROWS, 9, cell)
    names = list(READERS) if rivals else ["numnet"]
    seconds: dict[str, list[float]] = {each: [] for each in names}
    for _ in range(turns):
        for each in names:
            seconds[each].append(_read(each, path)[0] / ROWS * 1e6)
    print(f"\n{name}: µs of CPU time per row, median [quartiles] of {turns}; ratio: numnet's\n")
    print("| | µs | ratio |\n|---|---|---|")
    for each, taken in seconds.items():
        ratios = [ours / theirs for ours, theirs in zip(seconds["numnet"], taken, strict=True)]
        print(f"| {each} | {spread(taken, '.2f')} | {spread(ratios, '.2f')} |")
    if not rivals:
        return True
    best = min(seconds["numnet"]) / min(seconds["csv and parse_number"])
    print(f"\n{best:.2f} of csv's time (bar ≤ {MAX_RATIO:.2f}): {verdict(best <= MAX_RATIO)}")
    return best <= MAX_RATIO


def _wide(path: Path, turns: int) -> bool:
    _write(path, 100, 10_000, lambda rng, _: f"{rng.gauss(0, 1):.6g}")
    seconds = min(_read("numnet", path)[0] for _ in range(turns))
    met = seconds <= MAX_WIDE_SECONDS
    print(f"\n100 rows × 10,000 columns: {seconds:.2f} s (bar ≤ {MAX_WIDE_SECONDS} s): ", end="")
    print(verdict(met))
    return met


def _long(path: Path, rows: int) -> bool:
    _write(path, rows, 9, lambda rng, _: f"{rng.random():.5f}")
    seconds, megabytes = _read("numnet", path)
    numbers = rows * 9 * 8 / 1e6
    met = megabytes <= numbers + MAX_MEGABYTES
    print(
        f"\n{rows:,} rows × 9: {seconds:.1f} s, {megabytes:,.0f} MB for {numbers:,.0f} MB of "
        f"numbers (bar ≤ {MAX_MEGABYTES} MB more): {verdict(met)}"
    )
    return met


def _write(path: Path, rows: int, columns: int, cell: Callable[[random.Random, int], str]) -> None:
    """Write a table whose last column is the target."""
    rng = random.Random(0)
    with path.open("w") as file:
        file.write(",".join([*(f"x{k}" for k in range(1, columns)), "y"]) + "\n")
        for _ in range(rows):
            cells = (cell(rng, k) for k in range(columns - 1))
            file.write(",".join([*cells, f"{rng.random()}\n"]))


def _mixed(rng: random.Random, column: int) -> str:
    """Return a text in the first column, a date in the second, and else a number."""
    if column == 0:
        return rng.choice(("red", "green", "blue"))
    return f"2024-01-{rng.randint(10, 31)}" if column == 1 else f"{rng.gauss(0, 1):.6g}"


def _gaps(rng: random.Random, _: int) -> str:
    return f"{rng.gauss(0, 1):.6g}" if rng.random() > 0.05 else rng.choice(("", "NA"))


def _read(name: str, path: Path) -> tuple[float, float]:
    """Return the seconds of CPU time and the megabytes of a reading."""
    done = subprocess.run(
        [sys.executable, "-c", READERS[name], str(path)],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, megabytes = json.loads(done.stdout)
    return seconds, megabytes


if __name__ == "__main__":
    main()
