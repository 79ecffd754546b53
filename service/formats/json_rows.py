"""Predictions as response bodies."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from network import Array
from service.model.current_version import Loaded
from service.model.prediction_interval import Interval
from service.web.bodies import ROWS_AT_A_TIME


def one_row(
    served: Loaded, values: list[float], interval: Interval | None = None
) -> tuple[bytes, list[str]]:
    """The answer to a one-row request, and the features that lie outside their range.

    Parameters
    ----------
    values : one per feature, finite, in the model's order
    interval : to be told beside it

    Raises
    ------
    InvalidInput
        the prediction is not finite.
    """
    inputs = served.inputs
    y = inputs.model.predict_row(values)
    if not all(map(math.isfinite, y)):
        raise inputs.not_finite([0], many=False)
    answer = {"prediction": _named(inputs.model.targets, y)}
    if interval is not None:
        answer |= _ends(inputs.model.targets, y, interval)
    answer["version"] = served.version
    answer["extrapolating"] = outside = inputs.outside(values)
    return orjson.dumps(answer), outside


def predictions(served: Loaded, X: Array) -> Array:
    """Y (N, targets) for X (N, features).

    Raises
    ------
    InvalidInput
        predictions that are not finite; names their rows.
    """
    Y = served.inputs.model.predict(X)
    if not (finite := np.isfinite(Y)).all():
        rows = np.flatnonzero(~finite.all(axis=1)).tolist()
        raise served.inputs.not_finite(rows, many=True)
    return Y


def many_rows(
    served: Loaded,
    Y: Array,
    outside: NDArray[np.bool_],
    rows: int = ROWS_AT_A_TIME,
    interval: Interval | None = None,
) -> Iterator[bytes]:
    """The answer to a request with many rows, in parts.

    Parameters
    ----------
    Y : what `predictions` gave
    outside : (N, features), the values outside the range seen in training
    rows : how many are written at a time
    interval : to be told beside them
    """
    yield b'{"predictions":['
    yield from _predictions(served, Y, rows)
    yield b"]"
    if interval is not None:
        for name, ends_of in ((b"lower", interval.lower), (b"upper", interval.upper)):
            yield b',"' + name + b'":['
            yield from _predictions(served, ends_of(Y), rows)
            yield b"]"
        yield b',"level":' + orjson.dumps(interval.level)
    yield b',"version":' + orjson.dumps(served.version) + b',"extrapolating":['
    features, written = served.inputs.model.features, False
    for start in range(0, len(Y), rows):
        found = np.argwhere(outside[start : start + rows]).tolist()
        if found:
            named = [[start + row, features[column]] for row, column in found]
            yield _items(named, first=not written)
            written = True
    yield b"]}"


def predictions_alone(served: Loaded, Y: Array, rows: int = ROWS_AT_A_TIME) -> Iterator[bytes]:
    """`{"predictions": […]}`, in parts."""
    yield b'{"predictions":['
    yield from _predictions(served, Y, rows)
    yield b"]}"


def columns_alone(served: Loaded, Y: Array) -> bytes:
    """`{"outputs": […]}`, or an object of lists where there are several targets."""
    targets = served.inputs.model.targets
    columns = {name: y.copy() for name, y in zip(targets, Y.T, strict=True)}
    outputs = columns[targets[0]] if len(targets) == 1 else columns
    return orjson.dumps({"outputs": outputs}, option=orjson.OPT_SERIALIZE_NUMPY)


def headers(served: Loaded, outside: NDArray[np.bool_]) -> dict[str, str]:
    """What an answer without room for it says of the version and the rows."""
    return {
        "X-Model-Version": served.version,
        "X-Extrapolating-Rows": str(extrapolating_rows(outside)),
    }


def extrapolating_rows(outside: NDArray[np.bool_]) -> int:
    """How many rows of (N, features) have any. They are few, which this is fast for."""
    rows = np.flatnonzero(outside) // outside.shape[1]
    return 1 + int(np.count_nonzero(np.diff(rows))) if len(rows) else 0


def _predictions(served: Loaded, Y: Array, rows: int) -> Iterator[bytes]:
    """The items of a JSON array."""
    targets = served.inputs.model.targets
    for start in range(0, len(Y), rows):
        part = Y[start : start + rows]
        single = len(targets) == 1
        values: Any = part[:, 0].copy() if single else [_named(targets, y) for y in part.tolist()]
        yield _items(values, first=not start)


def _ends(targets: tuple[str, ...], y: list[float], interval: Interval) -> dict[str, Any]:
    row = np.array(y)
    return {
        "lower": _named(targets, interval.lower(row).tolist()),
        "upper": _named(targets, interval.upper(row).tolist()),
        "level": interval.level,
    }


def _items(values: Any, first: bool) -> bytes:
    """Items of a JSON array, after a comma where others come before them."""
    items = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    return items if first else b"," + items


def _named(targets: tuple[str, ...], values: list[float]) -> Any:
    """A number, or an object of numbers where there are several targets."""
    return values[0] if len(targets) == 1 else dict(zip(targets, values, strict=True))
