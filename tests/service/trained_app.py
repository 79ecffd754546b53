"""An application with trained versions and a jobs database, but without a trainer."""

from pathlib import Path

from flask import Flask

from config import Settings
from registry import Registry
from service.app import create_app
from tests.service.small_models import promote
from trainer.data.synthetic import synthetic_table
from trainer.training.recipe import Recipe
from trainer.training.training import train

TOKEN = "an-admin-t0ken-of-tests"


def trained_app(folder: Path, versions: int = 1) -> Flask:
    """Return an application whose versions were trained and promoted in order."""
    settings = Settings(
        models=folder / "models",
        state=folder / "state",
        data=folder / "data",
        admin_token=TOKEN,
        max_body_bytes=64 * 1024,
    )
    publish_trained(Registry.local(settings.models), versions)
    return create_app(settings)


def publish_trained(registry: Registry, versions: int, rows: int = 60) -> None:
    """Train, publish and promote small versions of the example task in order."""
    for seed in range(versions):
        recipe = Recipe(layers=(3,), solver="l-bfgs", epochs=3, seed=seed)
        trained = train(synthetic_table(rows, seed), recipe)
        version = registry.publish(
            trained.model,
            trained.card,
            trained.golden_inputs,
            trained.calibration,
            held_out=trained.held_out,
        )
        promote(registry, version.number)
