"""The predict step of every protocol: predict, and note in the request's context what was."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from network import Array
from service.model.loaded_version import LoadedVersion
from service.model.version_cache import VersionCache
from service.telemetry.request_context import RequestContext


@dataclass(frozen=True, eq=False)
class Prediction:
    """The predictions for many rows.

    Attributes
    ----------
    Y : (N, targets) float64, finite
    out_of_range : (N, features), which inputs are outside the range seen in training
    """

    version: LoadedVersion
    Y: Array
    out_of_range: NDArray[np.bool_]

    @property
    def extrapolating_rows(self) -> int:
        """The number of rows with an input out of range. Fast if they are few."""
        rows = np.flatnonzero(self.out_of_range) // self.out_of_range.shape[1]
        return 1 + int(np.count_nonzero(np.diff(rows))) if len(rows) else 0


def choose_version(
    versions: VersionCache, context: RequestContext, number: str | None = None
) -> LoadedVersion:
    """Return the version to predict with: the current one, or the one of a number.

    Raises
    ------
    NoModel, VersionNotFound, VersionRefused, StorageError
    """
    version = versions.require(number)
    context.version = version.number
    return version


def predict_rows(version: LoadedVersion, X: Array, context: RequestContext) -> Prediction:
    """Predict for X (N, features), finite.

    Raises
    ------
    PredictionNotFinite
        names the rows whose predictions overflow.
    """
    Y = version.model.predict(X)
    if not (finite := np.isfinite(Y)).all():
        rows = np.flatnonzero(~finite.all(axis=1)).tolist()
        raise version.reader.not_finite(rows, many=True)
    out_of_range = version.model.outside(X)
    context.rows = len(X)
    features = version.model.features
    if len(cells := np.flatnonzero(out_of_range)):
        counts = np.bincount(cells % len(features), minlength=len(features)).tolist()
        context.out_of_range = dict(zip(features, counts, strict=True))
    return Prediction(version, Y, out_of_range)


def predict_row(
    version: LoadedVersion, values: list[float], context: RequestContext
) -> tuple[list[float], list[str]]:
    """Predict for one row.

    Parameters
    ----------
    values : one per feature, finite, in the model's order

    Returns
    -------
    y : one number per target, finite
    out_of_range : the features whose values are outside the range seen in training

    Raises
    ------
    PredictionNotFinite
    """
    y = version.model.predict_row(values)
    if not all(map(math.isfinite, y)):
        raise version.reader.not_finite([0], many=False)
    out_of_range = version.reader.out_of_range(values)
    context.rows = 1
    if out_of_range:
        context.out_of_range = dict.fromkeys(out_of_range, 1)
    return y, out_of_range
