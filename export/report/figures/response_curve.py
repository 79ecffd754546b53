"""The response of predictions to one feature: a curve, or a bar for each category."""

from export.report.figures.axis import Axis, category_axis, date_axis, linear_axis
from export.report.figures.drawing import Drawing
from export.report.figures.numerals import numeral
from export.report.response import LEVEL, Response

_WORDS = ("false", "true")


def response_figure(response: Response, *, unit: str = "") -> str:
    """Return the figure of a response.

    Parameters
    ----------
    unit : of the target
    """
    y = _values(response)
    feature = response.feature
    is_discrete = feature.kind in ("category", "boolean")
    within = (
        f" Shaded or with whiskers: the {LEVEL:.0%} interval." if response.lower is not None else ""
    )
    drawing = Drawing(
        _axis(response),
        linear_axis([*y, 0.0] if is_discrete and _is_near_zero(y) else y, 5, margin=0.05),
        f"{feature.name} ({feature.unit})" if feature.unit else feature.name,
        f"{response.target} ({unit})" if unit else response.target,
        title=f"{response.target} by {feature.name}",
        description=f"Predictions from {numeral(float(response.typical.min()))} to "
        f"{numeral(float(response.typical.max()))} for a typical row.{within} Dashed: the mean "
        f"of several rows.",
    )
    if is_discrete:
        _bars(drawing, response, from_zero=_is_near_zero(y))
    else:
        _curve(drawing, response)
    return drawing.svg()


def _axis(response: Response) -> Axis:
    feature, x = response.feature, response.x.tolist()
    if feature.kind == "datetime":
        return date_axis(x)
    if feature.kind in ("category", "boolean"):
        words = feature.values or _WORDS
        return category_axis([words[int(each)] for each in x])
    return linear_axis(x, 6, margin=0.0)


def _values(response: Response) -> list[float]:
    found = [*response.typical.tolist(), *response.mean.tolist()]
    for end in (response.lower, response.upper):
        found += [] if end is None else end.tolist()
    return found


def _curve(drawing: Drawing, response: Response) -> None:
    x = response.x.tolist()
    if response.lower is not None and response.upper is not None:
        lower, upper = response.lower.tolist(), response.upper.tolist()
        drawing.band(list(zip(x, lower, strict=True)), list(zip(x, upper, strict=True)), 1)
    drawing.line(zip(x, response.mean.tolist(), strict=True), 2, dashed=True)
    drawing.line(zip(x, response.typical.tolist(), strict=True), 1)


def _is_near_zero(y: list[float]) -> bool:
    """Return whether bars can begin at 0 and still differ visibly."""
    least, greatest = min(y), max(y)
    return least - (greatest - least) <= 0.0 <= greatest + (greatest - least)


def _bars(drawing: Drawing, response: Response, *, from_zero: bool) -> None:
    for index, (x, y) in enumerate(
        zip(response.x.tolist(), response.typical.tolist(), strict=True)
    ):
        if from_zero:
            drawing.bar((x - 0.35, 0.0), (x + 0.35, y), 1)
        else:
            drawing.line([(x - 0.35, y), (x + 0.35, y)], 1)
        if response.lower is not None and response.upper is not None:
            drawing.whisker(x, float(response.lower[index]), float(response.upper[index]))
    drawing.points(zip(response.x.tolist(), response.mean.tolist(), strict=True), 2, size=8)
