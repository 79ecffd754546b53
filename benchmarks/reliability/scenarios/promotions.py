"""Promotions and rollbacks while clients send requests."""

import random
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.installation import Installation, Service
from benchmarks.load.closed_loop import clients
from benchmarks.reliability.scenarios.versions import ROW, promote, publish

CHECKS = 4  # requests after each change, each on a connection of its own, so of either process


@dataclass(frozen=True)
class Promotions:
    """The outcome.

    Attributes
    ----------
    changes : promotions and rollbacks
    requests, failed : of the clients
    mismatched : responses whose prediction is not that of the version they name
    stale : requests sent after a change's response that another version answered
    milliseconds : the latency of each change
    """

    changes: int
    requests: int
    failed: int
    mismatched: int
    stale: int
    milliseconds: list[float]


def run(folder: Path, changes: int, connections: int = 16) -> Promotions:
    """Change the current version again and again, and check which version answers."""
    with Installation(folder) as installation:
        versions = publish(installation.registry, range(4))
        promote(installation.registry, versions[0])
        service = installation.start_service()
        chooser = random.Random(0)
        stale, milliseconds, current = 0, [], str(versions[0])
        with clients(service.port, connections) as load:
            for number in range(changes):
                others = [each for each in versions if str(each) != current]
                began = time.perf_counter()
                current = _change(service, chooser.choice(others), rollback=number % 3 == 2)
                milliseconds.append((time.perf_counter() - began) * 1000)
                stale += _count_stale(service, current)
            account = load.end()
        return Promotions(
            changes,
            len(account.answers),
            account.failed,
            account.mismatches(installation.registry),
            stale,
            milliseconds,
        )


def _change(service: Service, version: int, *, rollback: bool) -> str:
    """Promote a version, or roll back if possible; return the version that is current then."""
    response = service.post("/models/rollback" if rollback else f"/models/{version}/promote")
    if rollback and response.status_code == 409:  # there is no earlier version
        response = service.post(f"/models/{version}/promote")
    response.raise_for_status()
    return str(response.json()["version"])


def _count_stale(service: Service, current: str) -> int:
    responses = [
        requests.post(f"{service.url}/predict", json=ROW, timeout=30).json() for _ in range(CHECKS)
    ]
    return sum(each["version"] != current for each in responses)
