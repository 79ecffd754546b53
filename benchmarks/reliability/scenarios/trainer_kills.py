"""SIGKILL of the trainer at a random moment of each of several jobs."""

import random
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.installation import Installation, Service
from benchmarks.reliability.scenarios.versions import LONG_TRAINING, publish_first
from benchmarks.waiting import wait_until
from registry import Card, Registry, RegistryError

BEFORE_SECONDS, AFTER_SECONDS = 0.5, 1.0  # a job's time in the queue, and its release


@dataclass(frozen=True)
class TrainerKills:
    """The outcome.

    Attributes
    ----------
    states, attempts, versions_per_job : one per job
    refused : versions that fail verification
    seconds_lost : from the kill to the job's end, one per job
    """

    jobs: int
    states: list[str]
    attempts: list[int]
    versions_per_job: list[int]
    refused: int
    seconds_lost: list[float]


def run(folder: Path, jobs: int, seconds: float) -> TrainerKills:
    """Kill the trainer once per job, start another one and wait for the job.

    The moments are spread over the whole job: its time in the queue, `seconds` of training, and its
    release.
    """
    with Installation(folder) as installation:
        publish_first(installation.registry)
        service = installation.start_service()
        trainer = installation.start_trainer()
        service.finished(service.retrain(layers=[4], samples=100, max_seconds=1))  # warm up
        chooser = random.Random(1)
        documents, seconds_lost = [], []
        for number in range(jobs):
            job = service.retrain(**LONG_TRAINING, max_seconds=seconds, seed=number)
            share = (number + chooser.random()) / jobs
            _wait_for_moment(service, job, share, seconds)
            trainer.kill()
            trainer.wait()
            killed = time.time()
            trainer = installation.start_trainer()
            documents.append(service.finished(job))
            seconds_lost.append(time.time() - killed)
        cards, refused = _verified_cards(installation.registry)
    return TrainerKills(
        jobs,
        [each["state"] for each in documents],
        [each.get("attempt", 0) for each in documents],
        [sum(card.get("job") == each["id"] for card in cards) for each in documents],
        refused,
        seconds_lost,
    )


def _wait_for_moment(service: Service, job: str, share: float, seconds: float) -> None:
    """Wait until that share of the job's time has passed."""
    moment = share * (BEFORE_SECONDS + seconds + AFTER_SECONDS) - BEFORE_SECONDS
    if moment < 0.0:
        time.sleep(BEFORE_SECONDS + moment)
    else:
        wait_until(lambda: "worker" in service.get(job))
        time.sleep(moment)


def _verified_cards(registry: Registry) -> tuple[list[Card], int]:
    """Return the cards of the versions that pass verification, and the number of the others."""
    cards, refused = [], 0
    for version in registry.versions():
        try:
            cards.append(registry.load(version).card)
        except RegistryError:
            refused += 1
    return cards, refused
