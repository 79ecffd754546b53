"""Explanations of predictions: each feature's sensitivity and contribution.

The sensitivity of a feature is ∂ŷ/∂x at the row. Its contribution is the sum of the integrated
gradients of its inputs z, along the straight path from z = 0, the mean of all inputs in training:

    cᵢ = zᵢ·∫₀¹ ∂ŷ/∂zᵢ(α·z) dα,    Σᵢ cᵢ = ŷ(z) − ŷ(0).

The integral is a sum over a few nodes. Its error is distributed over the features in proportion to
the sizes of their contributions, so that the sum is exact.

References
----------
Sundararajan, Taly & Yan 2017, "Axiomatic Attribution for Deep Networks": integrated gradients.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from network.arrays import Array
from network.ensemble.ensemble import Ensemble
from network.explanation.ensemble_path import EnsemblePath
from network.explanation.network_path import NetworkPath
from network.model import Model
from network.predictor import Predictor

SLOPED = ("number", "datetime")  # the kinds of columns that can change a little


class Path(Protocol):
    """The gradients of a model's predictions with respect to its inputs z; see `NetworkPath`."""

    column: NDArray[np.intp]
    baseline: Array
    rows_per_pass: int

    def inputs(self, X: Array) -> tuple[Array, Array]:
        """Return the inputs of rows X (N, features), and their slopes: (N, I) each.

        A slope is the derivative of an input with respect to its feature.
        """

    def gradients(self, Z: Array) -> tuple[Array, Array]:
        """Return ∂ŷₖ/∂zᵢ for rows Z (N, I), and its integral over the path: (N, K, I) each."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """The explanation of N predictions, in the targets' units.

    Attributes
    ----------
    sensitivities : (N, targets, features) float64, per unit of the feature, which is a day for a
        date; NaN for categories, booleans and missing cells
    contributions : (N, targets, features) float64; their sum over the features is ŷ − baseline
    baseline : (targets,) float64, the prediction for the mean of each input in training
    """

    sensitivities: Array
    contributions: Array
    baseline: Array


class Explainer:
    """Explains the predictions of a model. Immutable, and safe to share between threads."""

    def __init__(self, model: Predictor) -> None:
        self._path = _path(model)
        self._is_sloped = np.array([column.kind in SLOPED for column in model.columns])
        column = self._path.column
        self._is_input_per_feature = np.array_equal(column, np.arange(len(model.features)))
        self._order = column.argsort(kind="stable")
        self._with_inputs, self._starts = np.unique(column[self._order], return_index=True)

    def explain(self, X: ArrayLike, Y: Array) -> Explanation:
        """Explain predictions. The bits of a row's explanation do not depend on the other rows.

        Parameters
        ----------
        X : (N, features) float64
        Y : (N, targets) float64, as `model.predict` returns them
        """
        X = np.asarray(X, dtype=np.float64)
        shape = (*Y.shape, X.shape[1])
        sensitivities, contributions = np.empty(shape), np.empty(shape)
        with np.errstate(all="ignore"):
            for start in range(0, len(X), self._path.rows_per_pass):
                part = slice(start, start + self._path.rows_per_pass)
                sensitivities[part], contributions[part] = self._explain(X[part], Y[part])
        return Explanation(sensitivities, contributions, self._path.baseline)

    def _explain(self, X: Array, Y: Array) -> tuple[Array, Array]:
        Z, input_slopes = self._path.inputs(X)
        slopes, contributions = self._path.gradients(Z)
        slopes *= input_slopes[:, None]
        slopes = self._sums(slopes)
        undefined = np.isnan(X) | ~self._is_sloped
        np.copyto(slopes, np.nan, where=undefined[:, None])
        return slopes, _completed(self._sums(contributions), Y - self._path.baseline)

    def _sums(self, of_inputs: Array) -> Array:
        """Return the sums over the inputs of each feature: (N, targets, features).

        A product with a matrix of ones and zeros would need features × inputs numbers.
        """
        if self._is_input_per_feature:
            return of_inputs
        sums = np.zeros((*of_inputs.shape[:2], len(self._is_sloped)))
        ordered = of_inputs.take(self._order, axis=2)
        sums[:, :, self._with_inputs] = np.add.reduceat(ordered, self._starts, axis=2)
        return sums


def _path(model: Predictor) -> Path:
    match model:
        case Model():
            return NetworkPath(model)
        case Ensemble():
            return EnsemblePath(model)
    raise TypeError(f"{type(model).__name__} cannot be explained")


def _completed(contributions: Array, totals: Array) -> Array:
    """Return contributions (N, K, F) that sum to totals (N, K)."""
    sizes = abs(contributions)
    sum_of_sizes = sizes.sum(axis=2)
    shares = np.where((sum_of_sizes > 0.0)[:, :, None], sizes, 1.0)
    shares /= shares.sum(axis=2)[:, :, None]
    missing = totals - contributions.sum(axis=2)
    completed: Array = contributions + missing[:, :, None] * shares
    return completed


def explain(model: Predictor, X: ArrayLike) -> Explanation:
    """Explain the predictions of a model for rows X (N, features); see `Explainer`."""
    return Explainer(model).explain(X, model.predict(X))
