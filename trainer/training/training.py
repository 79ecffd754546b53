"""From a table to a trained model with its card: plan, fit, evaluate."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from network import Rows
from trainer.data.table import Table
from trainer.evaluation.regression_metrics import regression_metrics
from trainer.evaluation.residual_report import residual_report
from trainer.solvers import State
from trainer.training.card import find_warnings
from trainer.training.checkpoint import Checkpoint
from trainer.training.choice import train_best
from trainer.training.course import Course
from trainer.training.ensemble_training import train_ensemble
from trainer.training.epoch import Epoch
from trainer.training.identity import version_identity
from trainer.training.network_training import train_network
from trainer.training.recipe import AUTO, ENSEMBLE, Recipe
from trainer.training.trained import Trained
from trainer.training.watchdog import GRACE_SECONDS, Watchdog


def train(
    table: Table,
    recipe: Recipe,
    *,
    test: Rows | None = None,
    jobs: int | None = None,
    checkpoint: Checkpoint | None = None,
    resume: State | None = None,
    watch: Callable[[Epoch], None] = lambda epoch: None,
    decided: Callable[[list[str]], None] = lambda reasons: None,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Trained:
    """Train a model on a table by a recipe.

    The same table and recipe give the same weights, unless the time limit ends the training.

    Parameters
    ----------
    test : rows of another table, in the columns of this one, to test the model on
    jobs : threads to train members of an ensemble on; by default one per usable processor. They do
        not change the weights
    checkpoint : to which the training is saved regularly
    resume : a state read from a checkpoint, to continue from with the same bits
    watch : called with every epoch
    decided : called with what the recipe left open and how it was decided
    stop, clock : as `trainer.training.watchdog.Watchdog` takes them
    now : returns the date and time for the card

    Raises
    ------
    TrainingFailed
        nothing better than the random start was found, because the training diverged or its time
        limit was too short.
    RecipeError, ArchitectureError
        the recipe's layers, activation or solver are not suited to the table.
    """
    course = Course(
        watchdog=Watchdog(recipe.max_seconds, clock, stop, GRACE_SECONDS),
        jobs=jobs,
        checkpoint=checkpoint,
        resume=resume,
        watch=watch,
        decided=decided,
    )
    method = train_network
    if recipe.solver == ENSEMBLE:
        method = train_ensemble
    elif recipe.solver == AUTO and not recipe.of_one_network:
        method = train_best
    with np.errstate(all="ignore"):  # a training that overflows ends as diverged
        trained = method(table, recipe, course, now)
        if test is not None:
            _add_test(trained, test)
    trained.card["warnings"] = find_warnings(trained.card)
    trained.card["identity"] = version_identity(table, recipe)
    return trained


def _add_test(trained: Trained, test: Rows) -> None:
    """Add the errors on rows of another table to the card."""
    Y_hat = trained.model.predict(test.X)
    targets = trained.model.targets
    metrics = regression_metrics(Y_hat, test.Y, targets, test.weights) | {"rows": len(test)}
    trained.card["metrics"]["test_file"] = metrics
    order = np.random.default_rng(0).permutation(len(test))  # the file's may be by size
    trained.card["test_file_report"] = residual_report(Y_hat[order], test.Y[order], targets)
