"""The course of a training: losses by epoch."""

from collections.abc import Sequence

from export.report.evaluation import LossCurve
from export.report.figures.axis import linear_axis, log_axis
from export.report.figures.drawing import Drawing
from export.report.figures.numerals import numeral

_MOST_POINTS = 250
_LEAST = 1e-300  # a loss of 0 is drawn here


def loss_figure(curves: Sequence[LossCurve], *, title: str = "Loss by epoch") -> str:
    """Return the figure of loss curves: dashed for training rows, solid for the others.

    Parameters
    ----------
    curves : at least one; of an ensemble's kinds of networks, or of several versions
    """
    losses = [loss for curve in curves for loss in (*curve.train, *curve.validation) if loss > 0]
    epochs = [epoch for curve in curves for epoch in curve.epochs]
    parts = []
    for curve in curves:
        best = f", best epoch {curve.best_epoch}" if curve.best_epoch else ""
        parts.append(
            f"{curve.name or 'Network'}: from {numeral(curve.validation[0])} to "
            f"{numeral(min(curve.validation))}{best}."
        )
    drawing = Drawing(
        linear_axis([min(epochs), max(epochs)], margin=0.0),
        log_axis(losses or [1.0]),
        "epoch",
        "loss",
        title=title,
        description="Loss on rows that were not trained on, on a logarithmic scale. "
        + " ".join(parts),
    )
    for number, curve in enumerate(curves, 1):
        thin = _thinned(curve)
        if curve.best_epoch and curve.epochs[0] <= curve.best_epoch <= curve.epochs[-1]:
            bottom, top = min(losses, default=_LEAST), max(losses, default=1.0)
            drawing.reference((curve.best_epoch, bottom), (curve.best_epoch, top))
        drawing.line([(e, max(t, _LEAST)) for e, t, _ in thin], number, dashed=True)
        drawing.line([(e, max(v, _LEAST)) for e, _, v in thin], number)
    if len(curves) > 1 or curves[0].name:
        drawing.legend([curve.name for curve in curves])
    return drawing.svg()


def _thinned(curve: LossCurve) -> list[tuple[int, float, float]]:
    points = list(zip(curve.epochs, curve.train, curve.validation, strict=True))
    every = max(1, -(-len(points) // _MOST_POINTS))
    return points[::every] + ([points[-1]] if (len(points) - 1) % every else [])
