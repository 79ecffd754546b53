"""The card of a version as text and as charts."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from numnet.command.plots import histogram, log_curves, scatter
from numnet.command.printing import number, print_facts, print_table
from numnet.command.summaries import network


def print_card(card: Mapping[str, Any]) -> None:
    """Write the card for people, section by section."""
    data, training = card.get("data") or {}, card.get("training") or {}
    rows = data.get("rows") or {}
    print_facts(
        {
            "version": card["version"],
            "trained at": card.get("created_at"),
            "targets": ", ".join(card.get("targets", ())),
            "features": ", ".join(card.get("features", ())),
            "data": data.get("source"),
            "rows": ", ".join(f"{count:,} {name}" for name, count in rows.items()),
            "network": network(card),
            "solver": (card.get("recipe") or {}).get("solver"),
            "stopped": _stopped(training),
            "decisions": list(training.get("decisions", ())),
            "warnings": list(card.get("warnings", ())),
        }
    )
    _print_metrics(card.get("metrics") or {})
    _print_importance(card.get("importance") or {})


def _stopped(training: Mapping[str, Any]) -> str:
    """Return why and when a training ended."""
    parts = [str(training.get("stopped", ""))]
    if "epochs" in training:
        parts.append(f"after {training['epochs']:,} epochs")
    if "seconds" in training:
        parts.append(f"in {training['seconds']:.1f} s")
    return " ".join(filter(None, parts))


def _print_metrics(metrics: Mapping[str, Any]) -> None:
    sets = {
        name: values
        for name, values in metrics.items()
        if isinstance(values, Mapping) and "rmse" in values
    }
    if sets:
        names = ("rmse", "mae", "r2")
        click.echo()
        print_table(
            ("errors on", "RMSE", "MAE", "R²"),
            [(name.replace("_", " "), *map(values.get, names)) for name, values in sets.items()],
        )
    widths = (metrics.get("calibration") or {}).get("half_widths") or {}
    if isinstance(widths, Mapping) and widths:
        click.echo()
        targets = list(next(iter(widths.values())))
        print_table(
            ("interval", *(f"± {target}" for target in targets)),
            [
                (f"{100 * float(level):g} %", *map(by_target.get, targets))
                for level, by_target in widths.items()
            ],
        )


def _print_importance(importance: Mapping[str, Any]) -> None:
    for target, increases in (importance.get("increases") or {}).items():
        click.echo()
        print_table(
            (f"feature of {target}", "error if its values are permuted, by"),
            list(increases.items()),
        )


def plot_card(card: Mapping[str, Any]) -> None:
    """Draw what the card has for it: losses, predictions against truth, residuals."""
    is_ascii = not _can_write("⣿█")
    history = (card.get("training") or {}).get("history") or []
    charts = [_losses(history, is_ascii)]
    for target, report in (card.get("test_report") or {}).items():
        points = list(zip(report["actual"], report["predicted"], strict=True))
        charts.append(
            scatter(f"{target}: predicted against actual", points, "actual", is_ascii=is_ascii)
        )
        bars = report["residuals"]["histogram"]
        title = f"{target}: residuals, actual − predicted"
        charts.append(histogram(title, bars["edges"], bars["counts"], is_ascii=is_ascii))
    shown = [chart for chart in charts if chart]
    if not shown:
        click.echo("\nthe card has nothing to draw")
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for title, *lines in shown:
        click.echo()
        click.secho(title, bold=True)
        for line in lines:
            click.echo(line[:width] if width else line)


def _losses(history: Sequence[Mapping[str, Any]], is_ascii: bool) -> list[str]:
    """Return the chart of the losses on training and validation rows."""
    names = [name for name in ("train_loss", "validation_loss") if history and name in history[0]]
    curves = [
        [(entry["epoch"], entry[name]) for entry in history if entry.get(name) is not None]
        for name in names
    ]
    words = " and ".join(name.removesuffix("_loss") for name in names)
    last = ", ".join(number(curve[-1][1], 3) for curve in curves if curve)
    title = f"loss on {words} rows, logarithmic (at the end {last})"
    return log_curves(title, curves, "epoch", is_ascii=is_ascii)


def _can_write(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
