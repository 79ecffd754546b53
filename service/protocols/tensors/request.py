"""Reads requests of the Open Inference Protocol: tensors as JSON or as bytes.

The features are one tensor (N,) or (N, 1) per feature under the feature's name, or, if all of them
are numbers, one tensor `input` (N, features).

Source: Open Inference Protocol, inference_rest.md; Triton, extension_binary_data.md.
"""

import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load
from numpy.typing import NDArray

from network import Calibration, LevelError
from service.model.loaded_version import LoadedVersion
from service.model.prediction_interval import Interval, Level
from service.model.rows.cells.cell import Cell
from service.model.rows.columns import converted
from service.model.rows.reader import RowReader
from service.protocols.tensors.response import Output, output_names
from service.protocols.tensors.values import (
    BY_KIND,
    DATATYPES,
    MAX_BINARY_BYTES,
    Tensor,
    read_values,
)
from service.web.errors import MAX_ERRORS, InvalidInference
from service.web.field_errors import flatten, shown
from service.web.fields import Flag, Several, Text, Whole

MATRIX = "input"
DEFAULT_LEVEL = 0.9


@dataclass(frozen=True, eq=False)
class Inference:
    """A request.

    Attributes
    ----------
    id : the caller's name for the request, if any
    X : (N, features) of any type of numbers, finite; see `converted`
    outputs : the requested tensors by name, in order
    """

    id: str | None
    X: NDArray[Any]
    outputs: dict[str, Output]


def read(document: Any, binary: bytes, version: LoadedVersion) -> Inference:
    """Read a request.

    Parameters
    ----------
    document : the parsed JSON
    binary : the bytes that follow the JSON

    Raises
    ------
    InvalidInference
    """
    reader = version.reader
    body = _load(document, len(reader.cells), len(output_names(version)))
    cells = _cells(body["inputs"], reader)
    values, start = {}, 0
    for tensor in body["inputs"]:
        own = cells[tensor["name"]]
        shape = _shape(tensor, 1 if isinstance(own, Cell) else len(own))
        values[tensor["name"]], start = read_values(tensor, shape, own, binary, start)
    if start != len(binary):
        raise InvalidInference(
            f"{len(binary):,} bytes follow the JSON; the inputs have binary_data_size for {start:,}"
        )
    X = _matrix(values, reader, is_matrix=isinstance(cells.get(MATRIX), list))
    return Inference(body["id"], X, _outputs(body, version))


def has_matrix(reader: RowReader) -> bool:
    """Return whether one tensor may have all features."""
    return all(cell.column.kind == "number" for cell in reader.cells)


