"""Model versions for the scenarios, trained for a moment on the example task."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from registry import Registry
from trainer.data.synthetic import synthetic_table
from trainer.training.recipe import Recipe
from trainer.training.training import train

ROW = dict.fromkeys(("x1", "x2", "x3", "x4"), 0.25)

# Options of a retraining that takes all the time it is given.
LONG_TRAINING: dict[str, Any] = {
    "layers": [32, 16],
    "samples": 5000,
    "epochs": 2**40,
    "patience": 2**40,
}
SUCCEEDED = ("promoted", "kept_back")  # states of jobs


def publish(registry: Registry, seeds: Sequence[int]) -> list[int]:
    """Publish a version for each seed and return their numbers."""
    versions = []
    for seed in seeds:
        recipe = Recipe(layers=(8,), seed=seed, epochs=20, starts=1)
        trained = train(synthetic_table(400, seed), recipe)
        version = registry.publish(trained.model, trained.card, trained.golden_inputs)
        versions.append(version.number)
    return versions


def promote(registry: Registry, version: int) -> None:
    """Make a version the current one."""
    registry.promote(version, by="a scenario", reason="first version", at=datetime.now(UTC))


def publish_first(registry: Registry) -> int:
    """Publish a version, make it the current one and return its number."""
    [version] = publish(registry, [0])
    promote(registry, version)
    return version
