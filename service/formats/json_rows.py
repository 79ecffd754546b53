"""Predictions as JSON response bodies."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from network import Array
from service.model.loaded_version import LoadedVersion
from service.model.prediction import Prediction, RowPrediction
from service.model.prediction_interval import Interval
from service.web.responses import ROWS_AT_A_TIME

EXPLANATION = ("contributions", "sensitivities")


def one_row(
    version: LoadedVersion, prediction: RowPrediction, interval: Interval | None = None
) -> bytes:
    """Return the response to a request with one row.

    Parameters
    ----------
    interval : to be included
    """
    targets, y = version.model.targets, prediction.y
    document = {"prediction": _by_target(targets, y)}
    if interval is not None:
        lower, upper = interval.ends_of_row(prediction)
        document["lower"] = _by_target(targets, lower)
        document["upper"] = _by_target(targets, upper)
        document["level"] = interval.level
    if (explanation := prediction.explanation) is not None:
        document["baseline"] = _by_target(targets, explanation.baseline.tolist())
        for name in EXPLANATION:
            document[name] = _explained(version, getattr(explanation, name))[0]
    document["version"] = version.number
    document["extrapolating"] = prediction.out_of_range
    if prediction.unfamiliar is not None:
        document["unfamiliar"] = prediction.unfamiliar
    if prediction.unseen:
        document["unseen"] = prediction.unseen
    return orjson.dumps(document)


def many_rows(
    prediction: Prediction,
    interval: Interval | None = None,
    rows_at_a_time: int = ROWS_AT_A_TIME,
) -> Iterator[bytes]:
    """Yield the parts of the response to a request with many rows.

    Parameters
    ----------
    interval : to be included
    """
    targets, Y = prediction.version.model.targets, prediction.Y
    yield b'{"predictions":['
    yield from _items_of(targets, Y, rows_at_a_time)
    yield b"]"
    if interval is not None:
        for name, end in ((b"lower", interval.lower), (b"upper", interval.upper)):
            yield b',"' + name + b'":['
            yield from _items_of(targets, end(prediction), rows_at_a_time)
            yield b"]"
        yield b',"level":' + orjson.dumps(interval.level)
    yield from _explanations(prediction, rows_at_a_time)
    yield b',"version":' + orjson.dumps(prediction.version.number)
    features = prediction.version.model.features
    for name, cells in (
        (b"extrapolating", prediction.out_of_range),
        (b"unseen", prediction.unseen),
    ):
        if cells is not None:
            yield b',"' + name + b'":['
            yield from _items_of_cells(cells, features, rows_at_a_time)
            yield b"]"
    if (unfamiliar := prediction.unfamiliar) is not None:
        yield b',"unfamiliar":['
        yield from _numbers_of_rows(unfamiliar, rows_at_a_time)
        yield b"]"
    yield b"}"


def predictions_only(
    prediction: Prediction, rows_at_a_time: int = ROWS_AT_A_TIME
) -> Iterator[bytes]:
    """Yield the parts of `{"predictions": […]}`."""
    yield b'{"predictions":['
    yield from _items_of(prediction.version.model.targets, prediction.Y, rows_at_a_time)
    yield b"]}"


def columns_only(prediction: Prediction) -> bytes:
    """Return `{"outputs": […]}`, or with several targets `{"outputs": {"y1": […], …}}`."""
    targets = prediction.version.model.targets
    columns = {name: y.copy() for name, y in zip(targets, prediction.Y.T, strict=True)}
    outputs = columns[targets[0]] if len(targets) == 1 else columns
    return orjson.dumps({"outputs": outputs}, option=orjson.OPT_SERIALIZE_NUMPY)


def _explanations(prediction: Prediction, rows_at_a_time: int) -> Iterator[bytes]:
    """Yield the members with the explanations of many rows, if there are any."""
    version, rows = prediction.version, len(prediction.Y)
    if (found := prediction.explanation(slice(rows_at_a_time))) is None:
        return
    baseline = _by_target(version.model.targets, found.baseline.tolist())
    yield b',"baseline":' + orjson.dumps(baseline)
    for name in EXPLANATION:
        yield b',"' + name.encode() + b'":['
        for start in range(0, rows, rows_at_a_time):
            if rows > rows_at_a_time:  # computed twice, because not all are kept in memory
                found = prediction.explanation(slice(start, start + rows_at_a_time)) or found
            yield _items(_explained(version, getattr(found, name)), is_first=not start)
        yield b"]"


def _explained(version: LoadedVersion, values: Array) -> list[Any]:
    """Return one part of explanations (N, targets, features) for each row; NaN becomes null."""
    features, targets = version.model.features, version.model.targets
    return [
        _by_target(targets, [dict(zip(features, numbers, strict=True)) for numbers in row])
        for row in values.tolist()
    ]


def _items_of(targets: tuple[str, ...], Y: Array, rows_at_a_time: int) -> Iterator[bytes]:
    """Yield the items of a JSON array with one item per row of Y (N, targets)."""
    for start in range(0, len(Y), rows_at_a_time):
        part = Y[start : start + rows_at_a_time]
        values: Any = (
            part[:, 0].copy()
            if len(targets) == 1
            else [_by_target(targets, y) for y in part.tolist()]
        )
        yield _items(values, is_first=not start)


def _items_of_cells(
    cells: NDArray[np.bool_], features: tuple[str, ...], rows_at_a_time: int
) -> Iterator[bytes]:
    """Yield the items `[row, feature]` of a JSON array for the true ones of cells (N, features)."""
    found = (
        [
            [start + row, features[column]]
            for row, column in np.argwhere(cells[start : start + rows_at_a_time]).tolist()
        ]
        for start in range(0, len(cells), rows_at_a_time)
    )
    yield from _items_of_parts(found)


def _numbers_of_rows(which: NDArray[np.bool_], rows_at_a_time: int) -> Iterator[bytes]:
    """Yield the items of a JSON array with the numbers of the rows for which (N,) is true."""
    yield from _items_of_parts(
        np.flatnonzero(which[start : start + rows_at_a_time]) + start
        for start in range(0, len(which), rows_at_a_time)
    )


def _items_of_parts(parts: Iterable[Any]) -> Iterator[bytes]:
    """Yield the items of a JSON array that is given in parts, some of which may be empty."""
    is_first = True
    for part in parts:
        if len(part):
            yield _items(part, is_first)
            is_first = False


def _items(values: Any, is_first: bool) -> bytes:
    """Return items of a JSON array, after a comma unless they are the first."""
    items = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
    return items if is_first else b"," + items


def _by_target(targets: tuple[str, ...], values: list[Any]) -> Any:
    """Return the value itself, or an object of values if there are several targets."""
    return values[0] if len(targets) == 1 else dict(zip(targets, values, strict=True))
