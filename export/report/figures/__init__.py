"""Figures as inline SVG, for pages with a strict Content-Security-Policy.

A figure has no script, no `style` attribute and no id. Its colours come from the classes in
`figures.css`, which a page includes once. `<title>` and `<desc>` say in words what it shows.
"""

from pathlib import Path

from export.report.figures.bars import importance_figure
from export.report.figures.calibration import coverage_figure
from export.report.figures.loss import loss_figure
from export.report.figures.residual_histogram import residual_histogram
from export.report.figures.response_curve import response_figure
from export.report.figures.scatter import predicted_figure, residual_figure

STYLE = Path(__file__).with_name("figures.css")

__all__ = [
    "STYLE",
    "coverage_figure",
    "importance_figure",
    "loss_figure",
    "predicted_figure",
    "residual_figure",
    "residual_histogram",
    "response_figure",
]
