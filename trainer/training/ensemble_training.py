"""Training of an ensemble on all rows, each of which is judged by networks that did not see it."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from network import Array, Encoding, Ensemble, Rows, Scaling, ranges
from network.ensemble.weights import Floats
from registry import HeldOut
from trainer.certainty.ensemble import Certainty, Judged, ensemble_certainty
from trainer.data.date_inputs import choose_date_inputs
from trainer.data.input_encoding import fit_encoding
from trainer.data.split import fold_numbers, kept_and_test
from trainer.data.table import Table
from trainer.ensemble.data import Data, Integers
from trainer.ensemble.plan import Plan, make_plan
from trainer.ensemble.trained import Progress
from trainer.ensemble.trained import Trained as Members
from trainer.ensemble.training import LINEAR, PROCESS, Training
from trainer.errors import Interrupted, TrainingFailed
from trainer.evaluation.baselines import mean_out_of_fold
from trainer.evaluation.judged_metrics import judged_metrics
from trainer.evaluation.regression_metrics import regression_metrics, share_below
from trainer.evaluation.residual_report import residual_report
from trainer.solvers import State
from trainer.training.card import make_card
from trainer.training.course import Course
from trainer.training.epoch import Epoch
from trainer.training.recipe import ENSEMBLE, OF_ONE_NETWORK, Recipe
from trainer.training.trained import Trained
from trainer.training.watchdog import GRACE_SECONDS, Halt, Stopped

GOLDEN_ROWS = 8
RESERVED = 0.1  # of the time, to learn how certain predictions are
MAX_ENCODED_BYTES = 256 * 1024 * 1024  # of the inputs of all rows; more are encoded batch by batch


def train_ensemble(
    table: Table, recipe: Recipe, course: Course, now: Callable[[], datetime]
) -> Trained:
    """Train an ensemble.

    Raises
    ------
    TrainingFailed
    """
    return finish_ensemble(fit_ensemble(table, recipe, course), [], course, now())


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """A trained ensemble, and its predictions for rows that it was trained on.

    Attributes
    ----------
    count : of all rows that it was trained on
    rows : those that are predicted, all or enough of them; unscaled
    indices : of these rows in the table
    test : rows kept apart; may be none
    folds : (partitions, N), of `rows`
    Y_hat : (N, targets) float64, each row's by the members that have not seen it
    notes : what was left out, as sentences
    """

    table: Table
    recipe: Recipe
    plan: Plan
    count: int
    rows: Rows
    indices: Integers | slice
    test: Rows
    folds: Integers
    model: Ensemble
    members: Members
    Y_hat: Array
    notes: list[str]

    @property
    def unexplained(self) -> float:
        """Return the mean loss of `Y_hat` for scaled targets; 1 for the mean and squared errors."""
        residuals = (self.Y_hat - self.rows.Y) / self.model.target_scale
        return self.rows.mean(self.recipe.make_loss().costs(residuals.T).mean(axis=0))[0]


def fit_ensemble(table: Table, recipe: Recipe, course: Course) -> OutOfFold:
    """Train the members of an ensemble and stack them.

    Raises
    ------
    Interrupted, TrainingFailed, DataError
    """
    kept, apart = kept_and_test(table, recipe.test_fraction or 0.0)
    rows = table.rows if not len(apart) else table.rows[kept]
    encoding, notes = choose_date_inputs(
        table.columns, fit_encoding(table.columns, rows.X), rows, recipe.make_loss()
    )
    scaling = Scaling.of(rows.Y, robust=recipe.make_loss().robust)
    continuous = int(encoding.continuous.sum())
    sizes = make_plan(len(rows), encoding.inputs, continuous, recipe.max_seconds)
    if course.resume:  # as planned at the start, whatever the time limit is now
        sizes = Plan(**course.resume["plan"])
    folds = fold_numbers(table, sizes.folds, sizes.partitions)[:, kept]
    if any((partition == partition[:1]).all() for partition in folds):
        raise TrainingFailed(
            f"{table.source} has too few different rows for folds: name a solver of one network"
        )
    left = (1.0 - RESERVED) * recipe.max_seconds - course.watchdog.elapsed
    data = _data(rows, encoding, scaling, folds)
    training = Training(
        data,
        sizes,
        recipe.make_loss(),
        recipe.seed,
        jobs=course.jobs,
        seconds=max(left, 0.0),
        clock=course.watchdog.clock,
    )
    if course.resume:
        training.restore(course.resume["ensemble"])
    watch = _Watch(training, course, sizes)
    try:
        members = training.run(watch, watch.poll)
    except Halt as halt:
        raise Interrupted("the training was interrupted") from halt
    if not all(np.isfinite(weights).all() for weights in members.stack.values()):
        raise TrainingFailed("the predictions of the ensemble are not finite")
    used = {name: weights for name, weights in members.stack.items() if weights.any()}
    model = Ensemble(
        columns=table.columns,
        targets=table.targets,
        encoding=encoding,
        networks=tuple(each for name, each in members.networks.items() if name in used),
        process=members.process if PROCESS in used else None,
        linear=members.linear if LINEAR in used else None,
        stack=np.stack(list(used.values())),
        target_scaling=scaling,
        feature_range=ranges(table.columns, rows.X),
    )
    indices: Integers | slice = kept
    if len(members.judged) < len(rows):
        indices = members.judged if isinstance(kept, slice) else kept[members.judged]
    return OutOfFold(
        table,
        recipe,
        sizes,
        len(rows),
        rows if indices is kept else table.rows[indices],
        indices,
        table.rows[apart],
        folds[:, members.judged],
        model,
        members,
        scaling.undo(members.out_of_fold),
        notes,
    )


def finish_ensemble(
    ensemble: OutOfFold, reasons: list[str], course: Course, created_at: datetime
) -> Trained:
    """Evaluate a trained ensemble.

    Raises
    ------
    TrainingFailed
        its predictions, or their errors, are not finite.
    Interrupted
    """
    if not np.isfinite(ensemble.Y_hat).all():
        raise TrainingFailed("the predictions of the ensemble are not finite")
    table, rows = ensemble.table, ensemble.rows
    certainty = _certainty(ensemble, course)
    metrics, reports = _metrics(ensemble)
    seconds = course.watchdog.elapsed
    card = make_card(
        table,
        _recipe(ensemble),
        rows={"train": ensemble.count, "validation": 0, "test": len(ensemble.test)},
        metrics={**metrics, "calibration": certainty.intervals},
        reports={**reports, "importance": certainty.importance},
        training=_record(ensemble, reasons, certainty.notes, seconds),
        created_at=created_at,
    )
    golden = rows.X[:: max(1, len(rows) // GOLDEN_ROWS)][:GOLDEN_ROWS]
    model, calibration = certainty.model, certainty.calibration
    stopped = _stopped(ensemble)
    return Trained(model, card, golden, calibration, _held_out(ensemble), stopped, seconds)


def _held_out(ensemble: OutOfFold) -> HeldOut:
    """Return some of the rows, drawn at random, with their out-of-fold predictions."""
    order = np.random.default_rng(0).permutation(len(ensemble.rows))
    which = ensemble.indices
    numbers = order if isinstance(which, slice) else which[order]
    return HeldOut.of(ensemble.rows[order], numbers, ensemble.Y_hat[order])


def _certainty(ensemble: OutOfFold, course: Course) -> Certainty:
    recipe, watchdog = ensemble.recipe, course.watchdog
    least = RESERVED / 2.0 * recipe.max_seconds
    try:
        return ensemble_certainty(
            ensemble.model,
            Judged(ensemble.rows, ensemble.folds, ensemble.Y_hat),
            recipe.make_loss(),
            seed=recipe.seed,
            seconds=max(least, recipe.max_seconds - watchdog.elapsed),
            jobs=course.jobs,
            poll=watchdog.check_stop,
        )
    except Halt as halt:
        raise Interrupted("the training was interrupted") from halt


def _data(rows: Rows, encoding: Encoding, scaling: Scaling, folds: Integers) -> Data:
    """Return the rows for the training, encoded beforehand if they fit into memory."""
    weights = None if rows.weights is None else rows.weights / rows.weights.mean()
    Y = scaling.apply(rows.Y).astype(np.float32)
    if 4 * len(rows) * encoding.inputs > MAX_ENCODED_BYTES:

        def encode(X: Floats) -> Floats:
            return encoding.encode(X.astype(np.float64, copy=False))

        return Data(rows.X, Y, folds, encoding.continuous, weights, encode)
    Z = encoding.encode(rows.X).astype(np.float32)
    return Data(Z, Y, folds, encoding.continuous, weights)


class _Watch:
    """Reports epochs, saves the state, and ends the training on request.

    A training is ended between two epochs, so that it can be resumed from there; or within an
    epoch that has run for `GRACE_SECONDS`.
    """

    def __init__(self, training: Training, course: Course, plan: Plan) -> None:
        self._training, self._course, self._plan = training, course, plan
        self._began = course.watchdog.elapsed

    def __call__(self, progress: Progress) -> None:
        """Report an epoch.

        Raises
        ------
        Halt
        """
        course = self._course
        losses = progress.losses.values()
        course.watch(
            Epoch(
                epoch=progress.epoch,
                epochs=progress.epochs,
                seconds=course.watchdog.elapsed,
                step=self._plan.rate
                * 0.5
                * (1.0 + math.cos(math.pi * progress.epoch / progress.epochs)),
                train_loss=min(each.train for each in losses),
                validation_loss=min(each.held_out for each in losses),
                best_loss=min(progress.best.values()),
            )
        )
        try:
            course.watchdog.check_stop()
        except Halt:
            course.save(self._state)
            raise
        course.save_if_due(self._state)
        self._began = course.watchdog.elapsed

    def poll(self) -> None:
        """Check within an epoch.

        Raises
        ------
        Halt
        """
        if self._course.watchdog.elapsed - self._began > GRACE_SECONDS:
            self._course.watchdog.check_stop()

    def _state(self) -> State:
        return self._course.kept | {
            "ensemble": self._training.state(),
            "plan": asdict(self._plan),
            "seconds": self._course.watchdog.elapsed,
        }


def _recipe(ensemble: OutOfFold) -> dict[str, Any]:
    """Return the recipe with what was decided, for the card."""
    recipe = ensemble.recipe
    return {
        **asdict(recipe),
        "asked": recipe.asked,
        "solver": ENSEMBLE,
        **dict.fromkeys(OF_ONE_NETWORK),
        "ensemble": asdict(ensemble.plan),
    }


def _record(
    ensemble: OutOfFold, reasons: list[str], notes: list[str], seconds: float
) -> dict[str, Any]:
    """Return the course of a training, for the card.

    Parameters
    ----------
    reasons, notes : decisions before the training of the ensemble and after it
    """
    members = ensemble.members
    decisions = [*reasons, _stack_sentence(ensemble), *ensemble.notes, *members.notes, *notes]
    return {
        "stopped": _stopped(ensemble),
        "seconds": round(seconds, 3),
        "epochs": max(map(len, members.histories.values()), default=0),
        "best_epoch": max(members.best_epochs.values(), default=0),
        "best_epochs": members.best_epochs,
        "decisions": decisions,
        "history": {
            name: [asdict(each) for each in history] for name, history in members.histories.items()
        },
    }


def _stopped(ensemble: OutOfFold) -> Stopped:
    """Return why the training ended."""
    members = ensemble.members
    epochs = max(map(len, members.histories.values()), default=0)
    waited = epochs - max(members.best_epochs.values(), default=0)
    if waited >= ensemble.plan.patience:
        return Stopped.PATIENCE
    return Stopped.EPOCHS if epochs >= ensemble.plan.epochs else Stopped.TIME


def _stack_sentence(ensemble: OutOfFold) -> str:
    parts = [
        f"{', '.join(f'{weight:.2f}' for weight in weights)} {name}"
        for name, weights in ensemble.members.stack.items()
    ]
    plan = ensemble.plan
    networks = plan.folds * plan.partitions
    return f"{networks} networks of each kind over {plan.folds} folds; weights: {', '.join(parts)}"


def _metrics(ensemble: OutOfFold) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the metrics and the reports of the card."""
    rows, Y_hat, targets = ensemble.rows, ensemble.Y_hat, ensemble.model.targets
    baselines = {"mean": mean_out_of_fold(rows, ensemble.folds[0])}
    if (linear := ensemble.members.linear_out_of_fold) is not None:
        baselines["linear"] = ensemble.model.target_scaling.undo(linear)
    metrics: dict[str, Any] = {
        "out_of_fold": judged_metrics(Y_hat, rows, targets, baselines),
    }
    order = np.random.default_rng(0).permutation(len(rows))
    reports = {"out_of_fold_report": residual_report(Y_hat[order], rows.Y[order], targets)}
    if ensemble.recipe.loss == "quantile":
        metrics["out_of_fold"]["below"] = share_below(Y_hat, rows.Y, rows.weights)
    if len(test := ensemble.test):
        predicted = ensemble.model.predict(test.X)
        metrics["test"] = regression_metrics(predicted, test.Y, targets, test.weights)
        reports["test_report"] = residual_report(predicted, test.Y, targets)
    return metrics, reports
