"""Whether a new version goes live: it and the current one are judged on the same held-out rows."""

import math
from dataclasses import dataclass

import numpy as np

from network import Array, Loss, Model, Rows, Squared


@dataclass(frozen=True, eq=False)
class Candidate:
    """A published version that may go live.

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
    """What the gate says, in words and in numbers.

    Attributes
    ----------
    promote : whether the candidate goes live
    reason : why, in words
    against : the version it was compared with; None where there was nothing to compare with
    metric : what was compared
    candidate, current : its values, None where it is not finite or was not compared
    margin : by which fraction the candidate may be worse
    rows : on how many held-out rows
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
    for what in ("features", "targets"):
        of_candidate, of_current = getattr(candidate.model, what), getattr(current, what)
        if of_candidate != of_current:
            return Verdict(
                False,
                f"its {what} are {', '.join(of_candidate)} and version {against}'s are "
                f"{', '.join(of_current)}: clients would have to change",
                against,
            )
    rows = candidate.rows
    metric, scale = _metric(candidate)
    loss_of_candidate = _mean_loss(candidate.model, candidate, scale)
    loss_of_current = _mean_loss(current, candidate, scale)
    finite = math.isfinite(loss_of_candidate)
    # not `<=` alone: a current model whose loss is not finite is beaten by any that is
    promote = finite and not loss_of_candidate > loss_of_current * (1.0 + margin)
    held_out = f"{len(rows)} held-out row{'s' * (len(rows) > 1)}"
    words = f"{metric} {loss_of_candidate:.4g} on {held_out}"
    if not finite:
        words = f"its predictions for the {held_out} are not finite"
    return Verdict(
        promote,
        f"{words}, {_compared(loss_of_candidate, loss_of_current)} version {against}'s "
        f"{loss_of_current:.4g}{_allowance(margin)}",
        against,
        metric,
        loss_of_candidate if finite else None,
        loss_of_current if math.isfinite(loss_of_current) else None,
        margin,
        len(rows),
    )


def _metric(candidate: Candidate) -> tuple[str, Array | float]:
    """What is compared, and what residuals are divided by.

    Several targets count alike whatever their units, and δ of the Huber loss is in deviations: both
    take the candidate's scale of the targets.
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


def _compared(candidate: float, current: float) -> str:
    if candidate == current:
        return "the same as"
    if not (math.isfinite(candidate) and math.isfinite(current) and current > 0):
        return "against"
    ratio = candidate / current
    if ratio > 2:
        return f"{ratio:.3g} times"
    return f"{abs(ratio - 1):.2%} {'above' if ratio > 1 else 'below'}"


def _allowance(margin: float) -> str:
    if not margin:
        return ""
    return (
        f" ({100 * abs(margin):.4g} % {'more is allowed' if margin > 0 else 'less is asked for'})"
    )
