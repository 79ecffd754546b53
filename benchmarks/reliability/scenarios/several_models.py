"""Three models in one service: promotions, rollbacks and retrainings while clients ask each."""

import random
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.installation import Installation, Service
from benchmarks.load.closed_loop import clients
from benchmarks.reliability.scenarios.versions import LONG_TRAINING, ROW, promote, publish
from registry import Models

NAMES = ("numnet", "pump", "valve")  # the default first
CHECKS = 4  # requests after each change, each on a connection of its own, so of either process


@dataclass(frozen=True)
class SeveralModels:
    """The outcome.

    Attributes
    ----------
    changes : promotions and rollbacks
    requests : of the clients, by model
    failed : of all clients
    mismatched : responses whose prediction is not that of the model's version that they name
    stale : requests sent after a change's response that another version answered
    states : of the retraining jobs, which run at the same time
    trained : versions of each model that a job trained, and that are that model's alone
    """

    changes: int
    requests: dict[str, int]
    failed: int
    mismatched: int
    stale: int
    states: list[str]
    trained: dict[str, int]


def run(folder: Path, changes: int, seconds: float, connections: int = 8) -> SeveralModels:
    """Change versions of three models again and again, and retrain all of them meanwhile.

    Parameters
    ----------
    seconds : of each retraining
    """
    with ExitStack() as stack:
        installation = stack.enter_context(
            Installation(folder, NUMNET_GATE_MARGIN="1000000", NUMNET_JOBS_AT_ONCE=str(len(NAMES)))
        )
        models = Models.local(installation.models, NAMES[0])
        registries = {name: models.registry(name) for name in NAMES}
        for index, registry in enumerate(registries.values()):
            promote(registry, publish(registry, range(3 * index, 3 * index + 3))[0])
        service = installation.start_service()
        installation.start_trainer()
        loads = {
            name: stack.enter_context(clients(service.port, connections, path=_predict(name)))
            for name in NAMES
        }
        stale = _change_versions(service, changes)
        jobs = [service.retrain(model=name, **LONG_TRAINING, max_seconds=seconds) for name in NAMES]
        documents = [service.finished(job) for job in jobs]
        time.sleep(1.0)  # for clients to ask the new versions
        accounts = {name: load.end() for name, load in loads.items()}
        return SeveralModels(
            changes,
            {name: len(account.answers) for name, account in accounts.items()},
            sum(account.failed for account in accounts.values()),
            sum(account.mismatches(registries[name]) for name, account in accounts.items()),
            stale,
            [document["state"] for document in documents],
            {
                name: sum("job" in registry.card(each) for each in registry.versions())
                for name, registry in registries.items()
            },
        )


def _predict(name: str) -> str:
    return "/predict" if name == NAMES[0] else f"/models/{name}/predict"


def _change_versions(service: Service, changes: int) -> int:
    """Promote and roll back versions of the models in turn; return the number of stale answers."""
    chooser, stale = random.Random(0), 0
    for number in range(changes):
        name = NAMES[number % len(NAMES)]
        base = "/models" if name == NAMES[0] else f"/models/{name}"
        path = f"{base}/rollback" if number % 5 == 4 else f"{base}/{chooser.randint(1, 3)}/promote"
        response = service.post(path)
        if response.status_code == 409:  # there is no earlier version
            response = service.post(f"{base}/1/promote")
        response.raise_for_status()
        current = response.json()["version"]
        stale += sum(_answering_version(service, name) != current for _ in range(CHECKS))
    return stale


def _answering_version(service: Service, name: str) -> str:
    response = requests.post(f"{service.url}{_predict(name)}", json=ROW, timeout=30)
    return str(response.json()["version"])
