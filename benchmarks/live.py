"""What holds while models change under load, kill and fault; see `benchmarks/scenarios.py`."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import scenarios
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
    yield from _contrast("training", seen)


def watchers(folder: Path) -> Iterator[Line]:
    seen = scenarios.watchers(folder, count=200, turns=5, seconds=6.0)
    yield f"200 watchers: failed of {seen.requests:,} requests", *_none(seen.failed)
    yield "events received by them", f"{seen.notes['events received']:,}", "", True
    yield from _contrast("200 watchers", seen)


def service_kills(folder: Path) -> Iterator[Line]:
    seen = scenarios.service_kills(folder, 10)
    what = f"{seen.kills} SIGKILLs of a gunicorn worker, {seen.requests:,} requests"
    yield f"{what}: failed in flight", str(seen.in_flight), "≤ 16 a kill", seen.in_flight <= 160
    yield "other failed requests", *_none(seen.other)
    yield "graceful stop: failed requests", *_none(seen.failed_at_stop)
    yield "graceful stop: exit code", *_none(seen.exit_code)


def worker_kills(folder: Path) -> Iterator[Line]:
    seen = scenarios.worker_kills(folder, 20, 3.0)
    well = sum(state in scenarios.ENDED_WELL for state in seen.states)
    states = ", ".join(f"{seen.states.count(each)} {each}" for each in sorted(set(seen.states)))
    what = f"{seen.jobs} jobs, each with a SIGKILL of its worker: promoted or kept_back"
    yield what, f"{well} ({states})", str(seen.jobs), well == seen.jobs
    killed = sum(attempt > 1 for attempt in seen.attempts)
    yield "jobs that the kill hit while they ran", str(killed), "", True
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
    for fault, said in seen.said.items():
        yield f"a candidate: {fault}", said, "not live", not said.startswith("promoted")
    same = seen.live_before == seen.live_after
    yield "version live before and after", f"{seen.live_before}, {seen.live_after}", "same", same


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
    yield "workers that worked (one was killed)", str(seen.workers), "2", seen.workers == 2
    slowest = max(seen.seconds_to_live)
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
    yield "ratio, turn by turn", spread(seen.ratios), "≤ 2", ratio <= 2


def main(names: list[str]) -> None:
    if "storage" in names and os.geteuid():
        sys.exit("the storage scenario mounts a small file system: run it as root, or name others")
    print(machine("dbos", "gunicorn", "flask", "numpy"))
    print("\n| | | bar | |\n|---|---|---|---|")
    missed = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            for what, figure, bar, met in SCENARIOS[name](Path(folder)):
                missed += not met
                print(f"| {what} | {figure} | {bar} | {verdict(met) if bar else ''} |", flush=True)
    sys.exit(min(missed, 100))


if __name__ == "__main__":
    main(sys.argv[1:] or list(SCENARIOS))
