"""Pictures of how good a version is, in characters."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from numnet.command.plots import histogram, log_curves, scatter
from numnet.command.printing import number, printable

_BINS = 30


def print_pictures(evaluation: Mapping[str, Any]) -> None:
    """Draw losses, predictions against actual values, and residuals.

    Parameters
    ----------
    evaluation : as `Client.evaluation` returns it
    """
    is_ascii = not _can_write("⣿█")
    charts = [_losses(curve, is_ascii) for curve in evaluation["losses"]]
    for target, pairs in evaluation["pairs"].items():
        points = list(zip(pairs["actual"], pairs["predicted"], strict=True))
        title = f"{target}: predicted against actual"
        charts.append(scatter(title, points, "actual", is_ascii=is_ascii))
        edges, counts = _bins([_difference(predicted, actual) for actual, predicted in points])
        title = f"{target}: residuals, predicted − actual"
        charts.append(histogram(title, edges, counts, is_ascii=is_ascii))
    shown = [chart for chart in charts if chart]
    if not shown:
        click.echo("\nthe version has nothing to draw")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for title, *lines in shown:
        click.echo()
        click.secho(printable(title), bold=True)
        for line in lines:
            click.echo(line[:width] if width else line)


def _losses(curve: Mapping[str, Any], is_ascii: bool) -> list[str]:
    """Return the chart of the losses on training and validation rows."""
    losses = [curve["train"], curve["validation"]]
    curves = [list(zip(curve["epochs"], each, strict=True)) for each in losses]
    of = f" of {curve['name']} networks" if curve["name"] else ""
    last = ", ".join(number(each[-1], 3) for each in losses if each)
    title = f"loss on train and validation rows{of}, logarithmic (at the end {last})"
    return log_curves(title, curves, "epoch", is_ascii=is_ascii)


def _difference(a: float, b: float) -> float:
    """Return a − b; the largest number of the same sign if it is infinite."""
    return min(max(a - b, -sys.float_info.max), sys.float_info.max)


def _bins(values: Sequence[float]) -> tuple[list[float], list[int]]:
    """Return the edges of equal bins, and how many values are in each."""
    least, greatest = min(values, default=0.0), max(values, default=0.0)
    width = greatest / _BINS - least / _BINS
    counts = [0] * _BINS
    for value in values:
        place = int((value / _BINS - least / _BINS) / width * _BINS) if width > 0 else 0
        counts[min(place, _BINS - 1)] += 1
    return [least + width * k for k in range(_BINS + 1)], counts if values else []


def _can_write(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
