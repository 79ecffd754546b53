"""JSON Schemas of the Open Inference Protocol's tensors.

A schema cannot relate values to each other: that `data` is as long as `shape` says, that all inputs
have equally many rows, or that bytes follow the JSON. `request` and `values` check that, too.
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
from service.protocols.tensors.request import MATRIX, has_matrix
from service.protocols.tensors.response import ENDS, output_names
from service.protocols.tensors.values import BY_KIND, DATATYPES, MAX_BINARY_BYTES, TEXT_DATATYPES

Names = tuple[str, ...] | None  # None: any

_ROWS: JsonSchema = {"type": "integer", "minimum": 1, "description": "rows"}
_COLUMN = any_of(row_of(_ROWS), row_of(_ROWS, same(1)))  # the shape of one feature's tensor


def metadata(version: LoadedVersion | None) -> JsonSchema:
    """Return the schema of a model's metadata."""
    features, targets, ends = _names(version)
    parameters = closed({"features": array(one_of(features), 1)})
    matrix = closed({**_tensor((MATRIX,), _width(features)), "parameters": parameters})
    inputs = array(matrix, 1, 1)
    if version is None or not has_matrix(version.reader):
        column = closed(_tensor(features, same(1), ("FP64", *TEXT_DATATYPES)))
        columns = array(column, len(features or "1"), len(features) if features else None)
        inputs = columns if version else any_of(inputs, columns)
    outputs = [closed(_tensor(targets, same(1)))]
    if ends:
        of = closed({"targets": array(one_of(targets), 1)})
        outputs += [closed({**_tensor(ends, _width(targets)), "parameters": of})]
    return closed(
        {
            "name": NAME,
            "versions": array(VERSION, 1),
            "platform": TEXT,
            "inputs": inputs,
            "outputs": array(any_of(*outputs), 1),
        }
    )


def config(version: LoadedVersion | None) -> JsonSchema:
    """Return the schema of a model's configuration in Triton's format."""
    features, targets, ends = _names(version)

    def configured(names: Names, width: JsonSchema, *datatypes: str) -> JsonSchema:
        datatype = one_of(("TYPE_FP64", *datatypes))
        return closed({"name": one_of(names), "data_type": datatype, "dims": array(width, 1, 1)})

    inputs = array(configured((MATRIX,), _width(features)), 1, 1)
    if version is None or not has_matrix(version.reader):
        columns = array(configured(features, same(1), "TYPE_BOOL", "TYPE_STRING"), 1)
        inputs = columns if version else any_of(inputs, columns)

    outputs = [configured(targets, same(1))]
    outputs += [configured(ends, _width(targets))] if ends else []
    return closed(
        {
            "name": NAME,
            "platform": TEXT,
            "backend": TEXT,
            "version_policy": closed({"all": closed({})}),
            "max_batch_size": WHOLE,
            "input": inputs,
            "output": array(any_of(*outputs), 1),
        }
    )


def request(version: LoadedVersion | None) -> JsonSchema:
    """Return the schema of an inference request's JSON; nulls count as missing."""
    features, targets, ends = _names(version)
    columns = {"description": "each feature once, in any order", **_columns(version)}
    inputs = columns
    if version is None or has_matrix(version.reader):
        has_one = features is not None and len(features) == 1
        shape = _COLUMN if has_one else row_of(_ROWS, _width(features))
        matrix = _input((MATRIX,), shape, version)
        inputs = any_of(array(matrix, 1, 1), columns)
    unsupported = {"classification": NULL, "shared_memory_region": NULL}
    level = {"level": or_null(Level().json_schema)}
    parameters = lenient({}, {"binary_data": or_null(FLAG), **level, **unsupported})
    names = targets and (*targets, *ends)
    output = lenient({"name": one_of(names)}, {"parameters": or_null(parameters)})
    made = lenient(
        {"inputs": inputs},
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
            "parameters": closed(
                {"extrapolating_rows": WHOLE}, {"unseen_rows": WHOLE, "unfamiliar_rows": WHOLE}
            ),
            "outputs": array(any_of(in_json, as_bytes), 1),
        },
        {"id": TEXT},
    )


def named(version: LoadedVersion | None) -> dict[str, JsonSchema]:
    """Return the named schemas of tensors' values: of a version's numbers, and of any version."""
    may_be_null = version is not None and any(each.has_gaps for each in version.model.columns)
    texts = {"BOOL": or_null(FLAG), "BYTES": or_null(TEXT)}
    any_values = _values(_numbers(nulls=True) | texts)
    return {"TensorValues": values(nulls=may_be_null), "AnyTensorValues": any_values}


