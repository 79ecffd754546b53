"""Seconds to a target error of every solver on every problem, and of `auto` beside the best.

A problem's target is twice the smallest final error of any solver, in the median over the seeds.
The error is the mean squared error against the function without noise, divided by its variance.
Times below `LEAST_SECONDS` are raised to it, because ratios of such short times are noise. A
first-order solver whose epochs take longer than the time limit does not finish its schedule.
"""

import argparse
import math
import os
import statistics
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as trainer/train.py does
from benchmarks.report import machine, verdict
from benchmarks.training.fit_recording import Array, errors
from benchmarks.training.numnet_solvers import numnet
from benchmarks.training.problems import PROBLEMS, Problem
from network import Scaling
from trainer.solvers import SOLVERS
from trainer.training.recipe import AUTO

FRESH_ROWS = 4_000
FACTOR = 2.0
LEAST_SECONDS = 0.05
MAX_RATIO = 1.5
Curve = list[tuple[float, float]]  # (seconds, error), as the error falls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", default=",".join(PROBLEMS))
    parser.add_argument("--solvers", default=",".join((AUTO, *SOLVERS)))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each training")
    options = parser.parse_args()
    problems, solvers = options.problems, options.solvers
    seeds, seconds = options.seeds, options.seconds
    print(machine("numpy"))
    print(f"seconds to the target, median of {seeds} seeds; {seconds:g} s for each training\n")
    names = solvers.split(",")
    print(f"| problem | rows | target | {' | '.join(names)} | auto / best |")
    print("|---" * (4 + len(names)) + "|")
    worst = 0.0
    for name in problems.split(","):
        ratio = _row(PROBLEMS[name], names, seeds, seconds)
        worst = max(worst, ratio)
    print(f"\nauto / best solver, at worst: {worst:.2f} (bar ≤ {MAX_RATIO}): ", end="")
    print(verdict(worst <= MAX_RATIO))
    sys.exit(worst > MAX_RATIO)


def _row(problem: Problem, solvers: list[str], seeds: int, seconds: float) -> float:
    curves = {
        (solver, seed): _curve(problem, solver, seed, seconds)
        for seed in range(seeds)
        for solver in solvers
    }
    ends = {s: statistics.median(curves[s, seed][-1][1] for seed in range(seeds)) for s in solvers}
    target = FACTOR * min(ends.values())
    times = {
        s: statistics.median(_time_to(curves[s, seed], target) for seed in range(seeds))
        for s in solvers
    }
    ratio = max(times[AUTO], LEAST_SECONDS) / max(min(times.values()), LEAST_SECONDS)
    cells = " | ".join("–" if times[s] == math.inf else f"{times[s]:.2f}" for s in solvers)
    print(f"| {problem.name} | {problem.rows} | {target:.1e} | {cells} | {ratio:.2f} |", flush=True)
    return ratio


def _curve(problem: Problem, solver: str, seed: int, seconds: float) -> Curve:
    """Return the error of one training over time, on other rows without noise."""
    X, Y = problem.draw(seed)
    fresh, _ = problem.draw(1_000 + seed, FRESH_ROWS)
    truth = problem.truth(fresh)
    features, targets = Scaling.of(X), Scaling.of(Y)
    trace = numnet(
        features.apply(X), targets.apply(Y), problem.layers, seed, seconds, solver=solver
    )
    variance: Array = targets.scale**2 / truth.var(axis=0)
    return list(errors(trace, features.apply(fresh), targets.apply(truth), variance)) or [
        (math.inf, math.inf)
    ]


def _time_to(curve: Curve, target: float) -> float:
    return next((seconds for seconds, error in curve if error <= target), math.inf)


if __name__ == "__main__":
    main()
