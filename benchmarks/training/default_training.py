"""Test error and duration of default trainings of the example task, run by the public command."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.report import machine, spread, verdict
from benchmarks.repository import ROOT
from registry import Registry
from trainer.data.synthetic import synthetic_target

SEEDS = range(5)
FRESH_ROWS = 20_000
MAX_MSE, MAX_SECONDS = 1e-6, 15.0
TRAIN = ROOT / "trainer" / "train.py"


def main() -> None:
    print(machine("numpy"))
    print(
        "| seed | test MSE (own test rows) | MSE (20,000 fresh rows) | seconds |\n|---|---|---|---|"
    )
    errors, times = [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            command = [
                sys.executable,
                str(TRAIN),
                "--models",
                folder,
                "--seed",
                str(seed),
                "--json",
            ]
            process = subprocess.run(command, check=True, capture_output=True, text=True)
            outcome = json.loads(process.stdout.splitlines()[-1])
            model = Registry.local(Path(folder)).load(outcome["version"]).model
            X = np.random.default_rng([seed, 1]).uniform(-1.0, 1.0, (FRESH_ROWS, 4))
            error = float(np.mean((model.predict(X)[:, 0] - synthetic_target(X)) ** 2))
            errors.append(error)
            times.append(outcome["seconds"])
            print(f"| {seed} | {outcome['test_mse']:.2e} | {error:.2e} | {times[-1]:.1f} |")
    met = max(errors) <= MAX_MSE and max(times) < MAX_SECONDS
    print(
        f"\nmedian [quartiles]: MSE {spread(errors, '.2e')} (bar: each ≤ {MAX_MSE:.0e}), "
        f"seconds {spread(times, '.1f')} (bar: each < {MAX_SECONDS:.0f}): {verdict(met)}"
    )
    sys.exit(not met)


if __name__ == "__main__":
    main()
