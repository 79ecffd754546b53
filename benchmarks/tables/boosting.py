"""Gradient boosting as an expert uses it: tuned by cross-validation, and with intervals.

Sources
    Romano, Patterson & Candès (2019), Conformalized quantile regression, NeurIPS 32: algorithm 1.
"""

import itertools
import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import KFold

from benchmarks.tables.scores import LEVEL

Array = NDArray[np.float64]


class TunedBoosting(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # untyped bases
    """Boosting with the number of trees and their shape of the least cross-validated error.

    One fit on a fold judges every number of trees, because trees are added one after the other.
    """

    def __init__(
        self,
        categories: tuple[int, ...] = (),
        *,
        leaves: tuple[int, ...] = (4, 8, 24),
        min_leaf_rows: tuple[int, ...] = (5, 20),
        max_features: tuple[float, ...] = (0.6,),
        learning_rate: float = 0.08,
        trees: int = 300,
        folds: int = 3,
    ) -> None:
        self.categories = categories
        self.leaves = leaves
        self.min_leaf_rows = min_leaf_rows
        self.max_features = max_features
        self.learning_rate = learning_rate
        self.trees = trees
        self.folds = folds

    def fit(self, X: Array, y: Array) -> Self:
        """Search the grid, and fit the best trees to all rows."""
        grid = itertools.product(self.leaves, self.min_leaf_rows, self.max_features)
        best: tuple[float, int, Any] = min(
            (self._validate(shape, X, y) for shape in grid), key=lambda each: each[0]
        )
        _, trees, shape = best
        self.model_ = self._boosting(shape, trees).fit(X, y)
        return self

    def predict(self, X: Array) -> Array:
        """Return predictions (N,)."""
        y_hat: Array = self.model_.predict(X)
        return y_hat

    def _validate(
        self, shape: tuple[int, int, float], X: Array, y: Array
    ) -> tuple[float, int, tuple[int, int, float]]:
        """Return the least mean squared error, its number of trees, and the shape."""
        errors = np.zeros(self.trees)
        for train, test in KFold(self.folds, shuffle=True, random_state=0).split(X):
            model = self._boosting(shape, self.trees).fit(X[train], y[train])
            for count, y_hat in enumerate(model.staged_predict(X[test])):
                errors[count] += ((y_hat - y[test]) ** 2).sum() / len(y)
        return float(errors.min()), int(errors.argmin()) + 1, shape

    def _boosting(self, shape: tuple[int, int, float], trees: int) -> HistGradientBoostingRegressor:
        leaves, min_leaf_rows, max_features = shape
        return HistGradientBoostingRegressor(
            learning_rate=self.learning_rate,
            max_iter=trees,
            max_leaf_nodes=leaves,
            min_samples_leaf=min_leaf_rows,
            max_features=max_features,
            categorical_features=list(self.categories) or None,
            early_stopping=False,
            random_state=0,
        )


class ConformalQuantiles(BaseEstimator):  # type: ignore[misc]  # untyped base
    """Intervals between two boosted quantiles, widened to their coverage on a third of the rows."""

    def __init__(self, categories: tuple[int, ...] = (), level: float = LEVEL) -> None:
        self.categories = categories
        self.level = level

    def fit(self, X: Array, y: Array) -> Self:
        """Fit both quantiles to two thirds of the rows, and calibrate them on the others."""
        order = np.random.default_rng(0).permutation(len(X))
        calibration, proper = order[: len(X) // 3], order[len(X) // 3 :]
        tail = (1.0 - self.level) / 2.0
        self.quantiles_ = [
            HistGradientBoostingRegressor(
                loss="quantile",
                quantile=quantile,
                categorical_features=list(self.categories) or None,
                random_state=0,
            ).fit(X[proper], y[proper])
            for quantile in (tail, 1.0 - tail)
        ]
        low, high = (each.predict(X[calibration]) for each in self.quantiles_)
        scores = np.sort(np.maximum(low - y[calibration], y[calibration] - high))
        rank = math.ceil(self.level * (len(scores) + 1))
        self.widening_ = scores[min(rank, len(scores)) - 1]
        return self

    def predict(self, X: Array) -> Array:
        """Return intervals (N, 2)."""
        low, high = (each.predict(X) for each in self.quantiles_)
        return np.column_stack([low - self.widening_, high + self.widening_])
