"""The distribution of the residuals."""

from collections.abc import Mapping

from export.report.evaluation import Pairs
from export.report.figures.axis import Axis, linear_axis
from export.report.figures.drawing import Drawing
from export.report.figures.numerals import numeral

_MOST_BINS, _LEAST_BINS = 40, 5


def residual_histogram(series: Mapping[str, Pairs], target: str, *, unit: str = "") -> str:
    """Return the histogram of residuals ŷ − y; of several versions, in shares and as outlines.

    Parameters
    ----------
    series : at least one, by the name of a version; each with at least one row
    """
    axis = linear_axis([0.0, *(v for pairs in series.values() for v in pairs.residuals)], 5)
    rows = max(len(pairs.actual) for pairs in series.values())
    bins = min(_MOST_BINS, max(_LEAST_BINS, round(2 * rows**0.5)))
    edges = [axis.least + (axis.greatest / bins - axis.least / bins) * k for k in range(bins + 1)]
    is_one = len(series) == 1
    heights = [_heights(pairs, axis, bins, of=None if is_one else 100) for pairs in series.values()]
    medians = [f"{name} {numeral(_median(pairs))}" for name, pairs in series.items()]
    drawing = Drawing(
        axis,
        linear_axis([0.0, *(max(each) for each in heights)], 4, margin=0.0),
        f"predicted − actual ({unit})" if unit else "predicted − actual",
        "rows" if is_one else "% of rows",
        title=f"Distribution of the residuals of {target}",
        description=f"Median residual: {', '.join(medians)}",
    )
    if is_one:
        for k, height in enumerate(heights[0]):
            if height:
                drawing.bar((edges[k], 0.0), (edges[k + 1], height), 1)
        return drawing.svg()
    for number, each in enumerate(heights, 1):
        drawing.line([(edges[k + side], h) for k, h in enumerate(each) for side in (0, 1)], number)
    drawing.legend(list(series))
    return drawing.svg()


def _heights(pairs: Pairs, axis: Axis, bins: int, *, of: float | None) -> list[float]:
    """Return the number of rows in each bin; with `of`, as shares of this number."""
    counts = [0.0] * bins
    unit = 1.0 if of is None else of / len(pairs.actual)
    for residual in pairs.residuals:
        counts[min(int(axis.share(residual) * bins), bins - 1)] += unit
    return counts


def _median(pairs: Pairs) -> float:
    return sorted(pairs.residuals)[len(pairs.actual) // 2]
