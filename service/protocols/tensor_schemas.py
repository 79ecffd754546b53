"""JSON Schemas of the Open Inference Protocol's tensors.

A schema cannot relate values to each other: that `data` is as long as `shape` says, that all inputs
have equally many rows, or that bytes follow the JSON. `tensor_request` checks that, too.
"""

from typing import Any

import numpy as np

from service.model.loaded_version import LoadedVersion
from service.model.prediction_interval import Level
from service.openapi.contract import JsonSchema, ref
from service.openapi.json_schema import (
    FLAG,
    NULL,
    NUMBER,
    TEXT,
    WHOLE,
    any_of,
    array,
    closed,
    lenient,
    one_of,
    or_null,
    row_of,
    same,
)
from service.protocols.model_address import NAME, VERSION
from service.protocols.tensor_request import DATATYPES, MATRIX, MAX_BINARY_BYTES
from service.protocols.tensor_response import ENDS, output_names

Names = tuple[str, ...] | None  # None: any

_ROWS: JsonSchema = {"type": "integer", "minimum": 1, "description": "rows"}


def metadata(version: LoadedVersion | None) -> JsonSchema:
    """Return the schema of a model's metadata."""
    features, targets, ends = _names(version)
    parameters = closed({"features": array(one_of(features), 1)})
    matrix = closed({**_tensor((MATRIX,), _width(features)), "parameters": parameters})
    outputs = [closed(_tensor(targets, same(1)))]
    if ends:
        of = closed({"targets": array(one_of(targets), 1)})
        outputs += [closed({**_tensor(ends, _width(targets)), "parameters": of})]
    return closed(
        {
            "name": NAME,
            "versions": array(VERSION, 1),
            "platform": TEXT,
            "inputs": array(matrix, 1, 1),
            "outputs": array(any_of(*outputs), 1),
        }
    )


def config(version: LoadedVersion | None) -> JsonSchema:
    """Return the schema of a model's configuration in Triton's format."""
    features, targets, ends = _names(version)

    def configured(names: Names, width: JsonSchema) -> JsonSchema:
        datatype = same("TYPE_FP64")
        return closed({"name": one_of(names), "data_type": datatype, "dims": array(width, 1, 1)})

    outputs = [configured(targets, same(1))]
    outputs += [configured(ends, _width(targets))] if ends else []
    return closed(
        {
            "name": NAME,
            "platform": TEXT,
            "backend": TEXT,
            "version_policy": closed({"all": closed({})}),
            "max_batch_size": WHOLE,
            "input": array(configured((MATRIX,), _width(features)), 1, 1),
            "output": array(any_of(*outputs), 1),
        }
    )


def request(version: LoadedVersion | None) -> JsonSchema:
    """Return the schema of an inference request's JSON; nulls count as missing."""
    features, targets, ends = _names(version)
    matrix = _input((MATRIX,), row_of(_ROWS, _width(features)))
    column = _input(features, any_of(row_of(_ROWS), row_of(_ROWS, same(1))))
    count = len(features) if features else None
    columns = array(column, count or 1, count) | {"description": "each feature once, in any order"}
    unsupported = {"classification": NULL, "shared_memory_region": NULL}
    level = {"level": or_null(Level().json_schema)}
    parameters = lenient({}, {"binary_data": or_null(FLAG), **level, **unsupported})
    names = targets and (*targets, *ends)
    output = lenient({"name": one_of(names)}, {"parameters": or_null(parameters)})
    made = lenient(
        {"inputs": any_of(array(matrix, 1, 1), columns)},
        {
            "id": or_null(TEXT),
            "parameters": or_null(lenient({}, {"binary_data_output": or_null(FLAG), **level})),
            "outputs": or_null(array(output, 0, len(names) if names else None)),
        },
    )
    return {**made, "examples": _examples(version)} if version else made


def response(version: LoadedVersion | None) -> JsonSchema:
    """Return the schema of an inference response's JSON."""
    _, targets, ends = _names(version)
    output = {
        "name": one_of(targets and (*targets, *ends)),
        "datatype": same("FP64"),
        "shape": array({"type": "integer", "minimum": 1}, 2, 2),
    }
    level = {"level": NUMBER}
    in_json = closed({**output, "data": array(NUMBER, 1)}, {"parameters": closed(level)})
    parameters = closed({"binary_data_size": WHOLE}, level)
    as_bytes = closed({**output, "parameters": parameters})
    return closed(
        {
            "model_name": NAME,
            "model_version": VERSION,
            "parameters": closed({"extrapolating_rows": WHOLE}),
            "outputs": array(any_of(in_json, as_bytes), 1),
        },
        {"id": TEXT},
    )


def values() -> JsonSchema:
    """Return the schema that relates an input's data, in JSON or as bytes, to its datatype."""
    size = {"type": "integer", "minimum": 0, "maximum": MAX_BINARY_BYTES}
    follow = lenient({"parameters": lenient({"binary_data_size": size})}, {"data": NULL})
    none = {"parameters": or_null(lenient({}, {"binary_data_size": NULL}))}
    numbers = [(name, _number(name)) for name in DATATYPES]
    in_json = [
        lenient(
            {"datatype": same(name), "data": any_of(array(of, 1), array(array(of, 1), 1))}, none
        )
        for name, of in numbers
    ]
    return any_of(follow, *in_json)


def _names(version: LoadedVersion | None) -> tuple[Names, Names, tuple[str, ...]]:
    """Return the names of features, targets and ends of intervals."""
    if version is None:
        return None, None, ENDS
    targets = version.model.targets
    return version.model.features, targets, output_names(version)[len(targets) :]


def _width(names: Names) -> JsonSchema:
    return same(len(names)) if names else {"type": "integer", "minimum": 1}


def _tensor(names: Names, width: JsonSchema) -> dict[str, JsonSchema]:
    # No `prefixItems` in responses: many client generators do not support it yet.
    shape = array(any_of(same(-1), width), 2, 2)
    return {"name": one_of(names), "datatype": same("FP64"), "shape": shape}


def _input(names: Names, shape: JsonSchema) -> JsonSchema:
    parameters = lenient({}, {"shared_memory_region": NULL})
    made = lenient(
        {"name": one_of(names), "shape": shape, "datatype": one_of(tuple(DATATYPES))},
        {"parameters": or_null(parameters)},
    )
    return {"allOf": [made, ref("TensorValues")]}


def _number(datatype: str) -> JsonSchema:
    """Return the schema of the numbers that a datatype represents, after rounding."""
    dtype = DATATYPES[datatype]
    if dtype.kind == "f":
        if datatype == "FP64":
            return NUMBER
        # From half a step above the greatest number on, rounding gives infinity.
        greatest, before = np.finfo(dtype).max, np.nextafter(np.finfo(dtype).max, dtype.type(0))
        limit = float(greatest) + (float(greatest) - float(before)) / 2
        return {"type": "number", "exclusiveMinimum": -limit, "exclusiveMaximum": limit}
    limits = np.iinfo(dtype)
    return {"type": "integer", "minimum": int(limits.min), "maximum": int(limits.max)}


def _examples(version: LoadedVersion) -> list[dict[str, Any]]:
    row = version.reader.example
    datatype = {"datatype": "FP64"}
    matrix = {"name": MATRIX, "shape": [1, len(row)], **datatype, "data": [*row.values()]}
    columns = [{"name": name, "shape": [1], **datatype, "data": [row[name]]} for name in row]
    return [{"inputs": [matrix]}, {"inputs": columns}]
