"""The server beside that of an older commit, in the same run, with the bars of each comparison."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import shutil
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.baseline import (
    code_structure,
    flask_requests,
    promotion_pauses,
    server_memory,
    unread_responses,
    watcher_latency,
)
from benchmarks.baseline.sides import Side, sides
from benchmarks.load import wrk
from benchmarks.report import Verdicts, machine
from benchmarks.servers.programs import FASTAPI, MLSERVER
from benchmarks.servers.running import prepare_rivals, running, train
from benchmarks.serving import one_row, rivals

BASELINE = "a6882b9"
RATE_BAR = 0.8  # new ÷ old; the aim is 1.0
PARTS = ("rows", "flask", "watchers", "promotions", "unread", "memory", "code")


@dataclass(frozen=True)
class Size:
    """How often each part measures."""

    bursts: int
    watcher_turns: int
    watcher_seconds: float
    promotions: int
    starts: int


FULL = Size(bursts=9, watcher_turns=5, watcher_seconds=4.0, promotions=8, starts=3)
QUICK = Size(bursts=2, watcher_turns=2, watcher_seconds=1.5, promotions=2, starts=2)


def compare(new: Side, old: Side, parts: list[str], size: Size, verdicts: Verdicts) -> None:
    """Print the tables of the parts."""
    train(new.folder)
    shutil.copytree(new.folder / "models", old.folder / "models")
    if "rows" in parts:
        _compare_rows(new, old, size, verdicts)
    if {"flask", "unread", "promotions"} & set(parts):
        with new.server() as ours, old.server() as theirs:
            if "flask" in parts:
                flask_requests.measure(ours, theirs, size.bursts, verdicts)
            if "unread" in parts:
                unread_responses.measure(ours, theirs, verdicts)
            if "promotions" in parts:  # last, as it leaves a large version
                versions = promotion_pauses.publish_large_versions((new, old))
                promotion_pauses.measure(ours, theirs, versions, size.promotions, verdicts)
    if "watchers" in parts:
        watcher_latency.measure(new, old, size.watcher_turns, size.watcher_seconds, verdicts)
    if "memory" in parts:
        server_memory.measure(new, old, size.starts, verdicts)
    if "code" in parts:
        code_structure.measure(new, old, verdicts)


def _compare_rows(new: Side, old: Side, size: Size, verdicts: Verdicts) -> None:
    layers = prepare_rivals(new.folder)
    with ExitStack() as stack:
        ours, theirs = (stack.enter_context(side.server()) for side in (new, old))
        others = [stack.enter_context(running(each, new.folder)) for each in (FASTAPI, MLSERVER)]
        rivals.check_predictions([ours, theirs, *others], layers)
        one_row.measure(
            [ours, theirs, *others],
            ours.program,
            verdicts,
            bursts=size.bursts,
            rate_bars={
                theirs.program: RATE_BAR,
                **{each: rivals.RATE_BARS[each] for each in (FASTAPI, MLSERVER)},
            },
            p99_bars={},
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--baseline", default=BASELINE, metavar="COMMIT")
    parser.add_argument("--quick", action="store_true", help="few and short measurements")
    parser.add_argument("parts", nargs="*", default=PARTS, metavar="PART", help=", ".join(PARTS))
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"unknown part: {', '.join(sorted(unknown))}; known: {', '.join(PARTS)}")
    wrk.require("wrk", "taskset")
    verdicts = Verdicts()
    print(machine("gunicorn", "flask", "orjson", "numpy"))
    print(f"new: this code; old: commit {options.baseline}; requests/s new ÷ old: the aim is ≥ 1")
    with tempfile.TemporaryDirectory() as made, sides(options.baseline, Path(made)) as (new, old):
        compare(new, old, options.parts, QUICK if options.quick else FULL, verdicts)
    sys.exit(verdicts.missed)


if __name__ == "__main__":
    main()
