"""The predict step of every protocol: predict, and note in the request's context what was."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from network import Array, Explanation
from service.model.loaded_version import LoadedVersion
from service.model.served_model import ServedModel
from service.telemetry.request_context import RequestContext
from service.web.errors import MAX_ERRORS

ROWS_AT_A_TIME = 16_384


@dataclass(frozen=True, eq=False)
class Prediction:
    """The predictions for many rows.

    Attributes
    ----------
    Y : (N, targets) float64, finite
    out_of_range : (N, features), which inputs are outside the range seen in training
    unseen : (N, features), which inputs are categories that training had not; None if none is
    explained : (N, features), the rows if their predictions are to be explained; otherwise None
    scale : (N, targets) float64, the expected sizes of errors, for intervals; None for 1
    unfamiliar : (N,), which rows are unlike all training rows; None if the version cannot tell
    """

    version: LoadedVersion
    Y: Array
    out_of_range: NDArray[np.bool_]
    unseen: NDArray[np.bool_] | None = None
    explained: NDArray[Any] | None = None
    scale: Array | None = None
    unfamiliar: NDArray[np.bool_] | None = None

    @property
    def extrapolating_rows(self) -> int:
        """The number of rows with an input out of range. Fast if there are none."""
        return _rows_with_any(self.out_of_range)

    @property
    def unseen_rows(self) -> int:
        """The number of rows with a category that training had not."""
        return 0 if self.unseen is None else _rows_with_any(self.unseen)

    @property
    def unfamiliar_rows(self) -> int:
        """The number of rows that are unlike all training rows."""
        return 0 if self.unfamiliar is None else int(np.count_nonzero(self.unfamiliar))

    def explanation(self, rows: slice) -> Explanation | None:
        """Explain the predictions of some rows; return None if that was not asked for."""
        if self.explained is None:
            return None
        X = np.asarray(self.explained[rows], np.float64)
        return self.version.explainer.explain(X, self.Y[rows])


class RowPrediction(NamedTuple):
    """The prediction for one row.

    Attributes
    ----------
    y : one number per target, finite
    out_of_range : the features whose values are outside the range seen in training
    unseen : the features whose categories training had not
    explanation : of one row; None if it was not asked for
    scale : the expected size of the error, one number per target; None for 1
    unfamiliar : whether the row is unlike all training rows; None if the version cannot tell
    """

    y: list[float]
    out_of_range: list[str]
    unseen: list[str]
    explanation: Explanation | None = None
    scale: list[float] | None = None
    unfamiliar: bool | None = None


def choose_version(
    model: ServedModel, context: RequestContext, number: str | None = None
) -> LoadedVersion:
    """Return the version to predict with: the current one, or the one of a number.

    Raises
    ------
    NoModel, ModelNotFound, VersionNotFound, VersionRefused, StorageError
    """
    context.model = model.name
    version = model.versions.require(number)
    context.version = version.number
    return version


def predict_rows(
    version: LoadedVersion,
    X: NDArray[Any],
    context: RequestContext,
    *,
    explain: bool = False,
    scale: bool = False,
) -> Prediction:
    """Predict for many rows, block by block, so that little memory is needed besides the rows.

    Parameters
    ----------
    X : (N, features) of any type of numbers, as the version's reader returns it
    explain : whether the predictions are to be explained
    scale : whether intervals are to be made

    Raises
    ------
    PredictionNotFinite
        names the rows whose predictions overflow.
    """
    blocks = (
        _predict_block(version, np.asarray(X[start : start + ROWS_AT_A_TIME], np.float64), scale)
        for start in range(0, len(X), ROWS_AT_A_TIME)
    )
    prediction = replace(_joined(len(X), blocks), explained=X if explain else None)
    if not (finite := np.isfinite(prediction.Y)).all():
        rows = np.flatnonzero(~finite.all(axis=1))[:MAX_ERRORS].tolist()
        raise version.reader.refusals.not_finite(rows, many=True)
    features = version.model.features
    context.rows = len(X)
    context.out_of_range = _counts(prediction.out_of_range, features)
    if prediction.unseen is not None:
        context.unseen = _counts(prediction.unseen, features)
    context.unfamiliar = prediction.unfamiliar_rows
    return prediction


def _predict_block(version: LoadedVersion, X: Array, scale: bool) -> Prediction:
    model = version.model
    found = model.assess(X, scale=scale)
    unseen = model.unseen(X) if version.reader.has_categories else None
    return Prediction(
        version, found.Y, model.outside(X), unseen, None, found.scale, found.unfamiliar
    )


def _joined(rows: int, blocks: Iterator[Prediction]) -> Prediction:
    """Return the predictions for the rows of all blocks, of which memory holds one at a time."""
    joined, start = next(blocks), 0
    if len(joined.Y) < rows:
        arrays = dict[str, Any]()
        for block in chain([joined], blocks):
            for name in ("Y", "out_of_range", "unseen", "scale", "unfamiliar"):
                if (part := getattr(block, name)) is not None:
                    if name not in arrays:
                        arrays[name] = np.empty((rows, *part.shape[1:]), part.dtype)
                    arrays[name][start : start + len(part)] = part
            start += len(block.Y)
        joined = replace(joined, **arrays)
    if joined.unseen is not None and not joined.unseen.any():
        joined = replace(joined, unseen=None)
    return joined


def predict_row(
    version: LoadedVersion,
    values: list[float],
    context: RequestContext,
    *,
    explain: bool = False,
    scale: bool = False,
) -> RowPrediction:
    """Predict for one row.

    Parameters
    ----------
    values : one per feature, in the model's order, as the version's reader returns them
    explain : whether to explain the prediction
    scale : whether an interval is to be made

    Raises
    ------
    PredictionNotFinite
    """
    y, sizes, unfamiliar = version.model.assess_row(values, scale=scale)
    if not all(map(math.isfinite, y)):
        raise version.reader.refusals.not_finite([0], many=False)
    out_of_range, unseen = version.reader.out_of_range(values), version.reader.unseen(values)
    context.rows, context.unfamiliar = 1, int(unfamiliar or False)
    if out_of_range:
        context.out_of_range = dict.fromkeys(out_of_range, 1)
    if unseen:
        context.unseen = dict.fromkeys(unseen, 1)
    explanation = version.explainer.explain([values], np.array([y])) if explain else None
    of_targets = None if sizes is None else sizes.tolist()
    return RowPrediction(y, out_of_range, unseen, explanation, of_targets, unfamiliar)


def _rows_with_any(cells: NDArray[np.bool_]) -> int:
    return sum(int(np.count_nonzero(part.any(axis=1))) for part in _marked_parts(cells))


def _counts(cells: NDArray[np.bool_], features: tuple[str, ...]) -> dict[str, int] | None:
    """Return the number of cells of each feature; None if there are none."""
    counts = np.zeros(len(features), np.intp)
    for part in _marked_parts(cells):
        counts += np.bincount(np.flatnonzero(part) % len(features), minlength=len(features))
    return dict(zip(features, counts.tolist(), strict=True)) if counts.any() else None


def _marked_parts(cells: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    """Yield some rows at a time, without parts that have no marked cell."""
    for start in range(0, len(cells), ROWS_AT_A_TIME):
        part = cells[start : start + ROWS_AT_A_TIME]
        if part.any():
            yield part
