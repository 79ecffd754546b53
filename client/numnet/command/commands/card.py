"""The card of a version as text."""

from collections.abc import Mapping
from typing import Any

import click

from numnet.command.printing import print_facts, print_table
from numnet.command.summaries import network

_BASELINES = {"mean": "the mean instead", "linear": "a linear model instead"}


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
        rows = [(name.replace("_", " "), *_errors(values)) for name, values in sets.items()]
        for values in sets.values():
            for name, each in (values.get("baselines") or {}).items():
                rows.append((f"  {_BASELINES.get(name, name)}", *_errors(each)))
        click.echo()
        print_table(("errors on", "RMSE", "MAE", "R²"), rows)
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


def _errors(values: Mapping[str, Any]) -> list[float | None]:
    return [values.get(name) for name in ("rmse", "mae", "r2")]


def _print_importance(importance: Mapping[str, Any]) -> None:
    for target, increases in (importance.get("increases") or {}).items():
        click.echo()
        print_table(
            (f"feature of {target}", "error if its values are permuted, by"),
            list(increases.items()),
        )
