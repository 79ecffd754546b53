"""What one network knows of its predictions: which rows are familiar."""

from dataclasses import replace
from typing import Any

import numpy as np

from network import Familiarity, Loss, Model, Rows
from network.familiarity import ROWS
from trainer.certainty.importance import feature_importance
from trainer.evaluation.permutation_importance import importance_rows


def network_certainty(
    model: Model, train: Rows, test: Rows, loss: Loss, *, seed: int
) -> tuple[Model, dict[str, Any]]:
    """Return a network with the rows that are familiar, and the importance of its features.

    Parameters
    ----------
    train : the rows that it was trained on
    test : rows that it was not trained on, in random order
    """
    rng = np.random.default_rng(seed)
    X = train.X[rng.permutation(len(train))[:ROWS]]
    Z, encoding = model.inputs(X), model.encoding
    column = np.arange(Z.shape[1]) if encoding is None else encoding.column
    shown = test[: importance_rows(len(test), len(model.features))]
    importance = feature_importance(model, model.predict, shown, loss=loss, rng=rng)
    return replace(model, familiarity=Familiarity.of(Z, column, rng)), importance
