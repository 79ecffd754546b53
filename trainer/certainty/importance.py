"""The importance of a model's features, by the loss that the model was trained with."""

from collections.abc import Callable
from typing import Any

import numpy as np

from network import Array, Explainer, Loss, Predictor, Quantile, Rows
from trainer.evaluation.permutation_importance import (
    MAX_FEATURES,
    permutation_importance,
    pinball_loss,
    root_mean_square,
)

EXPLAINED_ROWS = 64  # to find the features that contribute most


def feature_importance(
    model: Predictor,
    predict: Callable[[Array], Array],
    rows: Rows,
    *,
    loss: Loss,
    rng: np.random.Generator,
    poll: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Return the permutation importance of at most `MAX_FEATURES` features, for a card.

    Parameters
    ----------
    predict, rows, rng, poll : as `permutation_importance` takes them
    loss : of a quantile or of the mean
    """
    return permutation_importance(
        predict,
        rows,
        {column: model.features[column] for column in _columns(model, rows.X[:EXPLAINED_ROWS])},
        model.targets,
        rng=rng,
        cost=pinball_loss(loss.q) if isinstance(loss, Quantile) else root_mean_square,
        poll=poll,
    )


def _columns(model: Predictor, X: Array) -> list[int]:
    """Return all columns; if they are too many, those that contribute most to predictions."""
    if len(model.features) <= MAX_FEATURES:
        return list(range(len(model.features)))
    contributions = Explainer(model).explain(X, model.predict(X)).contributions
    shares = (abs(contributions) / model.target_scale[:, None]).sum(axis=(0, 1))
    most: list[int] = np.sort(np.argsort(-shares, kind="stable")[:MAX_FEATURES]).tolist()
    return most
