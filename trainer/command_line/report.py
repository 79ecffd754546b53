"""The outcome of the command: text or JSON on stdout, errors on stderr, and the exit code."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from config import SettingsError
from network import ArchitectureError, NetworkError
from registry import RegistryError
from trainer.data.reading.selection import NOT_NAMED
from trainer.data.table import Table
from trainer.errors import RecipeError, TrainerError
from trainer.training.trained import Trained

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
KINDS = {
    "number": ("number", "numbers"),
    "category": ("category", "categories"),
    "boolean": ("boolean", "booleans"),
    "datetime": ("date", "dates"),
}
MAX_SHOWN = 20  # columns with missing cells
STATE_NAMES = {"kept_back": "kept back"}


def note(text: str) -> None:
    """Print a note on stderr."""
    click.echo(f"note: {text}", err=True)


def report_table(table: Table) -> None:
    """Print on stderr what was understood of a file and what was left out."""
    if not table.summary:
        return
    kinds = Counter(column.kind for column in table.columns)
    features = ", ".join(f"{count} {KINDS[kind][count > 1]}" for kind, count in kinds.items())
    click.echo(
        f"{table.source}: {table.summary['format']}, {_count(len(table.X), 'row')}, "
        f"features: {features}",
        err=True,
    )
    if missing := [each for each in table.summary["columns"] if "missing" in each]:
        shown = [f"{each['missing']:,} in {each['name']!r}" for each in missing[:MAX_SHOWN]]
        note(f"missing cells: {', '.join(shown)}{', …' * (len(missing) > MAX_SHOWN)}")
    for each in table.summary["left_out"]:
        if each["why"] != NOT_NAMED:  # which the user knows
            note(f"column {each['column']!r} is left out: {each['why']}")
    for each in table.summary["columns"]:
        if "note" in each:
            note(f"column {each['name']!r}: {each['note']}")
    for text in table.summary["notes"]:
        note(text)


def finish(outcome: dict[str, Any], as_json: bool, code: int = 0) -> NoReturn:
    """Print the outcome if JSON is asked for, and exit."""
    if as_json:
        click.echo(json.dumps(outcome))
    sys.exit(code)


def discard(known: dict[str, Any], as_json: bool) -> NoReturn:
    """Exit after an interrupt without a version."""
    finish({"version": None, "state": "discarded"} | known, as_json, EXIT_INTERRUPTED)


@contextmanager
def failures_reported(as_json: bool) -> Iterator[dict[str, Any]]:
    """Report an error or an interrupt and exit with its code.

    Yield a dictionary for what every outcome states as soon as it is known: the model's name.
    """
    known: dict[str, Any] = {}
    try:
        yield known
    except (NetworkError, RegistryError, SettingsError, TrainerError) as error:
        click.echo(f"error: {error}", err=True)
        code = EXIT_USAGE if isinstance(error, RecipeError | ArchitectureError) else EXIT_FAILED
        failure = {"version": None, "state": "failed", "error": str(error)}
        finish(failure | known, as_json, code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted: nothing was published", err=True)
        discard(known, as_json)


def report_version(
    outcome: dict[str, Any], trained: Trained, as_json: bool, title: str = ""
) -> NoReturn:
    """Report a published version, and exit.

    Parameters
    ----------
    outcome : its number, state and the gate's verdict
    title : the beginning of the text
    """
    if not as_json:
        click.echo(title + _as_text(outcome, trained))
    metrics, training = trained.metrics, trained.card["training"]
    document = {
        **outcome,
        "judged_on": "out_of_fold" if "out_of_fold" in trained.card["metrics"] else "test",
        **{f"test_{name}": metrics[name] for name in ("mse", "rmse", "mae", "r2")},
        "metrics": metrics,
        "seconds": round(trained.seconds, 3),
        "stopped": trained.stopped,
        "epochs": training["epochs"],
        "best_epoch": training["best_epoch"],
        "solver": trained.card["recipe"]["solver"],
        "decisions": training["decisions"],
        "warnings": trained.card["warnings"],
        "rows": trained.card["data"]["rows"],
    }
    finish(document, as_json)


def _as_text(outcome: dict[str, Any], trained: Trained) -> str:
    training = trained.card["training"]
    rows = trained.card["data"]["rows"]
    version = (
        f"version {outcome['version']} {STATE_NAMES.get(outcome['state'], outcome['state'])}: "
        f"{_errors(trained, rows)}"
    )
    fit = (
        f"{_count(training['epochs'], 'epoch')} of {trained.card['recipe']['solver']} on "
        f"{rows['train']} training rows in {trained.seconds:.1f} s ({trained.stopped}); "
        f"best epoch {training['best_epoch']}"
    )
    if (test := trained.card["metrics"].get("test_file")) is not None:
        version += f"; RMSE {test['rmse']:.4g} on {_count(test['rows'], 'row')} of the test file"
    gate = f"gate: {outcome['verdict']['reason']}"
    warnings = [f"warning: {each}" for each in trained.card["warnings"]]
    lines = [version, *warnings, *_baselines(trained.metrics), fit, *training["decisions"], gate]
    return "\n  ".join(lines)


def _errors(trained: Trained, rows: dict[str, int]) -> str:
    metrics = trained.metrics
    r2 = "undefined" if metrics["r2"] is None else f"{metrics['r2']:.6f}"
    if "out_of_fold" not in trained.card["metrics"]:
        return (
            f"test MSE {metrics['mse']:.3e}, RMSE {metrics['rmse']:.3e}, R² {r2}"
            f"{_loss_metric(trained)} on {_count(rows['test'], 'test row')}"
        )
    confidence = "confidence unknown, because nearly all weight is on one row"
    if metrics["rmse_95"] is not None:
        confidence = "95 % confidence: {:.4g} to {:.4g}".format(*metrics["rmse_95"])
    return (
        f"RMSE {metrics['rmse']:.4g} ({confidence}), R² {r2}"
        f"{_loss_metric(trained)}, each of {_count(metrics['rows'], 'row')} predicted by networks "
        f"that did not train on it"
    )


def _baselines(metrics: dict[str, Any]) -> list[str]:
    """Return the errors of simpler models on the same rows, if they are known."""
    found = metrics.get("baselines", {})
    parts = [f"{name} {each['rmse']:.4g}" for name, each in found.items()]
    return [f"RMSE of simpler models on the same rows: {', '.join(parts)}"] if parts else []


def _loss_metric(trained: Trained) -> str:
    """Return the metric that corresponds to the loss, unless it is the squared one."""
    metrics, loss = trained.metrics, trained.card["recipe"]["loss"]
    if loss == "huber":
        return f", MAE {metrics['mae']:.3e}"
    return f", {metrics['below']:.1%} below the prediction" if loss == "quantile" else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
