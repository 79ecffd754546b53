"""The evaluation of a model on rows that it was not trained on."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from network import Array, Calibration, Model, Rows
from trainer.errors import TrainingFailed
from trainer.evaluation.interval_calibration import calibrate, calibration_report
from trainer.evaluation.judged_metrics import judged_metrics
from trainer.evaluation.regression_metrics import share_below
from trainer.evaluation.residual_report import residual_report


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The results of an evaluation.

    Attributes
    ----------
    metrics : of the test rows, as `judged_metrics` returns them
    calibration : of prediction intervals, from the test rows
    intervals : the half widths and their coverage of the validation rows
    report : predicted and actual values and residuals of the test rows
    Y_hat : (N, targets) float64, the predictions for the test rows
    """

    metrics: dict[str, Any]
    calibration: Calibration
    intervals: dict[str, Any]
    report: dict[str, Any]
    Y_hat: Array


def evaluate(
    model: Model,
    test: Rows,
    validation: Rows,
    *,
    of_quantile: bool,
    baselines: dict[str, Array],
) -> Evaluation:
    """Evaluate a model.

    Parameters
    ----------
    test, validation : unscaled rows
    of_quantile : whether the model predicts a quantile: the metrics then include `share_below`, and
        both ends of an interval are calibrated by themselves
    baselines : as `judged_metrics` takes them

    Raises
    ------
    TrainingFailed
        the predictions or their errors are not finite.
    """
    with np.errstate(all="ignore"):  # of a model that overflows
        Y_hat = model.predict(test.X)
        metrics = judged_metrics(Y_hat, test, model.targets, baselines)
    if of_quantile:
        metrics["below"] = share_below(Y_hat, test.Y, test.weights)
    if not math.isfinite(metrics["mse"]):
        raise TrainingFailed("the predictions for the test rows, or their errors, are not finite")
    calibration = calibrate(Y_hat, test, signed=of_quantile)
    with np.errstate(all="ignore"):
        Y_hat_validation = model.predict(validation.X)
        intervals = calibration_report(calibration, Y_hat_validation, validation, model.targets)
    report = residual_report(Y_hat, test.Y, model.targets)
    return Evaluation(metrics, calibration, intervals, report, Y_hat)
