"""The card of a trained model: the record that the registry stores with it."""

import platform
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np

from trainer.data.split import Split
from trainer.evaluation.evaluation import Evaluation
from trainer.training.fit import Fit
from trainer.training.plan import Plan
from trainer.training.problem import Problem

HISTORY_POINTS = 200


def make_card(
    problem: Problem,
    plan: Plan,
    outcome: Fit,
    evaluation: Evaluation,
    *,
    decisions: list[str],
    seconds: float,
    created_at: datetime,
) -> dict[str, Any]:
    """Return the card of a model, a JSON document without the version's number.

    Parameters
    ----------
    decisions : what the recipe left open, and how it was decided
    seconds : the duration of the training
    """
    table = problem.table
    return {
        "created_at": created_at.isoformat(timespec="seconds"),
        "recipe": plan.as_card(),
        "data": {
            "source": table.source,
            "fingerprint": table.fingerprint(),
            "rows": _row_counts(problem.rows),
            "weights": table.weights_name,
            **({"reading": table.summary} if table.summary else {}),
        },
        "metrics": {"test": evaluation.metrics, "calibration": evaluation.intervals},
        "test_report": evaluation.report,
        "training": {
            "stopped": outcome.stopped,
            "seconds": round(seconds, 3),
            "epochs": len(outcome.history),
            "best_epoch": outcome.best_epoch,
            "decisions": decisions,
            "history": _thinned_history(outcome),
        },
        "libraries": library_versions(),
    }


def library_versions() -> dict[str, str]:
    """Return the versions that decide a training's bits."""
    return {"python": platform.python_version(), "numpy": np.__version__}


def _row_counts(rows: Split) -> dict[str, int]:
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
