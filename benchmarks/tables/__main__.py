"""numnet without any option beside scikit-learn's regressors, on tables with noise.

Each table is split into halves several times: one half to train on, the other to test. numnet reads
a CSV file of the training half. The rivals' results are kept in a folder, so that another run costs
only numnet's fits.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as trainer/train.py does
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys
from collections.abc import Callable, Collection
from pathlib import Path

from benchmarks.report import Verdicts, machine
from benchmarks.repository import ROOT
from benchmarks.tables.comparison import compare
from benchmarks.tables.datasets import DATASETS
from benchmarks.tables.page import write_page
from benchmarks.tables.printing import errors_table, intervals_table, summary_table
from benchmarks.tables.rivals import RIVALS
from benchmarks.tables.served import served
from benchmarks.tables.time_and_memory import MILLION, SMALL, TEN_MILLION, time_and_memory

CACHE = ROOT / ".tables_cache"
SPLITS = 5
QUICK_TABLES, QUICK_SPLITS = ("boston", "diabetes", "penguins"), 2


def main() -> None:
    options = _parser().parse_args()
    splits = options.splits or (QUICK_SPLITS if options.quick else SPLITS)
    heading = machine("numpy", "scikit-learn")
    print(f"{heading}\nRMSE on the other half, mean ± standard deviation of {splits} splits\n")
    comparisons = []
    for name in _tables(options):
        comparison = compare(
            DATASETS[name],
            splits,
            options.rivals or tuple(RIVALS),
            options.cache,
            with_numnet=not options.only_rivals,
        )
        print("\n".join(errors_table(comparison)), flush=True)
        comparisons.append(comparison)
    if options.only_rivals:
        return
    verdicts = Verdicts()
    print("\n".join(summary_table(comparisons, verdicts)))
    print("\n".join(intervals_table(comparisons, verdicts)), flush=True)
    if options.markdown:
        write_page(comparisons, splits, heading)
    if options.large or not (options.quick or options.tables or options.held_out):
        for line in time_and_memory(
            (*SMALL, MILLION, TEN_MILLION) if options.large else (*SMALL, MILLION), verdicts
        ):
            print(line, flush=True)
        for line in served(verdicts):
            print(line, flush=True)
    sys.exit(verdicts.missed > 0)


def _tables(options: argparse.Namespace) -> tuple[str, ...]:
    if options.tables:
        names: tuple[str, ...] = options.tables
        return names
    if options.quick:
        return QUICK_TABLES
    return tuple(each.name for each in DATASETS.values() if each.held_out == options.held_out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three small tables, two splits")
    parser.add_argument("--tables", type=_among(DATASETS), help=f"some of {', '.join(DATASETS)}")
    parser.add_argument("--held-out", action="store_true", help="the tables that are held out")
    parser.add_argument("--splits", type=int, help=f"splits into halves, by default {SPLITS}")
    parser.add_argument("--rivals", type=_among(RIVALS), help=f"some of {', '.join(RIVALS)}")
    parser.add_argument("--only-rivals", action="store_true", help="leave numnet out")
    parser.add_argument("--large", action="store_true", help="train on 10,000,000 rows, too")
    parser.add_argument("--markdown", action="store_true", help="write docs/comparison.md")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the rivals' results")
    return parser


def _among(known: Collection[str]) -> Callable[[str], tuple[str, ...]]:
    """Return a function that splits names at commas and refuses unknown ones."""

    def names(text: str) -> tuple[str, ...]:
        found = tuple(text.split(","))
        if unknown := set(found) - set(known):
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}")
        return found

    return names


if __name__ == "__main__":
    main()
