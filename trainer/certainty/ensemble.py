"""What an ensemble knows of its predictions: the size of its errors, and familiar rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from network import (
    Array,
    Calibration,
    Ensemble,
    Familiarity,
    Loss,
    Rows,
)
from network.conformal import MAX_SCORES
from network.familiarity import ROWS as FAMILIAR_ROWS
from trainer.certainty.error_scale import ROWS, FittedScale, averaging_factors, fit_error_scale
from trainer.certainty.importance import feature_importance
from trainer.ensemble.data import Integers
from trainer.evaluation.out_of_fold_intervals import out_of_fold_intervals
from trainer.evaluation.permutation_importance import importance_rows


@dataclass(frozen=True, eq=False)
class Judged:
    """Training rows, each judged by the members of an ensemble that have not seen it.

    Attributes
    ----------
    rows : N, unscaled
    folds : (partitions, N), the fold of each row
    Y_hat : (N, targets) float64, predictions, unscaled
    """

    rows: Rows
    folds: Integers
    Y_hat: Array

    def __getitem__(self, which: Integers | slice) -> "Judged":
        """Return some of the rows."""
        return Judged(self.rows[which], self.folds[:, which], self.Y_hat[which])


@dataclass(frozen=True, eq=False)
class Certainty:
    """What was learnt of an ensemble.

    Attributes
    ----------
    model : the ensemble with the scale of its errors, and with familiar rows
    calibration : of its prediction intervals
    intervals, importance : reports for the card
    notes : what was shrunk or left out, as sentences
    """

    model: Ensemble
    calibration: Calibration
    intervals: dict[str, Any]
    importance: dict[str, Any]
    notes: list[str]


def ensemble_certainty(
    model: Ensemble,
    judged: Judged,
    loss: Loss,
    *,
    seed: int,
    seconds: float,
    jobs: int | None = None,
    poll: Callable[[], None] = lambda: None,
) -> Certainty:
    """Learn what an ensemble knows of its predictions.

    Parameters
    ----------
    loss : that it was trained with
    seconds : the time limit of the training of the scale
    jobs : threads; None for the number of available processors
    poll : called regularly; may raise
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(judged.rows))
    some, scaling = judged[order[:ROWS]], model.target_scaling
    Z = model.inputs(some.rows.X)
    Y_hat, Y = scaling.apply(some.Y_hat), scaling.apply(some.rows.Y)
    fitted = fit_error_scale(Z, Y_hat, Y, seed=seed, jobs=jobs, seconds=seconds, poll=poll)
    calibration, intervals = _intervals(model, some[:MAX_SCORES], fitted, Z[:MAX_SCORES])
    familiarity = Familiarity.of(Z[:FAMILIAR_ROWS], model.encoding.column, rng)
    shown = judged[order[: importance_rows(len(order), len(model.features))]]
    importance = feature_importance(
        model,
        lambda X: model.predict_out_of_fold(X, shown.folds),
        shown.rows,
        loss=loss,
        rng=rng,
        poll=poll,
    )
    model = replace(model, error_scale=fitted.error_scale, familiarity=familiarity)
    notes = [f"the size of the errors: {each}" for each in fitted.notes]
    return Certainty(model, calibration, intervals, importance, notes)


def _intervals(
    model: Ensemble, judged: Judged, fitted: FittedScale, Z: Array
) -> tuple[Calibration, dict[str, Any]]:
    """Return the calibration for new rows, whose predictions are means of more members."""
    scaling, sizes = model.target_scaling, fitted.sizes[: len(Z)]
    scores = (judged.rows.Y - judged.Y_hat) / (sizes * scaling.scale)
    middle = np.median(scores, axis=0)
    scores = middle + averaging_factors(model, Z, scores, sizes) * (scores - middle)
    scale = sizes * scaling.scale
    residuals = scores * scale
    if fitted.error_scale is None:  # an interval is in the units of the targets
        scale = np.ones_like(scale)
    calibration = Calibration.of(judged.Y_hat, judged.Y_hat + residuals, scale, signed=True)
    report = out_of_fold_intervals(calibration, judged.Y_hat, residuals, scale, model.targets)
    return calibration, report
