"""Seconds to a test error on the example task, beside scikit-learn and PyTorch.

4,000 rows without noise, layers 32 and 16, tanh, float64; the error is the mean squared error on
20,000 other rows. All libraries get the same rows; numnet holds out a tenth for validation. The
libraries take turns, seed by seed, with one thread each.
"""

import argparse
import math
import os
import statistics
import sys
from collections.abc import Sequence
from functools import partial

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as trainer/train.py does
from benchmarks.report import machine, verdict
from benchmarks.training.fit_recording import time_to
from benchmarks.training.numnet_solvers import numnet
from benchmarks.training.problems import PROBLEMS
from benchmarks.training.rival_solvers import RIVALS, Rival
from network import Scaling

ROWS, FRESH_ROWS = 4_000, 20_000
TARGETS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-9)
UNLIMITED = 10**6  # epochs: the rivals are limited by time alone
LIBRARIES: dict[str, Rival] = {"numnet": partial(numnet, epochs=UNLIMITED), **RIVALS}
Times = dict[str, list[list[float]]]  # per library and seed, seconds to each target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="trainings of numnet")
    parser.add_argument("--rival-seeds", type=int, default=3, help="trainings of each rival")
    parser.add_argument("--seconds", type=float, default=40.0, help="for each training")
    options = parser.parse_args()
    seeds, rival_seeds, seconds = options.seeds, options.rival_seeds, options.seconds
    print(machine("numpy", "scikit-learn", "torch"))
    print(
        f"seconds to a test MSE, median [least, greatest] of {seeds} seeds for numnet and "
        f"{rival_seeds} for the rivals, {seconds:g} s each; “–” if the median did not reach it\n"
    )
    times: Times = {name: [] for name in LIBRARIES}
    for seed in range(max(seeds, rival_seeds)):
        for name in LIBRARIES:
            if seed < (seeds if name == "numnet" else rival_seeds):
                times[name].append(_times(name, seed, seconds))
    print(f"| | {' | '.join(f'{target:.0e}' for target in TARGETS)} |")
    print("|---" * (1 + len(TARGETS)) + "|")
    for name, rows in times.items():
        cells = " | ".join(_spread(column) for column in zip(*rows, strict=True))
        print(f"| {name} | {cells} |")
    sys.exit(not _bars(times))


def _times(name: str, seed: int, seconds: float) -> list[float]:
    X, Y = PROBLEMS["shipped"].draw(seed, ROWS)
    fresh, truth = PROBLEMS["shipped"].draw(1_000 + seed, FRESH_ROWS)
    features, targets = Scaling.of(X), Scaling.of(Y)
    trace = LIBRARIES[name](
        features.apply(X), targets.apply(Y), PROBLEMS["shipped"].layers, seed, seconds
    )
    variance = float(targets.scale[0] ** 2)
    return time_to(trace, features.apply(fresh), targets.apply(truth), TARGETS, variance)


def _bars(times: Times) -> bool:
    """Print the bars with their verdicts, and return whether all are met."""
    median = {
        (name, target): statistics.median(column)
        for name, rows in times.items()
        for target, column in zip(TARGETS, zip(*rows, strict=True), strict=True)
    }
    best = min(median[name, 1e-4] for name in RIVALS)
    lbfgs = median["PyTorch L-BFGS", 1e-5]
    numnets = list(zip(*times["numnet"], strict=True))
    within = {
        (target, seconds): sum(t <= seconds for t in numnets[TARGETS.index(target)])
        for target, seconds in ((1e-8, 15.0), (1e-9, 40.0))
    }
    seeds = len(times["numnet"])
    lines = [
        ("1e-4: numnet / best rival", median["numnet", 1e-4] / best, 1 / 10),
        ("1e-5: numnet / PyTorch L-BFGS", median["numnet", 1e-5] / lbfgs, 1 / 25),
    ]
    met = []
    print()
    for text, ratio, bar in lines:
        met.append(ratio <= bar)
        print(f"{text}: {ratio:.3f} (bar ≤ {bar:.3f}): {verdict(met[-1])}")
    for (target, limit), count in within.items():
        met.append(count >= 0.8 * seeds)
        print(f"{target:.0e} within {limit:.0f} s: {count} of {seeds} (bar ≥ 8 of 10): ", end="")
        print(verdict(met[-1]))
    return all(met)


def _spread(seconds: Sequence[float]) -> str:
    middle = statistics.median(seconds)
    if middle == math.inf:
        return "–"
    greatest = "–" if max(seconds) == math.inf else f"{max(seconds):.2f}"
    return f"{middle:.2f} [{min(seconds):.2f}, {greatest}]"


if __name__ == "__main__":
    main()
