"""What holds while models change under load, kill and fault; see `scenarios.py`."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.reliability import scenarios
from benchmarks.report import machine, spread, verdict

Line = tuple[str, str, str, bool]  # what was measured, the figure, the bar, whether it is met


def promotions(folder: Path) -> Iterator[Line]:
    seen = scenarios.promotions(folder, 200)
    what = f"{seen.changes} promotions and rollbacks, 16 clients"
    yield f"{what}: failed of {seen.requests:,} requests", str(seen.failed), "0", not seen.failed
    yield "answers that differ from the version they name", *_none(seen.mismatched)
    yield "requests after a change that the old version answered", *_none(seen.stale)
    yield "a change, ms", spread(seen.milliseconds, ".1f"), "", True


def retrainings(folder: Path) -> Iterator[Line]:
    seen = scenarios.retrainings(folder, turns=5, seconds=8.0)
    yield f"retrainings: failed of {seen.requests:,} requests", *_none(seen.failed)
    yield "answers that differ from the version they name", *_none(seen.notes["mismatched"])
    live = seen.notes["versions"]
    yield "versions that answered, the one at first and 5 trained", str(live), "6", live == 6
    yield from _contrast("training", seen)


def watchers(folder: Path) -> Iterator[Line]:
    seen = scenarios.watchers(folder, count=200, turns=5, seconds=6.0)
    yield f"200 watchers: failed of {seen.requests:,} requests", *_none(seen.failed)
    events = seen.notes["events received"]
    yield "events received in 30 s of watching", f"{events:,}", "≥ 6,000", events >= 6_000
    yield from _contrast("200 watchers", seen)


def service_kills(folder: Path) -> Iterator[Line]:
    seen = scenarios.service_kills(folder, 10)
    what = f"{seen.kills} SIGKILLs of a gunicorn worker, {seen.requests:,} requests"
    yield f"{what}: failed on the killed worker's connections", str(seen.in_flight), "", True
    yield "other failed requests, refused connections", *_none(seen.other)
    answered = seen.answered_at_stop
    yield (
        "graceful stop: requests answered after it began",
        str(answered),
        "> 0",
        answered > 0,
    )
    yield "graceful stop: failed requests", *_none(seen.failed_at_stop)
    yield "graceful stop: exit code", *_none(seen.exit_code)


def worker_kills(folder: Path) -> Iterator[Line]:
    seen = scenarios.worker_kills(folder, 20, 3.0)
    well = sum(state in scenarios.ENDED_WELL for state in seen.states)
    states = ", ".join(f"{seen.states.count(each)} {each}" for each in sorted(set(seen.states)))
    what = f"{seen.jobs} jobs, each with a SIGKILL of its worker: promoted or kept_back"
    yield what, f"{well} ({states})", str(seen.jobs), well == seen.jobs
    killed = sum(attempt > 1 for attempt in seen.attempts)
    half = seen.jobs // 2
    yield "jobs that the kill hit while they ran", str(killed), f"≥ {half}", killed >= half
    versions = sorted(set(seen.versions_per_job))
    yield "versions for each job", ", ".join(map(str, versions)), "1", versions == [1]
    yield "versions that do not verify", *_none(seen.refused)
    yield "seconds from the kill to the job's end", spread(seen.seconds_lost, ".1f"), "", True


def storage(folder: Path) -> Iterator[Line]:
    seen = scenarios.storage_faults(folder)
    yield f"models folder in trouble: failed of {seen.requests:,} requests", *_none(seen.failed)
    for what, said in seen.said.items():
        fault = what.startswith(("full", "read-only", "deleted")) and "readyz" not in what
        refused = said.startswith(("failed", "503"))
        yield what, said, "refused, with the reason" if fault else "done", refused == fault


def bad_candidates(folder: Path) -> Iterator[Line]:
    seen = scenarios.bad_candidates(folder)
    expected = {
        "none": "promoted: MSE",
        "corrupted": "failed: the file is damaged",
        "NaN": "failed: weights_0 holds numbers that are not finite",
        "other features": "kept_back: its features are",
    }
    for fault, said in seen.said.items():
        bar = "promoted" if fault == "none" else "not live, with the reason"
        yield f"a candidate, fault: {fault}", said, bar, said.startswith(expected[fault])
    yield "version live in the end", seen.live, "2, the one without fault", seen.live == "2"


def simultaneous(folder: Path) -> Iterator[Line]:
    seen = scenarios.simultaneous(folder, 50)
    figure = ", ".join(f"{count} × {status}" for status, count in seen.statuses.items())
    met = seen.statuses == {202: 1, 409: 49}
    yield "50 simultaneous POST /retrain", figure, "1 × 202, 49 × 409", met


def shared_database(folder: Path) -> Iterator[Line]:
    seen = scenarios.shared_database(folder, 8)
    well = sum(state in scenarios.ENDED_WELL for state in seen.states)
    what = "2 services, 2 workers, 1 PostgreSQL: jobs that ended well"
    yield what, f"{well} of {len(seen.states)}", "all", well == len(seen.states)
    yield "jobs running at one moment, at most", str(seen.most_at_once), "1", seen.most_at_once == 1
    each = sorted(set(seen.versions_per_job))
    yield "versions for each job", ", ".join(map(str, each)), "1", each == [1]
    yield "workers that worked (one was killed)", str(seen.workers), "2", seen.workers == 2
    slowest = max(seen.seconds_to_live, default=float("inf"))
    yield "promotion live on both services, s, at worst", f"{slowest:.3f}", "≤ 1", slowest <= 1


SCENARIOS: dict[str, Callable[[Path], Iterator[Line]]] = {
    "promotions": promotions,
    "retrainings": retrainings,
    "watchers": watchers,
    "service-kills": service_kills,
    "worker-kills": worker_kills,
    "storage": storage,
    "bad-candidates": bad_candidates,
    "simultaneous": simultaneous,
    "shared-database": shared_database,
}


def _none(count: int) -> tuple[str, str, bool]:
    return str(count), "0", count == 0


def _contrast(what: str, seen: scenarios.Contrast) -> Iterator[Line]:
    idle, busy = ([1000 * each for each in part] for part in (seen.idle, seen.busy))
    yield "p99 of /predict idle, ms", spread(idle), "", True
    yield f"p99 of /predict with {what}, ms", spread(busy), "", True
    ratio = sorted(seen.ratios)[len(seen.ratios) // 2]
    yield "ratio, turn by turn (the median counts)", spread(seen.ratios), "≤ 2", ratio <= 2


def main(names: list[str]) -> None:
    if "storage" in names and os.geteuid():
        sys.exit("the storage scenario mounts a small file system: run it as root")
    names = names or [name for name in SCENARIOS if name != "storage" or not os.geteuid()]
    print(machine("dbos", "gunicorn", "flask", "numpy"))
    if "storage" not in names:
        print("without the scenario `storage`, which mounts a small file system, as root can")
    print("\n| | | bar | |\n|---|---|---|---|")
    missed = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            for what, figure, bar, met in SCENARIOS[name](Path(folder)):
                missed += not met
                print(f"| {what} | {figure} | {bar} | {verdict(met) if bar else ''} |", flush=True)
    sys.exit(min(missed, 100))


if __name__ == "__main__":
    main(sys.argv[1:])
