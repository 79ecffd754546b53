"""A trainer with the fault that a job's seed selects: `python -m tests.trainer.faulty_trainer`.

Jobs with other seeds run as usual, except that their checkpoints are written more often.
"""

import os
import signal
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from network import Model, numbers
from registry import Promotion, Registry, Version, models
from tests.single_network import network
from trainer import worker
from trainer.data.table import Table
from trainer.jobs import execution, executor
from trainer.jobs.execution import Retraining
from trainer.training.recipe import Recipe
from trainer.training.trained import Trained
from trainer.training.training import train

HANGS, CRASHES, CRASHES_BEFORE_PROMOTION, NOT_FINITE, OTHER_FEATURES, DAMAGED = range(101, 107)
FAULTY = ("-m", "tests.trainer.faulty_trainer")


class FaultyRetraining(Retraining):
    def run(self) -> dict[str, Any]:
        if self.request.make_recipe().seed == CRASHES:
            _crash()
        return super().run()


def faulty_train(table: Table, recipe: Recipe, **hooks: Any) -> Trained:
    while recipe.seed == HANGS:
        pass  # without asking whether to stop
    trained = train(table, recipe, **hooks)
    model = network(trained.model)
    if recipe.seed == NOT_FINITE:
        _spoil(model)
    if recipe.seed == OTHER_FEATURES:
        return replace(trained, model=replace(model, columns=numbers(tuple("pqrs"))))
    return trained


class FaultyRegistry(Registry):
    _seed = None

    def publish(self, *arguments: Any, **options: Any) -> Version:
        version = super().publish(*arguments, **options)
        self._seed = version.card["recipe"]["seed"]
        if self._seed == DAMAGED:
            path = self._storage.root / f"{version.number}.npz"  # type: ignore[attr-defined]  # it is local
            path.write_bytes(path.read_bytes()[:-100])
        return version

    def promote(self, version: int, **how: Any) -> Promotion:
        if self._seed == CRASHES_BEFORE_PROMOTION:
            _crash()
        return super().promote(version, **how)


def _spoil(model: Model) -> None:
    """Set the weights to NaN without the model's own checks."""
    object.__setattr__(model, "theta", np.full_like(model.theta, np.nan))


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    patch = pytest.MonkeyPatch()
    patch.setattr(execution, "train", faulty_train)
    patch.setattr(models, "Registry", FaultyRegistry)
    patch.setattr(execution, "CHECKPOINT_SECONDS", 0.1)
    patch.setattr(executor, "Retraining", FaultyRetraining)
    worker.main()
