"""The card of a trained model: the record that the registry stores with it."""

import platform
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np

from trainer.data.split import Split
from trainer.data.table import Table
from trainer.training.fit import Fit

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
