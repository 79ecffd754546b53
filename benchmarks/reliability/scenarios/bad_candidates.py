"""Candidates that are damaged, have NaN weights, or other features: none may become current."""

import re
from dataclasses import dataclass
from pathlib import Path

from benchmarks.installation import Installation
from benchmarks.reliability.scenarios.versions import publish_first
from tests.trainer import faulty_trainer

SEEDS = {
    "none": 0,
    "corrupted": faulty_trainer.DAMAGED,
    "NaN": faulty_trainer.NOT_FINITE,
    "other features": faulty_trainer.OTHER_FEATURES,
}
EXPECTED = {  # patterns of state and reason
    "none": "promoted: .",
    "corrupted": "failed: .*checksum",
    "NaN": "failed: .*not finite",
    "other features": "kept_back: .*p, q, r, s.*x1, x2, x3, x4",
}


@dataclass(frozen=True)
class BadCandidates:
    """The outcome.

    Attributes
    ----------
    outcomes : state and reason of the job with each fault
    current : the version that is current in the end
    """

    outcomes: dict[str, str]
    current: str

    def is_expected(self, fault: str) -> bool:
        """Return whether a job ended in the expected state, for the expected reason."""
        return re.match(EXPECTED[fault], self.outcomes[fault]) is not None


def run(folder: Path) -> BadCandidates:
    """Run a job for each fault with a trainer that has it."""
    with Installation(folder) as installation:
        publish_first(installation.registry)
        service = installation.start_service()
        installation.start_trainer("tests.trainer.faulty_trainer")
        outcomes: dict[str, str] = {}
        for fault, seed in SEEDS.items():
            job = service.finished(service.retrain(layers=[16], max_seconds=2, seed=seed))
            reason = job.get("result", {}).get("verdict", {}).get("reason")
            outcomes[fault] = f"{job['state']}: {job.get('error') or reason}"
        return BadCandidates(outcomes, service.get("/models")["current"])
