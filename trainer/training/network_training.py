"""The training of one network by one of the solvers, on the split of a table."""

from collections.abc import Callable
from datetime import datetime

import numpy as np

from network import Array
from registry import HeldOut
from trainer.certainty.network import network_certainty
from trainer.data.table import Table
from trainer.errors import TrainingFailed
from trainer.evaluation.baselines import MAX_ROWS, baseline_predictions
from trainer.evaluation.evaluation import evaluate
from trainer.evaluation.regression_metrics import regression_metrics
from trainer.solvers import Iteration
from trainer.solvers.objective import Objective
from trainer.solvers.validation_loss import ValidationLoss
from trainer.training.card import make_card, row_counts, training_record
from trainer.training.course import Course
from trainer.training.fit import Fit, fit
from trainer.training.plan import Plan, make_plan
from trainer.training.planned_solver import decisions, make_solver
from trainer.training.problem import Problem
from trainer.training.recipe import Recipe
from trainer.training.trained import Trained
from trainer.training.watchdog import Halt, Stopped

GOLDEN_ROWS = 8


def train_network(
    table: Table, recipe: Recipe, course: Course, now: Callable[[], datetime]
) -> Trained:
    """Train one network.

    Raises
    ------
    TrainingFailed, RecipeError, ArchitectureError
    """
    split_rng, initial_rng = np.random.default_rng(recipe.seed).spawn(2)
    problem = Problem.of(table, recipe, split_rng)
    plan = make_plan(recipe, problem.architecture, len(problem.rows.train))
    course.decided(list(plan.reasons))
    outcome, reasons = fit_network(problem, plan, initial_rng, course)
    return finish_network(problem, plan, outcome, course, reasons=reasons, created_at=now())


def finish_network(
    problem: Problem,
    plan: Plan,
    outcome: Fit,
    course: Course,
    *,
    reasons: list[str],
    created_at: datetime,
) -> Trained:
    """Evaluate a fitted network on its test rows.

    Raises
    ------
    TrainingFailed
        it is no better than its random start, or its predictions are not finite.
    """
    refuse_untrained(outcome, plan)
    model, rows = problem.model(outcome.theta), problem.rows
    baselines = baseline_predictions(
        rows.train, problem.scaled(rows.train[:MAX_ROWS]).X, problem.scaled(rows.test).X
    )
    evaluation = evaluate(
        model,
        rows.test,
        rows.validation,
        of_quantile=plan.recipe.loss == "quantile",
        baselines=baselines,
    )
    model, importance = network_certainty(
        model, rows.train, rows.test, plan.recipe.make_loss(), seed=plan.recipe.seed
    )
    seconds = course.watchdog.elapsed
    card = make_card(
        problem.table,
        plan.as_card(),
        rows=row_counts(rows),
        metrics={"test": evaluation.metrics, "calibration": evaluation.intervals},
        reports={"test_report": evaluation.report, "importance": importance},
        training=training_record(outcome, reasons, seconds),
        created_at=created_at,
    )
    golden_inputs = rows.test.X[:GOLDEN_ROWS]
    held_out = HeldOut.of(rows.test, rows.unseen_indices[-len(rows.test) :], evaluation.Y_hat)
    return Trained(
        model, card, golden_inputs, evaluation.calibration, held_out, outcome.stopped, seconds
    )


def fit_network(
    problem: Problem,
    plan: Plan,
    rng: np.random.Generator,
    course: Course,
    should_switch: Callable[[Iteration, float], bool] | None = None,
) -> tuple[Fit, list[str]]:
    """Return the fit, and what was decided about its solver.

    Parameters
    ----------
    rng : draws the starts
    should_switch : as `trainer.training.fit.fit` takes it
    """
    recipe, architecture = plan.recipe, problem.architecture
    train, validation = problem.scaled(problem.rows.train), problem.scaled(problem.rows.validation)
    loss = recipe.make_loss()
    objective = Objective(architecture, train, loss, recipe.penalty, course.watchdog.poll)
    validation_loss = ValidationLoss(architecture, validation, loss)
    try:
        solver = make_solver(
            plan, architecture, objective, validation_loss, rng, may_stall=should_switch is not None
        )
        outcome = fit(
            solver,
            validation_loss,
            plan.limits(validation),
            course.watchdog,
            watch=course.watch,
            suffices=lambda theta: _reaches_target_mse(problem, recipe, theta),
            should_switch=should_switch or (lambda iteration, loss: False),
            save_if_due=course.save_if_due,
            save=course.save,
            resume=course.resume,
        )
    except Halt as halt:  # before the first iteration
        return Fit(np.zeros(architecture.parameters), 0, halt.reason, []), list(plan.reasons)
    return outcome, decisions(plan, solver)


def refuse_untrained(outcome: Fit, plan: Plan) -> None:
    """Raise `TrainingFailed` if a fit found nothing better than its start."""
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


def _reaches_target_mse(problem: Problem, recipe: Recipe, theta: Array) -> bool:
    """Return whether θ is accurate enough on the validation rows; test rows must not decide."""
    if recipe.target_mse is None:
        return False
    rows = problem.rows.validation
    Y_hat = problem.model(theta).predict(rows.X)
    mse: float = regression_metrics(Y_hat, rows.Y, problem.table.targets, rows.weights)["mse"]
    return mse <= recipe.target_mse
