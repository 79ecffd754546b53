"""Writes responses of the Open Inference Protocol: tensors as JSON or as bytes.

Each target is an FP64 tensor (N, 1) with the exact values of `Model.predict`. The ends of
prediction intervals are `lower` and `upper` (N, targets), if requested.

Source: Open Inference Protocol, inference_rest.md; Triton, extension_binary_data.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import orjson

from network import Array
from service.model.loaded_version import LoadedVersion
from service.model.prediction import Prediction
from service.model.prediction_interval import Interval
from service.web.responses import ROWS_AT_A_TIME

ENDS = ("lower", "upper")


@dataclass(frozen=True, eq=False)
class Output:
    """A requested tensor.

    Attributes
    ----------
    as_bytes : whether its values follow the JSON as bytes
    interval : for an end of it; None for a target
    """

    as_bytes: bool
    interval: Interval | None = None


def output_names(version: LoadedVersion) -> tuple[str, ...]:
    """Return the names of a version's outputs: the targets, then the ends of intervals.

    There are no ends if the version has no calibration, or a target with the name of an end.
    """
    targets = version.model.targets
    has_ends = version.calibration is not None and not any(end in targets for end in ENDS)
    return (*targets, *ENDS) if has_ends else targets


def write(
    prediction: Prediction,
    outputs: Mapping[str, Output],
    *,
    model_name: str,
    request_id: str | None = None,
) -> tuple[Iterator[bytes], int | None]:
    """Write a response.

    Parameters
    ----------
    outputs : the requested tensors by name, in order
    request_id : the protocol's `id`, if the request had one

    Returns
    -------
    parts : of JSON, followed by the values of the tensors requested as bytes
    json_bytes : the size of the JSON; None if nothing follows it
    """
    tensors, binary = list[tuple[dict[str, Any], Array | None]](), list[Array]()
    for name, output in outputs.items():
        values = np.ascontiguousarray(_values(name, output.interval, prediction), "<f8")
        tensor: dict[str, Any] = {"name": name, "datatype": "FP64", "shape": list(values.shape)}
        parameters: dict[str, Any] = {}
        if output.interval:
            parameters["level"] = output.interval.level
        if output.as_bytes:
            binary.append(values)
            parameters["binary_data_size"] = values.nbytes
        tensor |= {"parameters": parameters} if parameters else {}
        tensors.append((tensor, None if output.as_bytes else values))
    parameters = {"extrapolating_rows": prediction.extrapolating_rows}
    if prediction.unseen is not None:
        parameters["unseen_rows"] = prediction.unseen_rows
    if prediction.unfamiliar is not None:
        parameters["unfamiliar_rows"] = prediction.unfamiliar_rows
    document = {
        "model_name": model_name,
        "model_version": prediction.version.number,
        **({} if request_id is None else {"id": request_id}),
        "parameters": parameters,
    }
    json_bytes = sum(map(len, _json(document, tensors))) if binary else None
    return chain(_json(document, tensors), (values.tobytes() for values in binary)), json_bytes


def _json(
    document: dict[str, Any], tensors: list[tuple[dict[str, Any], Array | None]]
) -> Iterator[bytes]:
    """Yield the parts of a document with these outputs.

    Parameters
    ----------
    tensors : each with its data, unless that is sent as bytes
    """
    yield orjson.dumps(document)[:-1] + b',"outputs":['
    for index, (tensor, values) in enumerate(tensors):
        comma, text = b"," if index else b"", orjson.dumps(tensor)
        if values is None:
            yield comma + text
            continue
        yield comma + text[:-1] + b',"data":['
        for start in range(0, len(values), ROWS_AT_A_TIME):
            part = values[start : start + ROWS_AT_A_TIME].ravel()
            items = orjson.dumps(part, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
            yield b"," + items if start else items
        yield b"]}"
    yield b"]}"


def _values(name: str, interval: Interval | None, prediction: Prediction) -> Array:
    """Return a target's column (N, 1), or one end of all targets' intervals (N, targets)."""
    Y = prediction.Y
    if interval is None:
        column = prediction.version.model.targets.index(name)
        return Y[:, column : column + 1]
    return interval.lower(prediction) if name == ENDS[0] else interval.upper(prediction)
