"""Memory of two server processes."""

from benchmarks.baseline.sides import Side
from benchmarks.load import wrk
from benchmarks.report import Verdicts, spread

PROCESSES, CONNECTIONS, WARM_UP_SECONDS = 2, 32, 2
BAR = 1.0


def measure(new: Side, old: Side, starts: int, verdicts: Verdicts) -> None:
    """Print the memory after a warm-up."""
    megabytes: dict[str, list[float]] = {"new": [], "old": []}
    for _ in range(starts):
        for side in (new, old):
            with side.server(PROCESSES) as server:
                wrk.burst(server, CONNECTIONS, WARM_UP_SECONDS)
                megabytes[side.name].append(server.megabytes())
    ratios = [
        round(ours / theirs, 2)
        for ours, theirs in zip(megabytes["new"], megabytes["old"], strict=True)
    ]
    print("\n### Memory\n")
    print(
        f"MB (PSS) of {PROCESSES} server processes and their parent, after {WARM_UP_SECONDS} s of "
        f"one-row requests over {CONNECTIONS} connections; median [quartiles] of {starts} starts\n"
    )
    print("| new | old | new ÷ old | bar | |\n|---|---|---|---|---|")
    print(
        f"| {spread(megabytes['new'], '.1f')} | {spread(megabytes['old'], '.1f')} | "
        f"{spread(ratios)} | {verdicts.at_most(ratios, BAR, '.2f')} |"
    )
