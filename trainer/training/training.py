"""From a table to a trained model with its card: split, scale, fit, evaluate."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from network import Array, Calibration, Model
from trainer.data.table import Table
from trainer.errors import TrainingFailed
from trainer.evaluation.evaluation import evaluate
from trainer.evaluation.regression_metrics import regression_metrics
from trainer.solvers import State
from trainer.solvers.objective import Objective
from trainer.solvers.validation_loss import ValidationLoss
from trainer.training.card import library_versions, make_card
from trainer.training.checkpoint import Checkpoint
from trainer.training.epoch import Epoch
from trainer.training.fit import Fit, fit
from trainer.training.plan import Plan, make_plan
from trainer.training.planned_solver import decisions, make_solver
from trainer.training.problem import Problem
from trainer.training.recipe import Recipe
from trainer.training.watchdog import Halt, Stopped, Watchdog

GOLDEN_ROWS = 8
GRACE_SECONDS = 0.5  # an iteration this short is not interrupted, so that it can be resumed from
STATE_FORMAT = 3  # raise it when solvers or the split change, so that old checkpoints are not used


@dataclass(frozen=True, eq=False)
class Trained:
    """A model ready to be published.

    Attributes
    ----------
    card : as `make_card` returns it
    golden_inputs : (a few, features) float64, rows of the test split
    calibration : from the test split
    seconds : the duration of the training
    """

    model: Model
    card: dict[str, Any]
    golden_inputs: Array
    calibration: Calibration
    stopped: Stopped
    seconds: float

    @property
    def metrics(self) -> dict[str, Any]:
        """Return MSE, RMSE, MAE and R² on the test rows."""
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
    """Train a network on a table by a recipe.

    The same table and recipe give the same weights, unless the time limit ends the training.

    Parameters
    ----------
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
    watchdog = Watchdog(recipe.max_seconds, clock, stop, GRACE_SECONDS)
    split_rng, initial_rng = np.random.default_rng(recipe.seed).spawn(2)
    problem = Problem.of(table, recipe, split_rng)
    plan = make_plan(recipe, problem.architecture, len(problem.rows.train))
    decided(list(plan.reasons))
    with np.errstate(all="ignore"):  # a training that overflows ends as diverged
        outcome, reasons = _fit(
            problem, plan, watchdog, initial_rng, checkpoint=checkpoint, resume=resume, watch=watch
        )
    _refuse_untrained(outcome, plan)
    model, rows = problem.model(outcome.theta), problem.rows
    evaluation = evaluate(
        model, rows.test, rows.validation, with_share_below=recipe.loss == "quantile"
    )
    seconds = watchdog.elapsed
    card = make_card(
        problem, plan, outcome, evaluation, decisions=reasons, seconds=seconds, created_at=now()
    )
    golden_inputs = rows.test.X[:GOLDEN_ROWS]
    return Trained(model, card, golden_inputs, evaluation.calibration, outcome.stopped, seconds)


def training_identity(table: Table, recipe: Recipe) -> dict[str, Any]:
    """Return everything that decides the course of a training, which names its checkpoint."""
    options = asdict(recipe)
    del options["max_seconds"], options["target_mse"]
    return {
        "format": STATE_FORMAT,
        "data": table.fingerprint(),
        "recipe": options,
        "libraries": library_versions(),
    }


def _fit(
    problem: Problem,
    plan: Plan,
    watchdog: Watchdog,
    rng: np.random.Generator,
    *,
    checkpoint: Checkpoint | None,
    resume: State | None,
    watch: Callable[[Epoch], None],
) -> tuple[Fit, list[str]]:
    """Return the fit, and what was decided about its solver."""
    recipe, architecture = plan.recipe, problem.architecture
    train, validation = problem.scaled(problem.rows.train), problem.scaled(problem.rows.validation)
    loss = recipe.make_loss()
    objective = Objective(architecture, train, loss, recipe.penalty, watchdog.poll)
    validation_loss = ValidationLoss(architecture, validation, loss)
    try:
        solver = make_solver(plan, architecture, objective, validation_loss, rng)
        outcome = fit(
            solver,
            validation_loss,
            plan.limits(validation),
            watchdog,
            watch=watch,
            suffices=lambda theta: _reaches_target_mse(problem, recipe, theta),
            save_if_due=checkpoint.save_if_due if checkpoint else lambda state: None,
            save=checkpoint.save if checkpoint else lambda state: None,
            resume=resume,
        )
    except Halt as halt:  # before the first iteration
        return Fit(np.zeros(architecture.parameters), 0, halt.reason, []), list(plan.reasons)
    return outcome, decisions(plan, solver)


def _reaches_target_mse(problem: Problem, recipe: Recipe, theta: Array) -> bool:
    """Return whether θ is accurate enough on the validation rows; test rows must not decide."""
    if recipe.target_mse is None:
        return False
    rows = problem.rows.validation
    Y_hat = problem.model(theta).predict(rows.X)
    mse: float = regression_metrics(Y_hat, rows.Y, problem.table.targets, rows.weights)["mse"]
    return mse <= recipe.target_mse


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
