"""Promotions, retrainings, kills and faults under load, each scenario at full size."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.installation import Installation
from benchmarks.reliability.scenarios import (
    bad_candidates,
    promotions,
    retrainings,
    server_kills,
    several_models,
    shared_database,
    simultaneous_jobs,
    storage_faults,
    trainer_kills,
    watchers,
)
from benchmarks.reliability.scenarios.contrast import Contrast
from benchmarks.reliability.scenarios.versions import SUCCEEDED
from benchmarks.report import machine, spread, verdict

Line = tuple[str, str, str, bool]  # what was measured, the figure, the bar, whether it is met


def promotion_lines(folder: Path) -> Iterator[Line]:
    seen = promotions.run(folder, 200)
    what = f"{seen.changes} promotions and rollbacks, 16 clients"
    yield f"{what}: failed of {seen.requests:,} requests", *_none(seen.failed)
    yield "responses that differ from the version they name", *_none(seen.mismatched)
    yield "requests after a change that the old version answered", *_none(seen.stale)
    yield "a change, ms", spread(seen.milliseconds, ".1f"), "", True


def retraining_lines(folder: Path) -> Iterator[Line]:
    seen = retrainings.run(folder, turns=5, seconds=8.0)
    yield f"retrainings: failed of {seen.requests:,} requests", *_none(seen.failed)
    yield "responses that differ from the version they name", *_none(seen.notes["mismatched"])
    answered = seen.notes["versions"]
    yield "versions that answered, the first one and 5 trained", str(answered), "6", answered == 6
    yield from _contrast_lines("training", seen)


def several_model_lines(folder: Path) -> Iterator[Line]:
    seen = several_models.run(folder, changes=150, seconds=8.0)
    requests, least = sum(seen.requests.values()), min(seen.requests.values())
    what = f"3 models, {seen.changes} promotions and rollbacks, 3 jobs"
    yield f"{what}: failed of {requests:,} requests", *_none(seen.failed)
    yield "requests of the model that was asked least", f"{least:,}", "> 0", least > 0
    yield "responses that differ from their model's version", *_none(seen.mismatched)
    yield "requests after a change that the old version answered", *_none(seen.stale)
    promoted = seen.states.count("promoted")
    yield "jobs promoted, of three at once", str(promoted), "3", promoted == len(seen.states) == 3
    yield "versions that a job trained, of each model", *_all_one(list(seen.trained.values()))


def watcher_lines(folder: Path) -> Iterator[Line]:
    with Installation(folder) as installation:
        seen = watchers.run(installation, count=200, turns=5, seconds=6.0)
    yield f"200 watchers: failed of {seen.requests:,} requests", *_none(seen.failed)
    events = seen.notes["events"]
    yield "events received in 30 s of watching", f"{events:,}", "≥ 6,000", events >= 6_000
    yield from _contrast_lines("200 watchers", seen)


def server_kill_lines(folder: Path) -> Iterator[Line]:
    seen = server_kills.run(folder, 10)
    what = f"{seen.kills} SIGKILLs of a server process, {seen.requests:,} requests"
    yield f"{what}: failed on the killed process's connections", str(seen.in_flight), "", True
    yield "other failed requests, refused connections", *_none(seen.other)
    answered = seen.answered_at_stop
    yield "graceful stop: requests answered after it began", str(answered), "> 0", answered > 0
    yield "graceful stop: failed requests", *_none(seen.failed_at_stop)
    yield "graceful stop: exit code", *_none(seen.exit_code)


def trainer_kill_lines(folder: Path) -> Iterator[Line]:
    seen = trainer_kills.run(folder, 20, 3.0)
    well = sum(state in SUCCEEDED for state in seen.states)
    states = ", ".join(f"{seen.states.count(each)} {each}" for each in sorted(set(seen.states)))
    what = f"{seen.jobs} jobs, each with a SIGKILL of its trainer: promoted or kept_back"
    yield what, f"{well} ({states})", str(seen.jobs), well == seen.jobs
    killed = sum(attempt > 1 for attempt in seen.attempts)
    half = seen.jobs // 2
    yield "jobs that were running at the kill", str(killed), f"≥ {half}", killed >= half
    yield "versions per job", *_all_one(seen.versions_per_job)
    yield "versions that fail verification", *_none(seen.refused)
    yield "seconds from the kill to the job's end", spread(seen.seconds_lost, ".1f"), "", True


def storage_lines(folder: Path) -> Iterator[Line]:
    seen = storage_faults.run(folder)
    yield f"models folder with faults: failed of {seen.requests:,} requests", *_none(seen.failed)
    for what, answer in seen.answers.items():
        fault = what.startswith(("full", "read-only", "deleted")) and "readyz" not in what
        refused = answer.startswith(("failed", "503"))
        yield what, answer, "refused, with the reason" if fault else "done", refused == fault


def candidate_lines(folder: Path) -> Iterator[Line]:
    seen = bad_candidates.run(folder)
    for fault, outcome in seen.outcomes.items():
        bar = "promoted" if fault == "none" else "not promoted, with the reason"
        yield f"a candidate, fault: {fault}", outcome, bar, seen.is_expected(fault)
    met = seen.current == "2"
    yield "current version in the end", seen.current, "2, the one without fault", met


def simultaneous_lines(folder: Path) -> Iterator[Line]:
    statuses = simultaneous_jobs.run(folder, 50)
    figure = ", ".join(f"{count} × {status}" for status, count in statuses.items())
    met = statuses == {202: 1, 409: 49}
    yield "50 simultaneous POST /retrain", figure, "1 × 202, 49 × 409", met


def database_lines(folder: Path) -> Iterator[Line]:
    seen = shared_database.run(folder, 8)
    well = sum(state in SUCCEEDED for state in seen.states)
    what = "2 services, 2 trainers, 1 PostgreSQL: jobs promoted or kept_back"
    yield what, f"{well} of {len(seen.states)}", "all", well == len(seen.states)
    yield "most jobs running at one moment", str(seen.most_at_once), "1", seen.most_at_once == 1
    yield "versions per job", *_all_one(seen.versions_per_job)
    yield "trainers that ran jobs (one was killed)", str(seen.trainers), "2", seen.trainers == 2
    slowest = max(seen.seconds_to_current, default=float("inf"))
    what = "slowest promotion until both services use it, s"
    yield what, f"{slowest:.3f}", "≤ 1", slowest <= 1


SCENARIOS: dict[str, Callable[[Path], Iterator[Line]]] = {
    "promotions": promotion_lines,
    "retrainings": retraining_lines,
    "several-models": several_model_lines,
    "watchers": watcher_lines,
    "server-kills": server_kill_lines,
    "trainer-kills": trainer_kill_lines,
    "storage": storage_lines,
    "bad-candidates": candidate_lines,
    "simultaneous": simultaneous_lines,
    "shared-database": database_lines,
}


def _none(count: int) -> tuple[str, str, bool]:
    return str(count), "0", count == 0


def _all_one(counts: list[int]) -> tuple[str, str, bool]:
    return ", ".join(map(str, sorted(set(counts)))), "1", set(counts) == {1}


def _contrast_lines(what: str, seen: Contrast) -> Iterator[Line]:
    idle, busy = ([1000 * each for each in part] for part in (seen.idle, seen.busy))
    yield "p99 of /predict idle, ms", spread(idle), "", True
    yield f"p99 of /predict with {what}, ms", spread(busy), "", True
    ratio = sorted(seen.ratios)[len(seen.ratios) // 2]
    yield "ratio within a turn (bar on the median)", spread(seen.ratios), "≤ 2", ratio <= 2


def main(names: list[str]) -> None:
    if "storage" in names and os.geteuid():
        sys.exit("the scenario storage mounts a small file system: run it as root")
    names = names or [name for name in SCENARIOS if name != "storage" or not os.geteuid()]
    print(machine("dbos", "gunicorn", "flask", "numpy"))
    if "storage" not in names:
        print("without the scenario storage, which mounts a small file system and needs root")
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
