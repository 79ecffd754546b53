"""From rows to a model with its card: split, scale, fit, evaluate."""

import math
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from network import Architecture, Array, Calibration, Model, Rows, Scaling
from trainer.data.split import Split, split
from trainer.data.table import Table
from trainer.errors import TrainingFailed
from trainer.evaluation.interval_calibration import calibrate, calibration_report
from trainer.evaluation.regression_metrics import regression_metrics, share_below
from trainer.evaluation.test_report import test_report
from trainer.solvers import BAYESIAN, Solver, State
from trainer.solvers.multi_start import MultiStart
from trainer.solvers.objective import Objective
from trainer.solvers.switching import SwitchingSolver
from trainer.solvers.validation_loss import ValidationLoss
from trainer.training.checkpoint import Checkpoint
from trainer.training.fit import Epoch, Fit, fit
from trainer.training.plan import Plan, make_plan, make_solver
from trainer.training.recipe import Recipe
from trainer.training.watchdog import Halt, Stopped, Watchdog

GOLDEN_ROWS = 8
HISTORY_POINTS = 200
GRACE_SECONDS = 0.5  # of an iteration; a training that ends between two can be resumed from there
STATE_FORMAT = 3  # to be raised where solvers or the split change: no checkpoint outlives its code


@dataclass(frozen=True, eq=False)
class Trained:
    """A model ready to be published.

    Attributes
    ----------
    card : as the registry stores it, without the version's number
    golden_inputs : (a few, features) float64, rows of the test split
    calibration : from the test split
    """

    model: Model
    card: dict[str, Any]
    golden_inputs: Array
    calibration: Calibration
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
    checkpoint: Checkpoint | None = None,
    resume: State | None = None,
    watch: Callable[[Epoch], None] = lambda epoch: None,
    decided: Callable[[list[str]], None] = lambda reasons: None,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Trained:
    """Train a network on a table as the recipe says. Same table and recipe, same weights,
    unless the time limit ends it.

    Parameters
    ----------
    checkpoint : where the training is saved now and then
    resume : what was read from a checkpoint, to go on from to the same weights
    watch : as `trainer.training.fit.fit` takes it
    decided : told what the recipe left open, and how that was decided
    stop, clock : as `trainer.training.watchdog.Watchdog` takes them
    now : the time of day for the card

    Raises
    ------
    TrainingFailed
        nothing better than the random start was found, be it for divergence or lack of time.
    RecipeError, ArchitectureError
        the recipe's layers, activation or solver make no training.
    """
    watchdog = Watchdog(recipe.max_seconds, clock, stop, GRACE_SECONDS)
    split_rng, initial_rng = np.random.default_rng(recipe.seed).spawn(2)
    rows = split(table, split_rng)
    feature_scaling, target_scaling = Scaling.of(rows.train.X), Scaling.of(rows.train.Y)

    def scaled(part: Rows) -> Rows:
        weights = None if part.weights is None else part.weights / part.weights.mean()
        return Rows(feature_scaling.apply(part.X), target_scaling.apply(part.Y), weights)

    architecture = Architecture(
        (len(table.features), *recipe.layers, len(table.targets)), recipe.activation
    )
    plan = make_plan(recipe, architecture, len(rows.train))
    decided(list(plan.reasons))
    loss = recipe.make_loss()
    objective = Objective(architecture, scaled(rows.train), loss, recipe.penalty, watchdog.poll)
    validation = ValidationLoss(architecture, scaled(rows.validation), loss)
    feature_range = np.vstack([rows.train.X.min(axis=0), rows.train.X.max(axis=0)])

    def model_of(theta: Array) -> Model:
        return Model(
            architecture=architecture,
            theta=theta,
            feature_scaling=feature_scaling,
            target_scaling=target_scaling,
            features=table.features,
            targets=table.targets,
            feature_range=feature_range,
        )

    def metrics_of(Y_hat: Array, part: Rows) -> dict[str, Any]:
        return regression_metrics(Y_hat, part.Y, table.targets, part.weights)

    def suffices(theta: Array) -> bool:  # the test rows have no say in when to stop
        if recipe.target_mse is None:
            return False
        Y_hat = model_of(theta).predict(rows.validation.X)
        mse: float = metrics_of(Y_hat, rows.validation)["mse"]
        return mse <= recipe.target_mse

    with np.errstate(all="ignore"):  # a training that overflows ends as diverged
        try:
            solver = make_solver(plan, architecture, objective, validation, initial_rng)
            outcome = fit(
                solver,
                validation,
                plan.limits(validation.rows),
                watchdog,
                watch=watch,
                suffices=suffices,
                save=checkpoint.offer if checkpoint else lambda state: None,
                leave=checkpoint.leave if checkpoint else lambda state: None,
                resume=resume,
            )
            decisions = _decisions(plan, solver)
        except Halt as halt:  # before the first iteration
            outcome = Fit(np.zeros(architecture.parameters), 0, halt.reason, [])
            decisions = list(plan.reasons)
    _refuse_untrained(outcome, plan)
    model = model_of(outcome.theta)
    with np.errstate(all="ignore"):
        Y_hat = model.predict(rows.test.X)
        metrics = metrics_of(Y_hat, rows.test)
    if recipe.loss == "quantile":
        metrics["below"] = share_below(Y_hat, rows.test.Y, rows.test.weights)
    if not math.isfinite(metrics["mse"]):
        raise TrainingFailed("the predictions for the test rows, or their errors, are not finite")
    calibration = calibrate(Y_hat, rows.test)
    with np.errstate(all="ignore"):
        intervals = calibration_report(
            calibration, model.predict(rows.validation.X), rows.validation, table.targets
        )
    return Trained(
        model=model,
        card={
            "created_at": now().isoformat(timespec="seconds"),
            "recipe": plan.as_card(),
            "data": {
                "source": table.source,
                "fingerprint": table.fingerprint(),
                "rows": _row_counts(rows),
                "weights": table.weights_name,
            },
            "metrics": {"test": metrics, "calibration": intervals},
            "test_report": test_report(Y_hat, rows.test.Y, table.targets),
            "training": _training_record(outcome, watchdog.elapsed, decisions),
            "libraries": _libraries(),
        },
        golden_inputs=rows.test.X[:GOLDEN_ROWS],
        calibration=calibration,
        stopped=outcome.stopped,
        seconds=watchdog.elapsed,
    )


