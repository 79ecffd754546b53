"""Predictions as response bodies."""

import math
from typing import Any

import numpy as np
import orjson

from network import Array
from service.live import Served


def one_row(served: Served, values: list[float]) -> bytes:
    """The answer to a one-row request.

    Parameters
    ----------
    values : one per feature, finite, in the model's order

    Raises
    ------
    InvalidInput
        the prediction is not finite.
    """
    inputs = served.inputs
    y = inputs.model.predict_row(values)
    if not all(map(math.isfinite, y)):
        raise inputs.not_finite([0], many=False)
    return orjson.dumps(
        {
            "prediction": _named(inputs.model.targets, y),
            "version": served.version,
            "extrapolating": inputs.outside(values),
        }
    )


def many_rows(served: Served, X: Array) -> bytes:
    """The answer to a request with many rows.

    Parameters
    ----------
    X : (N, features) float64

    Raises
    ------
    InvalidInput
        predictions that are not finite; names their rows.
    """
    model = served.inputs.model
    Y = model.predict(X)
    finite = np.isfinite(Y).all(axis=1)
    if not finite.all():
        raise served.inputs.not_finite(np.flatnonzero(~finite).tolist(), many=True)
    single = len(model.targets) == 1
    predictions: Any = Y[:, 0].copy() if single else [_named(model.targets, y) for y in Y.tolist()]
    outside = np.argwhere(model.outside(X)).tolist()
    return orjson.dumps(
        {
            "predictions": predictions,
            "version": served.version,
            "extrapolating": [[row, model.features[column]] for row, column in outside],
        },
        option=orjson.OPT_SERIALIZE_NUMPY,
    )


def _named(targets: tuple[str, ...], values: list[float]) -> Any:
    """A number, or an object of numbers where there are several targets."""
    return values[0] if len(targets) == 1 else dict(zip(targets, values, strict=True))
