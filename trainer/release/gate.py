"""The gate: it compares a new version with the current one on the same rows, held out from both.

Two ensembles are compared on all rows, each row by the members of each that were not trained on it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network import Array, Ensemble, Loss, Predictor, Rows, Squared
from network.column import renumbered
from network.rows import Z_95
from registry.compatibility import incompatibility

Folds = Callable[[int, int], NDArray[np.integer[Any]]]


def _no_folds(count: int, partitions: int) -> NDArray[np.integer[Any]]:
    raise TypeError("the folds of the rows are needed to judge an ensemble")


@dataclass(frozen=True, eq=False)
class Candidate:
    """A published version that may be promoted.

    Attributes
    ----------
    rows : unscaled; held out from the training of every model that is not an ensemble
    loss : that it was trained for
    folds : returns the folds of the rows, as `trainer.data.split.fold_numbers` does
    """

    version: int
    model: Predictor
    rows: Rows
    loss: Loss
    folds: Folds = _no_folds


@dataclass(frozen=True)
class Verdict:
    """Whether a version is promoted, and why.

    Attributes
    ----------
    promote : whether the candidate is promoted
    reason : for people
    against : the version that it was compared with; None if there was no comparison
    metric : the quantity that was compared
    candidate, current : its values; None if not finite or not compared
    margin : the fraction by which the candidate may be worse
    rows : number of rows that they were compared on
    difference : 95 % confidence interval of candidate − current, if both were judged out of fold
    """

    promote: bool
    reason: str
    against: int | None = None
    metric: str | None = None
    candidate: float | None = None
    current: float | None = None
    margin: float | None = None
    rows: int | None = None
    difference: tuple[float, float] | None = None


def judge(candidate: Candidate, current: Predictor, against: int, margin: float) -> Verdict:
    """Compare two models by their mean loss on the candidate's rows.

    Parameters
    ----------
    against : the version of `current`
    margin : the candidate's loss may be (1 + margin) times the current one's
    """
    if obstacle := incompatibility(candidate.model, current, against):
        return Verdict(False, obstacle, against)
    metric, scale = _metric(candidate)
    new_costs, old_costs = (_costs(each, candidate, scale) for each in (candidate.model, current))
    with np.errstate(all="ignore"):
        new, old = (candidate.rows.mean(costs)[0] for costs in (new_costs, old_costs))
    # not `<=`: if the current model's loss is NaN, every finite candidate is promoted
    promote = math.isfinite(new) and not new > old * (1.0 + margin)
    count = len(candidate.rows)
    paired = isinstance(candidate.model, Ensemble) and isinstance(current, Ensemble)
    rows = f"{count} {'out-of-fold' if paired else 'held-out'} row{'s' * (count > 1)}"
    result = f"{metric} {new:.4g} on {rows}"
    if not math.isfinite(new):
        result = f"its predictions for the {rows} are not finite"
    difference = _interval(new_costs - old_costs, candidate.rows) if paired else None
    return Verdict(
        promote,
        f"{result}, {_compared(new, old)} version {against}'s {old:.4g}{_allowance(margin)}"
        f"{_confidence(difference, old)}",
        against,
        metric,
        new if math.isfinite(new) else None,
        old if math.isfinite(old) else None,
        margin,
        count,
        difference,
    )


def _metric(candidate: Candidate) -> tuple[str, Array | float]:
    """Return the name of the metric, and the scale by which residuals are divided.

    The candidate's scale of the targets gives several targets the same weight whatever their units,
    and δ of the Huber loss is in this scale.
    """
    scale = candidate.model.target_scale
    if not isinstance(candidate.loss, Squared):
        return f"{type(candidate.loss).__name__} loss", scale
    return ("MSE", 1.0) if len(candidate.model.targets) == 1 else ("scaled MSE", scale)


def _costs(model: Predictor, candidate: Candidate, scale: Array | float) -> Array:
    """Return the loss of each row (N,), the mean over the targets."""
    rows = candidate.rows
    X = renumbered(rows.X, candidate.model.columns, model.columns)
    with np.errstate(all="ignore"):
        if isinstance(model, Ensemble):
            folds = candidate.folds(model.folds, model.partitions)
            Y_hat = model.predict_out_of_fold(X, folds)
        else:
            Y_hat = model.predict(X)
        costs: Array = candidate.loss.costs(((Y_hat - rows.Y) / scale).T).mean(axis=0)
    return costs


def _interval(differences: Array, rows: Rows) -> tuple[float, float] | None:
    """Return the 95 % confidence interval of the mean difference of independent rows."""
    with np.errstate(all="ignore"):
        mean, error = rows.mean(differences)
    interval = mean - Z_95 * error, mean + Z_95 * error
    return interval if all(map(math.isfinite, interval)) else None


def _confidence(difference: tuple[float, float] | None, old: float) -> str:
    if difference is None or not old > 0:
        return ""
    least, most = (f"{100 * end / old:+.2f} %" for end in difference)
    return f"; the difference is {least} to {most} with 95 % confidence"


def _compared(new: float, old: float) -> str:
    if new == old:
        return "the same as"
    if not (math.isfinite(new) and math.isfinite(old) and old > 0):
        return "against"
    ratio = new / old
    if ratio > 2:
        return f"{ratio:.3g} times"
    return f"{abs(ratio - 1):.2%} {'above' if ratio > 1 else 'below'}"


def _allowance(margin: float) -> str:
    if not margin:
        return ""
    return f" ({100 * abs(margin):.4g} % {'more is allowed' if margin > 0 else 'less is required'})"
