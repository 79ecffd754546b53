"""How predictions respond to one feature."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from network import Array, Calibration, Column, Predictor

LEVEL = 0.9  # of the intervals
_POINTS = 41
_DATES = 73
_MOST_VALUES = 24  # of a category
_MOST_ROWS = 32  # that the mean response is of
_MOST_PREDICTIONS = 12_000  # for all features together


@dataclass(frozen=True, eq=False)
class Response:
    """The response of one target to one feature.

    Attributes
    ----------
    x : (n,) float64, values of the feature, as `network.column` describes them
    typical : (n,) float64, predictions for one typical row with these values of the feature
    lower, upper : (n,) float64, the intervals of these predictions; None if there are none
    mean : (n,) float64, the mean predictions for several rows with these values of the feature
    """

    feature: Column
    target: str
    x: Array
    typical: Array
    lower: Array | None
    upper: Array | None
    mean: Array


def responses(
    model: Predictor, calibration: Calibration | None, X: Array, features: list[int]
) -> list[list[Response]]:
    """Return the responses of every target to some features: a list for each feature.

    Parameters
    ----------
    X : (rows, features) float64, at least one row of the data
    features : indices
    """
    row = X[typical_row(model.columns, X)]
    most = _MOST_PREDICTIONS // (_DATES * max(1, len(features)))
    some = X[: max(1, min(_MOST_ROWS, most))]
    return [_responses(model, calibration, row, some, index) for index in features]


def has_intervals(calibration: Calibration | None) -> bool:
    """Return whether responses have intervals: a level needs enough scores."""
    return calibration is not None and calibration.highest_level >= LEVEL


def typical_row(columns: Sequence[Column], X: Array) -> int:
    """Return the index of the row of X (rows, features) that is nearest to the middle of all.

    The middle of a category or boolean is its most frequent value, and every other value has
    distance 1. The middle of any other column is its median, and distances are in units of their
    mean. A missing cell has distance 1.
    """
    total = np.zeros(len(X))
    for column, x in zip(columns, X.T, strict=True):
        present = x[~np.isnan(x)]
        if not len(present):
            continue
        if column.kind in ("category", "boolean"):
            values, counts = np.unique(present, return_counts=True)
            total += x != values[counts.argmax()]
        else:
            half = np.abs(x / 2.0 - np.median(present) / 2.0)  # half, so that none overflows
            mean = np.nanmean(half)
            total += np.nan_to_num(half / mean if mean > 0 else half, nan=1.0)
    return int(total.argmin())


def grid(feature: Column, ends: Array) -> Array:
    """Return values of a feature: (n,) float64.

    Parameters
    ----------
    ends : (2,), the least and the greatest value in training
    """
    if feature.kind == "category":
        return np.arange(min(len(feature.values), _MOST_VALUES), dtype=np.float64)
    if feature.kind == "boolean":
        return np.array([0.0, 1.0])
    points = _DATES if feature.kind == "datetime" else _POINTS
    least, greatest = ends / 2.0  # half, so that their distance does not overflow
    return 2.0 * np.linspace(float(least), float(greatest), points)


def _responses(
    model: Predictor, calibration: Calibration | None, row: Array, some: Array, index: int
) -> list[Response]:
    x = grid(model.columns[index], model.feature_range[:, index])
    typical = np.tile(row, (len(x), 1))
    typical[:, index] = x
    many = np.tile(some, (len(x), 1))
    many[:, index] = np.repeat(x, len(some))
    with np.errstate(all="ignore"):
        Y, ends = _with_interval(model, calibration, typical)
        mean = model.predict(many).reshape(len(x), len(some), -1).mean(axis=1)
    return [
        Response(
            model.columns[index], target, x, Y[:, k],
            None if ends is None else ends[0][:, k], None if ends is None else ends[1][:, k],
            mean[:, k],
        )
        for k, target in enumerate(model.targets)
    ]  # fmt: skip


def _with_interval(
    model: Predictor, calibration: Calibration | None, X: Array
) -> tuple[Array, tuple[Array, Array] | None]:
    """Return predictions, and the ends of their intervals if the version has any of `LEVEL`."""
    if calibration is None or not has_intervals(calibration):
        return model.predict(X), None
    assessed = model.assess(X, scale=True)
    lower, upper = calibration.offsets(LEVEL)
    scale = 1.0 if assessed.scale is None else assessed.scale
    return assessed.Y, (assessed.Y + lower * scale, assessed.Y + upper * scale)
