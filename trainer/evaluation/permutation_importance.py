"""How much worse predictions become if the values of a feature are permuted among the rows.

References
----------
Breiman 2001, "Random Forests", section 10.
Fisher, Rudin & Dominici 2019, "All Models are Wrong, but Many are Useful".
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from network import Array, Rows

REPEATS = 3
MAX_FEATURES = 200
MAX_ROWS = 2_000
MAX_PREDICTIONS = 60_000  # for all features together, so that wide tables do not take long

Cost = Callable[[Array, Array | None], float]  # of residuals ŷ − y (n,), with the rows' weights


def importance_rows(rows: int, features: int) -> int:
    """Return how many of the rows are enough, if at most `MAX_FEATURES` features are permuted."""
    return min(rows, MAX_ROWS, MAX_PREDICTIONS // (REPEATS * min(features, MAX_FEATURES)))


def root_mean_square(residuals: Array, weights: Array | None) -> float:
    """Return the root of the (weighted) mean square of residuals."""
    return math.sqrt(np.average(residuals**2, weights=weights))


def pinball_loss(quantile: float) -> Cost:
    """Return the mean loss of a model of a quantile, in the target's units."""

    def mean_loss(residuals: Array, weights: Array | None) -> float:
        costs = np.maximum((1.0 - quantile) * residuals, -quantile * residuals)
        return float(np.average(costs, weights=weights))

    return mean_loss


def permutation_importance(
    predict: Callable[[Array], Array],
    rows: Rows,
    features: Mapping[int, str],
    targets: Sequence[str],
    *,
    rng: np.random.Generator,
    cost: Cost = root_mean_square,
    poll: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Return the importance of each feature, for a card.

    Of two features that say the same, neither is important, because the other one remains.

    Parameters
    ----------
    predict : maps X (n, features) of the rows, in their order, to predictions (n, targets) by
        models that have not seen the rows
    rows : about as many as `importance_rows` says
    features : the names by the columns of X, at most `MAX_FEATURES`
    cost : of the residuals of one target
    poll : called before every prediction; may raise

    Returns
    -------
    importance : by target and feature, the increase of the cost, the mean over the permutations;
        the most important feature first
    """

    def costs(X: Array) -> Array:
        poll()
        residuals = predict(X) - rows.Y
        return np.array([cost(residuals[:, k], rows.weights) for k in range(len(targets))])

    before = costs(rows.X)
    increases = {name: np.zeros(len(targets)) for name in features.values()}
    for column, name in features.items():
        X = rows.X.copy()
        for _ in range(REPEATS):
            X[:, column] = rng.permutation(rows.X[:, column])
            increases[name] += (costs(X) - before) / REPEATS
    return {
        "rows": len(rows),
        "repeats": REPEATS,
        "increases": {
            target: {
                name: float(each[k])
                for name, each in sorted(increases.items(), key=lambda item: -item[1][k])
            }
            for k, target in enumerate(targets)
        },
    }