def values(*, nulls: bool = False) -> JsonSchema:
    """Return the schema that relates an input's numbers, in JSON or as bytes, to its datatype.

    Parameters
    ----------
    nulls : whether some cells may be missing
    """
    return _values(_numbers(nulls=nulls))


def _numbers(*, nulls: bool) -> dict[str, JsonSchema]:
    numbers = {name: _number(name) for name in DATATYPES}
    if nulls:
        numbers |= {name: or_null(numbers[name]) for name in DATATYPES if name.startswith("FP")}
    return numbers


def _values(data: dict[str, JsonSchema]) -> JsonSchema:
    """Return the schema that relates an input's data to its datatype, for the items of each."""
    size = {"type": "integer", "minimum": 0, "maximum": MAX_BINARY_BYTES}
    follow = lenient({"parameters": lenient({"binary_data_size": size})}, {"data": NULL})
    none = {"parameters": or_null(lenient({}, {"binary_data_size": NULL}))}
    in_json = [
        lenient(
            {"datatype": same(name), "data": any_of(array(of, 1), array(array(of, 1), 1))}, none
        )
        for name, of in data.items()
    ]
    return any_of(follow, *in_json)


def _columns(version: LoadedVersion | None) -> JsonSchema:
    """Return the schema of inputs with one tensor for each feature."""
    if version is None:
        return array(_input(None, _COLUMN, None), 1)
    features = version.model.features
    if version.reader.only_numbers:
        return array(_input(features, _COLUMN, version), len(features), len(features))
    tensors = []
    for cell in version.reader.cells:
        name, kind = (cell.column.name,), cell.column.kind
        if kind == "number":
            tensors.append(_input(name, _COLUMN, version))
        else:
            data = {datatype: _in_json(cell.json_schema, datatype) for datatype in BY_KIND[kind]}
            tensors.append({"allOf": [_named_tensor(name, _COLUMN, tuple(data)), _values(data)]})
    least = sum(cell.required for cell in version.reader.cells)
    return array(any_of(*tensors), max(1, least), len(features))


def _in_json(cell: JsonSchema, datatype: str) -> JsonSchema:
    """Return the schema of a cell's values of one datatype."""
    kind = {"BOOL": "boolean", "BYTES": "string"}[datatype]
    return {"allOf": [cell, {"type": [kind, "null"]}]}


def _names(version: LoadedVersion | None) -> tuple[Names, Names, tuple[str, ...]]:
    """Return the names of features, targets and ends of intervals."""
    if version is None:
        return None, None, ENDS
    targets = version.model.targets
    return version.model.features, targets, output_names(version)[len(targets) :]


def _width(names: Names) -> JsonSchema:
    return same(len(names)) if names else {"type": "integer", "minimum": 1}


def _tensor(
    names: Names, width: JsonSchema, datatypes: tuple[str, ...] = ("FP64",)
) -> dict[str, JsonSchema]:
    # No `prefixItems` in responses: many client generators do not support it yet.
    shape = array(any_of(same(-1), width), 2, 2)
    return {"name": one_of(names), "datatype": one_of(datatypes), "shape": shape}


def _input(names: Names, shape: JsonSchema, version: LoadedVersion | None) -> JsonSchema:
    """Return the schema of a tensor of numbers; of any values if the version is None."""
    datatypes = (*DATATYPES, *(() if version else TEXT_DATATYPES))
    made = _named_tensor(names, shape, datatypes)
    return {"allOf": [made, ref("TensorValues" if version else "AnyTensorValues")]}


def _named_tensor(names: Names, shape: JsonSchema, datatypes: tuple[str, ...]) -> JsonSchema:
    parameters = lenient({}, {"shared_memory_region": NULL})
    return lenient(
        {"name": one_of(names), "shape": shape, "datatype": one_of(datatypes)},
        {"parameters": or_null(parameters)},
    )


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
    columns = [
        {
            "name": each.name,
            "shape": [1],
            "datatype": BY_KIND[each.kind][0],
            "data": [row[each.name]],
        }
        for each in version.model.columns
    ]
    if not has_matrix(version.reader):
        return [{"inputs": columns}]
    shape = {"shape": [1, len(row)], "datatype": "FP64"}
    return [{"inputs": [{"name": MATRIX, **shape, "data": [*row.values()]}]}, {"inputs": columns}]
