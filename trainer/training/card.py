"""The card of a trained model: the record that the registry stores with it."""

import platform
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np

from trainer.data.split import Split
from trainer.data.table import Table
from trainer.training.fit import Fit
from trainer.training.trained import main_metrics
from trainer.training.watchdog import Stopped

HISTORY_POINTS = 200


def make_card(
    table: Table,
    recipe: dict[str, Any],
    *,
    rows: dict[str, int],
    metrics: dict[str, Any],
    reports: dict[str, Any],
    training: dict[str, Any],
    created_at: datetime,
) -> dict[str, Any]:
    """Return the card of a model, a JSON document without the version's number.

    Parameters
    ----------
    recipe : with every default filled in
    rows : the number of rows by their use
    metrics : by the rows that they are of
    reports : members of the card with predicted and actual values
    training : as `training_record` returns it
    """
    return {
        "created_at": created_at.isoformat(timespec="seconds"),
        "recipe": recipe,
        "data": {
            "source": table.source,
            "fingerprint": table.fingerprint(),
            "rows": rows,
            "weights": table.weights_name,
            **({"reading": dict(table.summary)} if table.summary else {}),
        },
        "metrics": metrics,
        **reports,
        "training": training,
        "libraries": library_versions(),
    }


def training_record(outcome: Fit, decisions: list[str], seconds: float) -> dict[str, Any]:
    """Return the course of a training.

    Parameters
    ----------
    decisions : what the recipe left open, and how it was decided
    seconds : the duration of the training
    """
    return {
        "stopped": outcome.stopped,
        "seconds": round(seconds, 3),
        "epochs": len(outcome.history),
        "best_epoch": outcome.best_epoch,
        "decisions": decisions,
        "history": _thinned_history(outcome),
    }


def find_warnings(card: dict[str, Any]) -> list[str]:
    """Return what a user of the version should know before trusting it, as sentences.

    Parameters
    ----------
    card : complete, with metrics and training
    """
    found = []
    recipe, stopped = card["recipe"], card["training"]["stopped"]
    if stopped == Stopped.TIME:
        found.append(
            f"the time limit of {recipe['max_seconds']:g} s ended the training; with more time "
            f"(max_seconds), its error may become smaller"
        )
    elif stopped in (Stopped.INTERRUPTED, Stopped.DIVERGED):
        found.append(f"the training ended early ({stopped}), with the best weights before that")
    by_rows = {"rows that it was not trained on": main_metrics(card)}
    if "test_file" in card["metrics"]:
        by_rows["rows of the test file"] = card["metrics"]["test_file"]
    for rows, metrics in by_rows.items():
        for name, entry in metrics.get("targets", {"": metrics}).items():
            if entry["r2"] is not None and entry["r2"] < 0:
                found.append(_no_skill(name, entry["r2"], rows, recipe["loss"]))
    return found


def _no_skill(target: str, r2: float, rows: str, loss: str) -> str:
    of_target = f" of {target}" if target else ""
    robust = "" if loss == "squared" else f"; with the {loss} loss, outliers may be the reason"
    return (
        f"R²{of_target} is {r2:.3g} on {rows}: its squared errors are larger than if it always "
        f"predicted the mean of these rows{robust}"
    )


def library_versions() -> dict[str, str]:
    """Return the versions that decide a training's bits."""
    return {"python": platform.python_version(), "numpy": np.__version__}


def row_counts(rows: Split) -> dict[str, int]:
    """Return the number of rows in each part of a split."""
    return {
        "train": len(rows.train),
        "validation": len(rows.validation),
        "test": len(rows.test),
    }


def _thinned_history(outcome: Fit) -> list[dict[str, Any]]:
    """Return up to about `HISTORY_POINTS` epochs at equal distances, and the last one."""
    history = outcome.history
    every = -(-len(history) // HISTORY_POINTS) or 1
    thinned = history[::every] + ([history[-1]] if (len(history) - 1) % every else [])
    return [
        {key: value for key, value in asdict(epoch).items() if key != "epochs"} for epoch in thinned
    ]
