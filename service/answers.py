"""Predictions as response bodies."""

import math
from collections.abc import Iterator
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


def predictions(served: Served, X: Array) -> Array:
    """Y (N, targets) for X (N, features).

    Raises
    ------
    InvalidInput
        predictions that are not finite; names their rows.
    """
    Y = served.inputs.model.predict(X)
    finite = np.isfinite(Y).all(axis=1)
    if not finite.all():
        raise served.inputs.not_finite(np.flatnonzero(~finite).tolist(), many=True)
    return Y


def many_rows(served: Served, X: Array, Y: Array, rows: int) -> Iterator[bytes]:
    """The answer to a request with many rows, in parts.

    Parameters
    ----------
    Y : what `predictions` gave for X
    rows : how many are written at a time
    """
    model = served.inputs.model
    parts = [slice(start, start + rows) for start in range(0, len(Y), rows)]
    yield b'{"predictions":['
    for part in parts:
        single = len(model.targets) == 1
        values: Any = (
            Y[part, 0].copy() if single else [_named(model.targets, y) for y in Y[part].tolist()]
        )
        yield _items(values, part)
    yield b'],"version":' + orjson.dumps(served.version) + b',"extrapolating":['
    separator = b""
    for part in parts:
        outside = np.argwhere(model.outside(X[part])).tolist()
        if outside:
            yield (
                separator
                + orjson.dumps(
                    [[part.start + row, model.features[column]] for row, column in outside]
                )[1:-1]
            )
            separator = b","
    yield b"]}"


def _items(values: Any, part: slice) -> bytes:
    """The items of a JSON array, after a comma where others come before them."""
    items = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    return b"," + items if part.start else items


def _named(targets: tuple[str, ...], values: list[float]) -> Any:
    """A number, or an object of numbers where there are several targets."""
    return values[0] if len(targets) == 1 else dict(zip(targets, values, strict=True))