def raw(body: bytes, reader: RowReader) -> tuple[dict[str, Any], bytes]:
    """Return the JSON that a body without any stands for, and its bytes.

    The body is the only tensor of the model, and its size says how many rows there are; a text is
    one row, without its length. Source: Triton, extension_binary_data.md, "Raw Binary Request".

    Raises
    ------
    InvalidInference
    """
    columns, kind = len(reader.cells), reader.cells[0].column.kind
    name, datatype = reader.model.features[0], BY_KIND[kind][0]
    if has_matrix(reader):
        name = MATRIX
    elif columns > 1:
        raise InvalidInference(f"the JSON is missing, and the model has {columns} inputs, not one")
    if datatype == "BYTES":
        shape, body = [1, 1], struct.pack("<I", len(body)) + body
    else:
        row_bytes = columns * DATATYPES.get(datatype, np.dtype("?")).itemsize
        if not body or len(body) % row_bytes:
            raise InvalidInference(
                f"the body has {len(body):,} bytes and no JSON; expected input {name} as "
                f"{datatype} [N, {columns}], with {row_bytes:,} bytes for each row"
            )
        shape = [len(body) // row_bytes, columns]
    tensor = {"name": name, "shape": shape, "datatype": datatype}
    return {"inputs": [{**tensor, "parameters": {"binary_data_size": len(body)}}]}, body


class LenientSchema(Schema):
    """The protocol allows additional members: they are ignored, and so are nulls."""

    class Meta:
        unknown = EXCLUDE

    error_messages = {"type": "must be an object"}

    @pre_load
    def without_nulls(self, data: Any, **kwargs: Any) -> Any:
        if type(data) is not dict:
            return data
        return {name: value for name, value in data.items() if value is not None}


class _Unsupported(fields.Field[Any]):
    """A parameter that would change the response, and is not implemented."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        raise ValidationError("is not supported")


_NEEDED: Any = {"required": True, "error_messages": {"required": "is missing"}}


class _RequestParameters(LenientSchema):
    binary_data_output = Flag(load_default=False)
    level = Level(load_default=DEFAULT_LEVEL)


class _InputParameters(LenientSchema):
    binary_data_size = Whole(0, MAX_BINARY_BYTES)
    shared_memory_region = _Unsupported()


class _OutputParameters(LenientSchema):
    binary_data = Flag()
    level = Level()
    classification = _Unsupported()
    shared_memory_region = _Unsupported()


class _Input(LenientSchema):
    name = Text(**_NEEDED)
    shape = fields.Raw(load_default=None)  # checked by `_shape`, which knows what was expected
    datatype = Text(**_NEEDED)  # checked by `read_values`
    parameters = fields.Nested(_InputParameters, load_default=dict)
    data = fields.Raw()


class _Output(LenientSchema):
    name = Text(**_NEEDED)
    parameters = fields.Nested(_OutputParameters, load_default=dict)


_DEFAULT_PARAMETERS = _RequestParameters()  # costly to create, and has no state


class _Request(LenientSchema):
    id = fields.String(load_default=None, error_messages={"invalid": "must be a string"})
    parameters = fields.Nested(
        _RequestParameters, load_default=lambda: _DEFAULT_PARAMETERS.load({})
    )
    inputs = Several(fields.Nested(_Input), "tensors", **_NEEDED)
    outputs = Several(fields.Nested(_Output), "tensors", load_default=list)


_REQUEST = _Request()


def _load(document: Any, most_inputs: int, most_outputs: int) -> dict[str, Any]:
    """Return the request, whose tensors' values are not checked yet."""
    if type(document) is not dict:
        raise InvalidInference(f"the JSON must be an object, got {shown(document)}")
    # Count before validating: a schema needs long for a million tensors.
    for member, most in (("inputs", most_inputs), ("outputs", most_outputs)):
        if type(tensors := document.get(member)) is list and len(tensors) > most:
            raise InvalidInference(f"{member} has {len(tensors):,} tensors; expected up to {most}")
    return load(_REQUEST, document)


def load(schema: Schema, document: Any) -> dict[str, Any]:
    """Validate a document with one of the protocol's schemas.

    Raises
    ------
    InvalidInference
    """
    try:
        body: dict[str, Any] = schema.load(document)
    except ValidationError as error:
        found = [
            f"{each['pointer'].removesuffix('/_schema') or 'the JSON'} {each['detail']}"
            for each in flatten(error, "")
        ]
        raise InvalidInference("; ".join(found[:MAX_ERRORS])) from None
    return body


def _cells(inputs: list[Tensor], reader: RowReader) -> dict[str, Cell | list[Cell]]:
    """Return the cell of each tensor, or the cells in a row of it."""
    names, features = [tensor["name"] for tensor in inputs], reader.model.features
    if len(set(names)) < len(names):
        raise InvalidInference(f"an input appears twice: {_listed(names)}")
    needed = {cell.column.name for cell in reader.cells if cell.required}
    if needed <= set(names) <= set(features):
        cells = {cell.column.name: cell for cell in reader.cells}
        return {name: cells[name] for name in names}
    if names == [MATRIX] and has_matrix(reader):
        return {MATRIX: reader.cells}
    missing = [name for name in features if name in needed and name not in names]
    unknown = [name for name in names if name not in features]
    wrong = [
        f"{what}: {_listed(which)}"
        for what, which in (("unknown inputs", unknown), ("missing inputs", missing))
        if which and len(missing) < len(needed)
    ] or [f"unknown inputs: {_listed(unknown)}" if unknown else "there are no inputs"]
    matrix = f"{MATRIX} [N, {len(features)}], or " if has_matrix(reader) else ""
    raise InvalidInference(
        f"{'; '.join(wrong)}; expected {matrix}[N, 1] or [N] for each of {_listed(features)}"
    )


def _shape(tensor: Tensor, columns: int) -> list[int]:
    """Return a tensor's shape after checking it."""
    name, shape = tensor["name"], tensor["shape"]
    expected = "[N] or [N, 1]" if columns == 1 else f"[N, {columns}]"
    if not _are_sizes(shape) or shape[1:] not in ([[], [1]] if columns == 1 else [[columns]]):
        found = "no shape" if shape is None else f"shape {shown(shape).replace(',', ', ')}"
        raise InvalidInference(f"input {name} has {found}; expected {expected}")
    if not shape[0]:
        raise InvalidInference(f"input {name} has no rows; expected {expected} with at least one")
    sizes: list[int] = shape
    return sizes


def _are_sizes(shape: Any) -> bool:
    return (
        type(shape) is list
        and 0 < len(shape) < 3  # so that a long list costs nothing
        and all(type(size) is int and size >= 0 for size in shape)
    )


def _matrix(
    values: Mapping[str, NDArray[Any]], reader: RowReader, *, is_matrix: bool
) -> NDArray[Any]:
    """Return (N, features), from one tensor of this shape or one per feature."""
    features = reader.model.features
    if is_matrix:
        return converted(values[MATRIX].reshape(-1, len(features)))
    rows = {name: len(values[name]) for name in features if name in values}
    if len(set(rows.values())) > 1:
        found = ", ".join(f"{name} has {count:,}" for name, count in rows.items())
        raise InvalidInference(f"inputs must have equally many rows: {found}"[:500])
    missing = np.full(max(rows.values()), math.nan)
    return converted(np.column_stack([values.get(name, missing) for name in features]))


def _outputs(body: dict[str, Any], version: LoadedVersion) -> dict[str, Output]:
    """Return the requested tensors, by default the targets."""
    of_all, known = body["parameters"], output_names(version)
    targets, calibration = version.model.targets, version.calibration
    wanted = {output["name"]: output["parameters"] for output in body["outputs"]}
    wanted = wanted or {target: {} for target in targets}
    if unknown := [name for name in wanted if name not in known]:
        raise InvalidInference(f"unknown outputs: {_listed(unknown)}; expected {_listed(known)}")
    return {
        name: Output(
            own.get("binary_data", of_all["binary_data_output"]),
            None
            if calibration is None or name in targets
            else _interval(calibration, own.get("level", of_all["level"])),
        )
        for name, own in wanted.items()
    }


def _interval(calibration: Calibration, level: float) -> Interval:
    try:
        return Interval.of_level(calibration, level)
    except LevelError as error:
        raise InvalidInference(str(error)) from None


def _listed(names: Iterable[str]) -> str:
    """Return names in one line, shortened for a message."""
    text = ", ".join(names)
    return text if len(text) <= 200 else text[:199] + "…"
