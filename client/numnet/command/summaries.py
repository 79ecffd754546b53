"""What is shown of a version in brief."""

from collections.abc import Mapping
from typing import Any


def scores_of(metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the metrics that a version was judged by: of rows that it was not trained on."""
    if "rmse" in metrics:  # of a job
        return metrics
    for name in ("test", "out_of_fold"):
        if isinstance(found := metrics.get(name), Mapping):
            return found
    return {}


def network(card: Mapping[str, Any]) -> str:
    """Return a network in brief, such as 4-32-16-1 tanh."""
    layers = card.get("layers")
    if not isinstance(layers, list):
        return ""
    folds = card.get("folds")
    text = f"{'-'.join(map(str, layers))} {card.get('activation', '')}".strip()
    return f"{folds} × {text}" if folds else text
