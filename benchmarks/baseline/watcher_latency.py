"""Latency of predictions while many clients watch the events of a running job."""

from benchmarks.baseline.sides import Side
from benchmarks.reliability.scenarios import watchers
from benchmarks.reliability.scenarios.contrast import CONNECTIONS, RATE
from benchmarks.report import Verdicts, spread

WATCHERS = 200
BAR = 1.5


def measure(new: Side, old: Side, turns: int, seconds: float, verdicts: Verdicts) -> None:
    """Print the p99 of `/predict` with and without watchers."""
    print(f"\n### {WATCHERS} watchers\n")
    print(
        f"p99 of POST /predict in ms at {RATE:g} requests/s over "
        f"{CONNECTIONS} connections, while a job runs; two server processes; median "
        f"[quartiles] of {turns} turns of {seconds:g} s with and {seconds:g} s without watchers\n"
    )
    print("| | without | with watchers | with ÷ without | bar | | failed requests | bar | |")
    print("|---|---|---|---|---|---|---|---|---|")
    for side in (new, old):
        with side.installation() as installation:
            seen = watchers.run(installation, WATCHERS, turns, seconds)
        bar, none = (BAR, 0) if side is new else (None, None)
        print(
            f"| {side.name} | {spread([1000 * each for each in seen.idle])} | "
            f"{spread([1000 * each for each in seen.busy])} | {spread(seen.ratios)} | "
            f"{verdicts.at_most(seen.ratios, bar)} | "
            f"{seen.failed} | {verdicts.at_most([seen.failed], none)} |",
            flush=True,
        )
