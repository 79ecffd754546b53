"""Two services and two trainers that share a PostgreSQL database."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from benchmarks.installation import Installation, Service, postgresql
from benchmarks.reliability.scenarios.versions import ROW, publish_first
from benchmarks.waiting import wait_until

OPTIONS: dict[str, Any] = {"layers": [8], "samples": 400, "max_seconds": 1.5}
JOB_SECONDS = 60


@dataclass(frozen=True)
class Shared:
    """The outcome.

    Attributes
    ----------
    states, versions_per_job : one per job
    most_at_once : the largest number of jobs that were running at the same moment
    trainers : that ran jobs; one of them was killed halfway
    seconds_to_current : from a promotion until both services answered with the version
    """

    states: list[str]
    most_at_once: int
    trainers: int
    versions_per_job: list[int]
    seconds_to_current: list[float]


def run(folder: Path, jobs: int) -> Shared:
    """Start jobs at one service, watch them at the other, and kill a trainer halfway."""
    with (
        postgresql(folder / "postgresql") as url,
        Installation(folder / "rest", NUMNET_DATABASE_URL=url) as installation,
    ):
        first = publish_first(installation.registry)
        services = [installation.start_service(processes=1) for _ in range(2)]
        trainers = {each.pid: each for each in (installation.start_trainer() for _ in range(2))}
        documents, seconds, most_at_once = [], [], 0
        for number in range(jobs):
            service, other = services[number % 2], services[(number + 1) % 2]
            job = service.retrain(**OPTIONS, seed=number)
            if number == jobs // 2:
                _kill_trainer_of(service, job, trainers)
            most_at_once = max(most_at_once, _most_running(service, other, job))
            documents.append(service.get(job))
            service.post(f"/models/{first}/promote").raise_for_status()
            version = documents[-1]["result"]["version"]
            seconds.append(_seconds_to_current(service, services, version))
        registry = installation.registry
        owners = [registry.card(each).get("job") for each in registry.versions()]
    return Shared(
        [each["state"] for each in documents],
        most_at_once,
        len({each["worker"] for each in documents}),
        [owners.count(each["id"]) for each in documents],
        seconds,
    )


def _kill_trainer_of(
    service: Service, job: str, trainers: dict[int, "subprocess.Popen[bytes]"]
) -> None:
    wait_until(lambda: "worker" in service.get(job))
    pid = int(service.get(job)["worker"].rpartition(":")[2])
    trainers[pid].kill()


def _most_running(service: Service, other: Service, job: str) -> int:
    """Wait for a job; return the most jobs that the other service listed as running meanwhile."""
    most, deadline = 0, time.monotonic() + JOB_SECONDS
    while service.get(job)["state"] in ("queued", "running") and time.monotonic() < deadline:
        other.post("/retrain", {"samples": 100})  # refused while the job runs
        listed = other.get("/retrain")["jobs"]
        most = max(most, sum(each["state"] == "running" for each in listed))
    for each in service.get("/retrain")["jobs"]:  # one may be accepted as the job ends
        service.finished(f"/retrain/{each['id']}")
    return most


def _seconds_to_current(service: Service, services: Sequence[Service], version: int) -> float:
    """Promote a version and return the seconds until all services answer with it."""
    service.post(f"/models/{version}/promote").raise_for_status()
    promoted = time.time()
    wait_until(lambda: all(_answers_with(each, version) for each in services), every=0.005)
    return time.time() - promoted


def _answers_with(service: Service, version: int) -> bool:
    document = requests.post(f"{service.url}/predict", json=ROW, timeout=30).json()
    return bool(document["version"] == str(version))
