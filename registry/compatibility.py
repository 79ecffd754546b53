"""Whether clients of one model can use another."""

from network import Predictor


def incompatibility(model: Predictor, current: Predictor, against: int) -> str | None:
    """Return why clients of the current model could not use the other; None if they could.

    Parameters
    ----------
    against : the version of `current`
    """
    for columns in ("features", "targets"):
        new, old = getattr(model, columns), getattr(current, columns)
        if new != old:
            return (
                f"its {columns} are {', '.join(new)} and version {against}'s are "
                f"{', '.join(old)}: clients would have to change"
            )
    for mine, theirs in zip(model.columns, current.columns, strict=True):
        if mine.kind != theirs.kind:
            return (
                f"its feature {mine.name} is a {mine.kind} and version {against}'s is a "
                f"{theirs.kind}: clients would have to change"
            )
        if mine.unit != theirs.unit:
            return (
                f"its feature {mine.name} is in {mine.unit or 'no unit'} and version {against}'s "
                f"in {theirs.unit or 'no unit'}: clients would have to change"
            )
        if theirs.has_gaps and not mine.has_gaps:
            return (
                f"its feature {mine.name} may not be missing and version {against}'s may: "
                f"clients would have to change"
            )
    return None
