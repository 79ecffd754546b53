"""Importance of features as bars."""

from collections.abc import Mapping

from export.report.figures.axis import category_axis, linear_axis
from export.report.figures.drawing import Drawing
from export.report.figures.numerals import numeral

MOST_BARS = 20
_BAR_HEIGHT = 24


def importance_figure(increases: Mapping[str, float], target: str, *, unit: str = "") -> str:
    """Return the figure of how much the error grows if a feature is permuted, largest first.

    Parameters
    ----------
    increases : by feature, at least one; the `MOST_BARS` largest are drawn
    """
    largest = sorted(increases.items(), key=lambda item: -item[1])[:MOST_BARS]
    names = [name for name, _ in reversed(largest)]
    drawing = Drawing(
        linear_axis([0.0, *(value for _, value in largest)], 5),
        category_axis(names),
        f"growth of the error ({unit})" if unit else "growth of the error",
        "",
        title=f"Importance of the features for {target}",
        description="How much the error grows if the values of a feature are permuted: "
        + ", ".join(f"{name} {numeral(value)}" for name, value in largest),
        height=90 + _BAR_HEIGHT * len(names),
    )
    for place, (_, value) in enumerate(reversed(largest)):
        drawing.bar((0.0, place - 0.35), (value, place + 0.35), 1)
    return drawing.svg()
