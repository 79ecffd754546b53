"""The coverage of prediction intervals against their level."""

from collections.abc import Mapping

from export.report.evaluation import Coverage
from export.report.figures.axis import linear_axis
from export.report.figures.drawing import Drawing


def coverage_figure(series: Mapping[str, Coverage], target: str) -> str:
    """Return the figure of the share of rows within their intervals, by the intervals' level.

    Parameters
    ----------
    series : at least one, by the name of a version; each with at least one level
    """
    axis = linear_axis([0.0, 100.0], 5, margin=0.0)
    last = [
        f"{name}: {100 * of.shares[-1]:.0f} % of the rows are within intervals of level "
        f"{100 * of.levels[-1]:.0f} %."
        for name, of in series.items()
    ]
    drawing = Drawing(
        axis, axis, "level of the intervals (%)", "rows within (%)",
        title=f"Coverage of the prediction intervals of {target}",
        description=f"{' '.join(last)} On the dashed diagonal, intervals keep what they promise.",
    )  # fmt: skip
    drawing.reference((0.0, 0.0), (100.0, 100.0))
    for number, of in enumerate(series.values(), 1):
        points = [(100 * x, 100 * y) for x, y in zip(of.levels, of.shares, strict=True)]
        drawing.line(points, number)
        drawing.points(points, number)
    if len(series) > 1:
        drawing.legend(list(series))
    return drawing.svg()
