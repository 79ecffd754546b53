"""The interface of every trained model."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from network.arrays import Array
from network.assessment import Assessment, RowAssessment
from network.column import Column


class Predictor(Protocol):
    """A trained model: immutable, and safe to share between threads.

    A row's prediction has the same bits alone and in any batch.
    """

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return the features, in the order of the columns of X."""

    @property
    def features(self) -> tuple[str, ...]:
        """Return the names of the features."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Return the names of the targets."""

    @property
    def target_scale(self) -> Array:
        """Return the targets' standard deviations in training (targets,), or similar."""

    @property
    def feature_range(self) -> Array:
        """Return the features' smallest and greatest values in training (2, features)."""

    @property
    def extrapolation_limits(self) -> Array:
        """Return the limits (2, features) that a prediction extrapolates beyond."""

    def predict(self, X: ArrayLike) -> Array:
        """Predict Y (N, targets) for rows X (N, features); see `network.column` for the cells."""

    def predict_row(self, row: Sequence[float]) -> list[float]:
        """Predict one row, faster than `predict` and with the same bits."""

    def assess(self, X: ArrayLike, *, scale: bool = False) -> Assessment:
        """Predict rows, and return what the model knows of them; scales only if asked for."""

    def assess_row(self, row: Sequence[float], *, scale: bool = False) -> RowAssessment:
        """Predict one row and assess it, faster than `assess` and with the same bits."""

    def outside(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Return which cells of X (N, features) are beyond the limits of extrapolation."""

    def unseen(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Return which cells of X (N, features) are categories that training had not."""