def training_identity(table: Table, recipe: Recipe) -> dict[str, Any]:
    """All that decides a training's trajectory, for the name of its checkpoint."""
    asked = asdict(recipe)
    del asked["max_seconds"], asked["target_mse"]
    return {
        "format": STATE_FORMAT,
        "data": table.fingerprint(),
        "recipe": asked,
        "libraries": _libraries(),
    }


def _refuse_untrained(outcome: Fit, plan: Plan) -> None:
    if outcome.best_epoch or outcome.stopped is Stopped.INTERRUPTED:
        return
    diverged = outcome.stopped is Stopped.DIVERGED
    advice = ""
    if diverged and plan.learning_rate:
        advice = f": try a learning rate below {plan.learning_rate:g}"
    raise TrainingFailed(
        f"the training ended ({outcome.stopped}) before it found anything better than its "
        f"random start{advice}"
    )


def _row_counts(rows: Split) -> dict[str, int]:
    return {
        "train": len(rows.train),
        "validation": len(rows.validation),
        "test": len(rows.test),
    }


def _libraries() -> dict[str, str]:
    return {"python": platform.python_version(), "numpy": np.__version__}


def _decisions(plan: Plan, solver: Solver) -> list[str]:
    decisions = list(plan.reasons)
    if isinstance(solver, MultiStart):
        decisions.append(f"{solver.start + 1} of up to {plan.starts} random starts")
        solver = solver.solver
    if isinstance(solver, SwitchingSolver) and solver.switched_after is not None:
        decisions.append(
            f"{BAYESIAN} after {solver.switched_after} iterations: "
            f"the validation loss had all but stopped falling"
        )
    return decisions


def _training_record(outcome: Fit, seconds: float, decisions: list[str]) -> dict[str, Any]:
    history = outcome.history
    every = -(-len(history) // HISTORY_POINTS) or 1
    thinned = history[::every] + ([history[-1]] if (len(history) - 1) % every else [])
    return {
        "stopped": outcome.stopped,
        "seconds": round(seconds, 3),
        "epochs": len(history),
        "best_epoch": outcome.best_epoch,
        "decisions": decisions,
        "history": [
            {key: value for key, value in asdict(epoch).items() if key != "epochs"}
            for epoch in thinned
        ],
    }
