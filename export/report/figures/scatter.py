"""Predicted against actual values, and residuals against predictions."""

from collections.abc import Mapping

from export.report.evaluation import Pairs
from export.report.figures.axis import linear_axis
from export.report.figures.drawing import Drawing
from export.report.figures.numerals import numeral


def predicted_figure(series: Mapping[str, Pairs], target: str, *, unit: str = "") -> str:
    """Return the figure of predicted against actual values; points on the diagonal are exact.

    Parameters
    ----------
    series : at least one, by the name of a version; each with at least one row
    """
    ends = [v for pairs in series.values() for v in (*pairs.actual, *pairs.predicted)]
    axis = linear_axis(ends, 5)
    drawing = Drawing(
        axis, axis, *_names("actual", "predicted", unit),
        title=f"Predicted against actual {target}",
        description=f"{_counts(series)}. Actual values from {numeral(min(ends))} to "
        f"{numeral(max(ends))}; on the dashed diagonal, predictions are exact.",
    )  # fmt: skip
    drawing.reference((axis.least, axis.least), (axis.greatest, axis.greatest))
    for number, pairs in enumerate(series.values(), 1):
        drawing.points(zip(pairs.actual, pairs.predicted, strict=True), number)
    return _with_legend(drawing, series)


def residual_figure(series: Mapping[str, Pairs], target: str, *, unit: str = "") -> str:
    """Return the figure of residuals ŷ − y against predictions.

    Parameters
    ----------
    series : as `predicted_figure` takes it
    """
    x = linear_axis([v for pairs in series.values() for v in pairs.predicted], 5)
    residuals = [v for pairs in series.values() for v in pairs.residuals]
    y = linear_axis([0.0, *residuals], 5)
    drawing = Drawing(
        x, y, *_names("predicted", "predicted − actual", unit),
        title=f"Residuals of {target} against predictions",
        description=f"{_counts(series)}. Residuals from {numeral(min(residuals))} to "
        f"{numeral(max(residuals))}; on the dashed line, predictions are exact.",
    )  # fmt: skip
    drawing.reference((x.least, 0.0), (x.greatest, 0.0))
    for number, pairs in enumerate(series.values(), 1):
        drawing.points(zip(pairs.predicted, pairs.residuals, strict=True), number)
    return _with_legend(drawing, series)


def _names(x: str, y: str, unit: str) -> tuple[str, str]:
    return (f"{x} ({unit})", f"{y} ({unit})") if unit else (x, y)


def _counts(series: Mapping[str, Pairs]) -> str:
    if len(series) == 1:
        [pairs] = series.values()
        return "1 row" if len(pairs.actual) == 1 else f"{len(pairs.actual)} rows"
    return ", ".join(f"{name}: {len(pairs.actual)} rows" for name, pairs in series.items())


def _with_legend(drawing: Drawing, series: Mapping[str, Pairs]) -> str:
    if len(series) > 1:
        drawing.legend(list(series))
    return drawing.svg()
