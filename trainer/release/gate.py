"""The gate: it compares a new version with the current one on the same held-out rows."""

import math
from dataclasses import dataclass

import numpy as np

from network import Array, Loss, Model, Rows, Squared


@dataclass(frozen=True, eq=False)
class Candidate:
    """A published version that may be promoted.

    Attributes
    ----------
    rows : held out from its training, unscaled
    loss : that it was trained for
    """

    version: int
    model: Model
    rows: Rows
    loss: Loss


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
    rows : number of held-out rows
    """

    promote: bool
    reason: str
    against: int | None = None
    metric: str | None = None
    candidate: float | None = None
    current: float | None = None
    margin: float | None = None
    rows: int | None = None


def judge(candidate: Candidate, current: Model, against: int, margin: float) -> Verdict:
    """Compare two models by their mean loss on the candidate's held-out rows.

    Parameters
    ----------
    against : the version of `current`
    margin : the candidate's loss may be (1 + margin) times the current one's
    """
    if difference := _difference(candidate.model, current, against):
        return Verdict(False, difference, against)
    metric, scale = _metric(candidate)
    new = _mean_loss(candidate.model, candidate, scale)
    old = _mean_loss(current, candidate, scale)
    # not `<=`: if the current model's loss is NaN, every finite candidate is promoted
    promote = math.isfinite(new) and not new > old * (1.0 + margin)
    count = len(candidate.rows)
    rows = f"{count} held-out row{'s' * (count > 1)}"
    result = f"{metric} {new:.4g} on {rows}"
    if not math.isfinite(new):
        result = f"its predictions for the {rows} are not finite"
    return Verdict(
        promote,
        f"{result}, {_compared(new, old)} version {against}'s {old:.4g}{_allowance(margin)}",
        against,
        metric,
        new if math.isfinite(new) else None,
        old if math.isfinite(old) else None,
        margin,
        count,
    )


def _difference(candidate: Model, current: Model, against: int) -> str | None:
    """Return why clients of the current model could not use the candidate."""
    for columns in ("features", "targets"):
        new, old = getattr(candidate, columns), getattr(current, columns)
        if new != old:
            return (
                f"its {columns} are {', '.join(new)} and version {against}'s are "
                f"{', '.join(old)}: clients would have to change"
            )
    return None


def _metric(candidate: Candidate) -> tuple[str, Array | float]:
    """Return the name of the metric, and the scale by which residuals are divided.

    The candidate's scale of the targets gives several targets the same weight whatever their units,
    and δ of the Huber loss is in this scale.
    """
    scale = candidate.model.target_scaling.scale
    if not isinstance(candidate.loss, Squared):
        return f"{type(candidate.loss).__name__} loss", scale
    return ("MSE", 1.0) if len(candidate.model.targets) == 1 else ("scaled MSE", scale)


def _mean_loss(model: Model, candidate: Candidate, scale: Array | float) -> float:
    rows = candidate.rows
    with np.errstate(all="ignore"):
        residuals = np.ascontiguousarray(((model.predict(rows.X) - rows.Y) / scale).T)
        total = candidate.loss.total(residuals, rows.weights)
        return total / (len(model.targets) * rows.total_weight)


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
