"""Reads requests of the Open Inference Protocol: tensors as JSON or as bytes.

The features are one tensor `input` (N, features), or one tensor (N,) or (N, 1) per feature under
the feature's name.

Source: Open Inference Protocol, inference_rest.md; Triton, extension_binary_data.md.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load
from numpy.typing import NDArray

from network import Array, Calibration, LevelError, Model
from service.model.loaded_version import LoadedVersion
from service.model.prediction_interval import Interval, Level
from service.protocols.tensor_response import Output, output_names
from service.web.errors import MAX_ERRORS, InvalidInference
from service.web.field_errors import flatten, shown
from service.web.fields import NUMBERS, Flag, Several, Text, Whole

MATRIX = "input"
DEFAULT_LEVEL = 0.9
MAX_BINARY_BYTES = 2**31
DATATYPES: dict[str, np.dtype[Any]] = {
    "FP64": np.dtype("<f8"),
    "FP32": np.dtype("<f4"),
    "FP16": np.dtype("<f2"),
    **{f"INT{8 * size}": np.dtype(f"<i{size}") for size in (1, 2, 4, 8)},
    **{f"UINT{8 * size}": np.dtype(f"<u{size}") for size in (1, 2, 4, 8)},
}

Tensor = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Inference:
    """A request.

    Attributes
    ----------
    id : the caller's name for the request, if any
    X : (N, features) float64, finite
    outputs : the requested tensors by name, in order
    """

    id: str | None
    X: Array
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
    model = version.model
    body = _load(document, len(model.features), len(output_names(version)))
    columns = _columns(body["inputs"], model)
    values, start = {}, 0
    for tensor in body["inputs"]:
        shape = _shape(tensor, columns[tensor["name"]])
        values[tensor["name"]], start = _values(tensor, shape, binary, start)
    if start != len(binary):
        raise InvalidInference(
            f"{len(binary):,} bytes follow the JSON; the inputs have binary_data_size for {start:,}"
        )
    return Inference(body["id"], _matrix(values, model), _outputs(body, version))


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


class _Shape(fields.Field[list[int]]):
    """One or two whole numbers."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[int]:
        if (
            type(value) is not list
            or len(value) not in (1, 2)
            or any(type(size) is not int or size < 0 for size in value)
        ):
            raise ValidationError(f"must be a list of one or two sizes, got {shown(value)}")
        return value


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
    shape = _Shape(**_NEEDED)
    datatype = Text(*DATATYPES, **_NEEDED)
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


def _columns(inputs: list[Tensor], model: Model) -> dict[str, int | None]:
    """Return the number of columns that each tensor must have; None for one feature."""
    names, features = [tensor["name"] for tensor in inputs], model.features
    if len(set(names)) < len(names):
        raise InvalidInference(f"an input appears twice: {_listed(names)}")
    if set(names) == set(features):
        return dict.fromkeys(names)
    if names == [MATRIX]:
        return {MATRIX: len(features)}
    missing = [name for name in features if name not in names]
    unknown = [name for name in names if name not in features]
    wrong = [
        f"{what}: {_listed(which)}"
        for what, which in (("unknown inputs", unknown), ("missing inputs", missing))
        if which and len(missing) < len(features)
    ] or [f"unknown inputs: {_listed(unknown)}" if unknown else "there are no inputs"]
    raise InvalidInference(
        f"{'; '.join(wrong)}; expected {MATRIX} [N, {len(features)}], or [N, 1] or [N] for each of "
        f"{_listed(features)}"
    )


def _shape(tensor: Tensor, columns: int | None) -> list[int]:
    """Return a tensor's shape after checking it."""
    shape: list[int] = tensor["shape"]
    if shape[1:] not in ([[], [1]] if columns is None else [[columns]]):
        expected = "[N] or [N, 1]" if columns is None else f"[N, {columns}]"
        raise InvalidInference(f"input {tensor['name']} has shape {shape}; expected {expected}")
    if not shape[0]:
        raise InvalidInference(f"input {tensor['name']} has no rows; expected at least one")
    return shape


def _values(tensor: Tensor, shape: list[int], binary: bytes, start: int) -> tuple[Array, int]:
    """Return a tensor's values, flat, and the offset of the next tensor's bytes."""
    name, datatype = tensor["name"], tensor["datatype"]
    dtype, count = DATATYPES[datatype], math.prod(shape)
    size = tensor["parameters"].get("binary_data_size")
    if (size is None) == ("data" not in tensor):
        wrong = "neither data nor" if size is None else "both data and"
        raise InvalidInference(f"input {name} has {wrong} binary_data_size; expected one of them")
    values: NDArray[Any]
    if size is None:
        values, end = _from_json(tensor, shape, dtype), start
    else:
        end = start + size
        if size != count * dtype.itemsize or end > len(binary):
            raise InvalidInference(
                f"input {name} has binary_data_size {size:,}, and {len(binary) - start:,} bytes "
                f"are there; expected {count * dtype.itemsize:,} for {datatype} {shape}"
            )
        values = np.frombuffer(binary, dtype, count, start)
    finite = np.isfinite(values)
    if not finite.all():
        place = int(np.flatnonzero(~finite)[0])
        raise InvalidInference(
            f"value {place} of input {name} is not a finite number as {datatype}: {values[place]}"
        )
    return values.astype(np.float64), end


def _from_json(tensor: Tensor, shape: list[int], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return values from JSON, flat or nested."""
    name, data = tensor["name"], tensor["data"]
    if type(data) is not list:
        raise InvalidInference(f"data of input {name} must be a list, got {shown(data)}")
    if len(shape) == 2 and list in map(type, data):
        if len(data) != shape[0] or any(
            type(row) is not list or len(row) != shape[1] for row in data
        ):
            raise InvalidInference(f"data of input {name} is not nested as its shape {shape} says")
        data = list(chain.from_iterable(data))
    if len(data) != math.prod(shape):
        raise InvalidInference(
            f"data of input {name} has {len(data):,} values; expected {math.prod(shape):,} for "
            f"shape {shape}"
        )
    allowed, what = (NUMBERS, "finite") if dtype.kind == "f" else ({int}, "whole")
    if not set(map(type, data)) <= allowed:
        place = next(place for place, value in enumerate(data) if type(value) not in allowed)
        raise InvalidInference(
            f"value {place} of input {name} must be a {what} number, got {shown(data[place])}"
        )
    try:
        with np.errstate(over="ignore"):  # an overflow is reported as not finite
            return np.array(data, dtype)
    except OverflowError:
        raise InvalidInference(
            f"data of input {name} has a number outside the range of {tensor['datatype']}"
        ) from None


def _matrix(values: Mapping[str, Array], model: Model) -> Array:
    """Return (N, features), from one tensor of this shape or one per feature."""
    if values.keys() != set(model.features):
        return values[MATRIX].reshape(-1, len(model.features))
    rows = {name: len(values[name]) for name in model.features}
    if len(set(rows.values())) > 1:
        found = ", ".join(f"{name} has {count:,}" for name, count in rows.items())
        raise InvalidInference(f"inputs must have equally many rows: {found}"[:500])
    return np.column_stack([values[name] for name in model.features])


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
