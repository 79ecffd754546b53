"""The server beside that of an older commit, in the same run, with the bars of each comparison."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.baseline import (
    code_structure,
    flask_requests,
    plain_rows,
    promotion_pauses,
    server_memory,
    unread_responses,
    watcher_latency,
)
from benchmarks.baseline.sides import Side, make_sides
from benchmarks.load import wrk
from benchmarks.report import Verdicts, machine

BASELINE = "a6882b9"


@dataclass(frozen=True)
class Size:
    """How often the parts measure."""

    bursts: int
    watcher_turns: int
    watcher_seconds: float
    promotions: int
    starts: int


FULL = Size(bursts=9, watcher_turns=5, watcher_seconds=4.0, promotions=8, starts=3)
QUICK = Size(bursts=2, watcher_turns=2, watcher_seconds=1.5, promotions=2, starts=2)

PARTS: dict[str, Callable[[Side, Side, Size, Verdicts], None]] = {
    "rows": lambda new, old, size, verdicts: plain_rows.measure(new, old, size.bursts, verdicts),
    "flask": lambda new, old, size, verdicts: flask_requests.measure(
        new, old, size.bursts, verdicts
    ),
    "unread": lambda new, old, size, verdicts: unread_responses.measure(new, old, verdicts),
    "memory": lambda new, old, size, verdicts: server_memory.measure(
        new, old, size.starts, verdicts
    ),
    "watchers": lambda new, old, size, verdicts: watcher_latency.measure(
        new, old, size.watcher_turns, size.watcher_seconds, verdicts
    ),
    # Promotions leave a large version as the current one: they come after all other requests.
    "promotions": lambda new, old, size, verdicts: promotion_pauses.measure(
        new, old, size.promotions, verdicts
    ),
    "code": lambda new, old, size, verdicts: code_structure.measure(new, old, verdicts),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--baseline", default=BASELINE, metavar="COMMIT")
    parser.add_argument("--quick", action="store_true", help="few and short measurements")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"unknown part: {', '.join(sorted(unknown))}; known: {', '.join(PARTS)}")
    wrk.require("wrk", "taskset")
    verdicts = Verdicts()
    print(machine("gunicorn", "flask", "orjson", "numpy"))
    print(f"new: this code; old: commit {options.baseline}")
    with tempfile.TemporaryDirectory() as folder:
        new, old = make_sides(options.baseline, Path(folder))
        for name, measure in PARTS.items():
            if name in (options.parts or PARTS):
                measure(new, old, QUICK if options.quick else FULL, verdicts)
    sys.exit(verdicts.missed)


if __name__ == "__main__":
    main()
