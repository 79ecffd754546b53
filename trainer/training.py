"""From rows to a model with its card: split, scale, fit, evaluate."""

import math
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from network import Architecture, Array, Backpropagation, Model, Scaling, initial_parameters
from trainer.errors import TrainingFailed
from trainer.fit import Epoch, Fit, Limits, Stopped, fit
from trainer.metrics import regression_metrics
from trainer.optimizers import SOLVERS
from trainer.recipe import Recipe
from trainer.schedules import SCHEDULES
from trainer.split import Rows, Split, split
from trainer.table import Table

GOLDEN_ROWS = 8
HISTORY_POINTS = 200
VALIDATION_BLOCK = 1024  # rows


@dataclass(frozen=True, eq=False)
class Trained:
    """A model ready to be published.

    Attributes
    ----------
    card : as the registry stores it, without the version's number
    golden_inputs : (a few, features) float64, rows of the test split
    """

    model: Model
    card: dict[str, Any]
    golden_inputs: Array
    stopped: Stopped
    seconds: float

    @property
    def metrics(self) -> dict[str, Any]:
        """MSE, RMSE and R² on the test rows."""
        metrics: dict[str, Any] = self.card["metrics"]["test"]
        return metrics


def train(
    table: Table,
    recipe: Recipe,
    *,
    watch: Callable[[Epoch], None] = lambda epoch: None,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Trained:
    """Train a network on a table as the recipe says. Same table and recipe, same weights,
    unless the time limit ends it.

    Parameters
    ----------
    watch, stop, clock : as `trainer.fit.fit` takes them
    now : the time of day for the card

    Raises
    ------
    TrainingFailed
        nothing better than the random start was found, be it for divergence or lack of time.
    ArchitectureError
        the recipe's layers or activation make no network.
    """
    started = clock()
    split_rng, initial_rng, batch_rng = np.random.default_rng(recipe.seed).spawn(3)
    rows = split(table, split_rng)
    feature_scaling, target_scaling = Scaling.of(rows.train.X), Scaling.of(rows.train.Y)

    def scaled(part: Rows) -> Rows:
        return Rows(feature_scaling.apply(part.X), target_scaling.apply(part.Y))

    architecture = Architecture(
        (len(table.features), *recipe.layers, len(table.targets)), recipe.activation
    )
    batch_size = min(recipe.batch_size, len(rows.train))
    with np.errstate(all="ignore"):  # a training that overflows ends as diverged
        outcome = fit(
            initial_parameters(architecture, initial_rng),
            scaled(rows.train),
            scaled(rows.validation),
            Backpropagation(architecture, max(batch_size, VALIDATION_BLOCK)),
            SOLVERS[recipe.solver].make(architecture.parameters),
            schedule=SCHEDULES[recipe.schedule],
            learning_rate=recipe.rate(),
            batch_size=batch_size,
            limits=Limits(
                epochs=recipe.epochs_for(len(rows.train)),
                patience=recipe.patience_for(len(rows.train)),
                seconds=recipe.max_seconds,
            ),
            rng=batch_rng,
            clock=clock,
            watch=watch,
            stop=stop,
        )
    if outcome.best_epoch == 0 and outcome.stopped is not Stopped.INTERRUPTED:
        diverged = outcome.stopped is Stopped.DIVERGED
        advice = f": try a learning rate below {recipe.rate():g}" if diverged else ""
        raise TrainingFailed(
            f"the training ended ({outcome.stopped}) before it found anything better than its "
            f"random start{advice}"
        )
    model = Model(
        architecture=architecture,
        theta=outcome.theta,
        feature_scaling=feature_scaling,
        target_scaling=target_scaling,
        features=table.features,
        targets=table.targets,
        feature_range=np.vstack([rows.train.X.min(axis=0), rows.train.X.max(axis=0)]),
    )
    with np.errstate(all="ignore"):
        metrics = regression_metrics(model.predict(rows.test.X), rows.test.Y, table.targets)
    if not math.isfinite(metrics["mse"]):
        raise TrainingFailed("the predictions for the test rows, or their errors, are not finite")
    seconds = clock() - started
    return Trained(
        model=model,
        card={
            "created_at": now().isoformat(timespec="seconds"),
            "recipe": recipe.as_card(len(rows.train)),
            "data": {
                "source": table.source,
                "fingerprint": table.fingerprint(),
                "rows": _row_counts(rows),
            },
            "metrics": {"test": metrics},
            "training": _training_record(outcome, seconds),
            "libraries": {"python": platform.python_version(), "numpy": np.__version__},
        },
        golden_inputs=rows.test.X[:GOLDEN_ROWS],
        stopped=outcome.stopped,
        seconds=seconds,
    )


def _row_counts(rows: Split) -> dict[str, int]:
    return {
        "train": len(rows.train),
        "validation": len(rows.validation),
        "test": len(rows.test),
    }


def _training_record(outcome: Fit, seconds: float) -> dict[str, Any]:
    history = outcome.history
    every = -(-len(history) // HISTORY_POINTS) or 1
    thinned = history[::every] + ([history[-1]] if (len(history) - 1) % every else [])
    return {
        "stopped": outcome.stopped,
        "seconds": round(seconds, 3),
        "epochs": len(history),
        "best_epoch": outcome.best_epoch,
        "history": [
            {key: value for key, value in asdict(epoch).items() if key != "epochs"}
            for epoch in thinned
        ],
    }
