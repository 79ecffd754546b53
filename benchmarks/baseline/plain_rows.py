"""Requests/s and p99 of one plain row, beside the old server, FastAPI and MLServer."""

from contextlib import ExitStack

from benchmarks.baseline.sides import Side
from benchmarks.report import Verdicts
from benchmarks.servers.programs import FASTAPI, MLSERVER
from benchmarks.servers.running import prepare_rivals, running
from benchmarks.serving import one_row, rivals

RATE_BAR = 0.8  # requests/s, new ÷ old, at least


def measure(new: Side, old: Side, bursts: int, verdicts: Verdicts) -> None:
    """Print the table of one row."""
    layers = prepare_rivals(new.folder)
    with ExitStack() as stack:
        ours, theirs = (stack.enter_context(side.server()) for side in (new, old))
        others = [stack.enter_context(running(each, new.folder)) for each in (FASTAPI, MLSERVER)]
        rivals.check_predictions([ours, theirs, *others], layers)
        bars = {each: rivals.RATE_BARS[each] for each in (FASTAPI, MLSERVER)}
        one_row.measure(
            [ours, theirs, *others],
            ours.program,
            verdicts,
            bursts=bursts,
            rate_bars=bars | {theirs.program: RATE_BAR},
            p99_bars={},
        )
    print("\nThe bar of new ÷ old is the floor; the aim is ≥ 1.")
