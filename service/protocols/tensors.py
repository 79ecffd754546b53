"""The Open Inference Protocol's tensors, as JSON and as bytes: read into a matrix, and written.

Features come as one tensor `input` (N, features), or as one tensor (N,) or (N, 1) for each of them,
under its name. Targets go out as one FP64 tensor (N, 1) each, under its name: all of the bits that
`Model.predict` gives. The ends of intervals around them go out as `lower` and `upper` (N, targets),
where the version can give them and they are asked for.

Source: Open Inference Protocol, inference_rest.md; Triton, extension_binary_data.md.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import orjson
from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load
from numpy.typing import NDArray

from network import Array, Calibration, LevelError, Model
from service.formats.json_rows import extrapolating_rows
from service.model.prediction_interval import Interval, Level, interval
from service.web.errors import MAX_ERRORS, InvalidInference
from service.web.fields import NUMBERS, Flag, Several, Text, Whole, flatten, shown

MATRIX = "input"
ENDS = ("lower", "upper")
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
class Output:
    """A tensor to answer.

    Attributes
    ----------
    as_bytes : whether it is wanted as bytes
    interval : whose end it is; None for a target
    """

    as_bytes: bool
    interval: Interval | None = None


@dataclass(frozen=True, eq=False)
class Inference:
    """What is asked for.

    Attributes
    ----------
    id : the caller's name for the request, if it has one
    X : (N, features) float64, finite
    outputs : what to answer, by name, in order
    """

    id: str | None
    X: Array
    outputs: dict[str, Output]


def read(
    document: Any, binary: bytes, model: Model, calibration: Calibration | None = None
) -> Inference:
    """Read an inference request.

    Parameters
    ----------
    document : its JSON
    binary : the bytes that follow the JSON
    calibration : what intervals are made of, if there is one

    Raises
    ------
    InvalidInference
        says what was wrong and what was expected.
    """
    body = _loaded(document, len(model.features), len(_names(model, calibration)))
    columns = _columns(body["inputs"], model)
    values, start = {}, 0
    for tensor in body["inputs"]:
        shape = _shape(tensor, columns[tensor["name"]])
        values[tensor["name"]], start = _values(tensor, shape, binary, start)
    if start != len(binary):
        raise InvalidInference(
            f"{len(binary):,} bytes follow the JSON; the inputs have binary_data_size for {start:,}"
        )
    return Inference(body["id"], _matrix(values, model), _outputs(body, model, calibration))


def write(
    inference: Inference, outside: NDArray[np.bool_], model: Model, model_name: str, version: str
) -> tuple[bytes, int | None]:
    """The answer to an inference request.

    Parameters
    ----------
    outside : (N, features), the values outside the range seen in training

    Returns
    -------
    body : JSON, and the bytes of the tensors that are wanted as bytes
    json_bytes : how much of it is JSON; None where all is

    Raises
    ------
    InvalidInference
        predictions that are not finite.
    """
    Y = model.predict(inference.X)
    if not (finite := np.isfinite(Y)).all():
        row = int(np.flatnonzero(~finite.all(axis=1))[0])
        raise InvalidInference(
            f"row {row} is too far outside the range seen in training: its prediction is not finite"
        )
    outputs, parts = [], []
    for name, wanted in inference.outputs.items():
        values = _values_of(name, wanted.interval, model, Y).astype("<f8", order="C")
        output: Tensor = {"name": name, "datatype": "FP64", "shape": list(values.shape)}
        parameters: dict[str, Any] = {}
        if wanted.interval:
            parameters["level"] = wanted.interval.level
        if wanted.as_bytes:
            parts.append(values.tobytes())
            parameters["binary_data_size"] = len(parts[-1])
        else:
            output["data"] = values.ravel()
        outputs.append(output | ({"parameters": parameters} if parameters else {}))
    document = {
        "model_name": model_name,
        "model_version": version,
        **({} if inference.id is None else {"id": inference.id}),
        "parameters": {"extrapolating_rows": extrapolating_rows(outside)},
        "outputs": outputs,
    }
    header = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    return b"".join([header, *parts]), len(header) if parts else None


def described(model: Model, calibration: Calibration | None = None) -> dict[str, list[Tensor]]:
    """The tensors a model takes and gives; −1: any number of rows."""
    targets = list(model.targets)
    return {
        "inputs": [
            {
                "name": MATRIX,
                "datatype": "FP64",
                "shape": [-1, len(model.features)],
                "parameters": {"features": list(model.features)},
            }
        ],
        "outputs": [
            *({"name": target, "datatype": "FP64", "shape": [-1, 1]} for target in targets),
            *(
                {
                    "name": end,
                    "datatype": "FP64",
                    "shape": [-1, len(targets)],
                    "parameters": {"targets": targets},
                }
                for end in _names(model, calibration)[len(targets) :]
            ),
        ],
    }


class Lenient(Schema):
    """The protocol lets anybody add members; what is not known is ignored, and so is null."""

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
    """A parameter that would change what is answered, and cannot be followed."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        raise ValidationError("is not supported")


_NEEDED: Any = {"required": True, "error_messages": {"required": "is missing"}}


class _RequestParameters(Lenient):
    binary_data_output = Flag(load_default=False)
    level = Level(load_default=DEFAULT_LEVEL)


class _InputParameters(Lenient):
    binary_data_size = Whole(0, MAX_BINARY_BYTES)
    shared_memory_region = _Unsupported()


class _OutputParameters(Lenient):
    binary_data = Flag()
    level = Level()
    classification = _Unsupported()
    shared_memory_region = _Unsupported()


class _Input(Lenient):
    name = Text(**_NEEDED)
    shape = _Shape(**_NEEDED)
    datatype = Text(*DATATYPES, **_NEEDED)
    parameters = fields.Nested(_InputParameters, load_default=dict)
    data = fields.Raw()


class _Output(Lenient):
    name = Text(**_NEEDED)
    parameters = fields.Nested(_OutputParameters, load_default=dict)


_DEFAULT_PARAMETERS = _RequestParameters()  # a schema is dear to make, and keeps nothing


class _Request(Lenient):
    id = fields.String(load_default=None, error_messages={"invalid": "must be a string"})
    parameters = fields.Nested(
        _RequestParameters, load_default=lambda: _DEFAULT_PARAMETERS.load({})
    )
    inputs = Several(fields.Nested(_Input), "tensors", **_NEEDED)
    outputs = Several(fields.Nested(_Output), "tensors", load_default=list)


_REQUEST = _Request()


def _loaded(document: Any, most_inputs: int, most_outputs: int) -> dict[str, Any]:
    """The request without its tensors' values checked."""
    if type(document) is not dict:
        raise InvalidInference(f"the JSON must be an object, got {shown(document)}")
    # first of all: a schema takes its time over a million tensors
    for member, most in (("inputs", most_inputs), ("outputs", most_outputs)):
        if type(tensors := document.get(member)) is list and len(tensors) > most:
            raise InvalidInference(f"{member} has {len(tensors):,} tensors; expected up to {most}")
    return loaded(_REQUEST, document)


def loaded(schema: Schema, document: Any) -> dict[str, Any]:
    """A document as a schema of the protocol's has it.

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
    """How many columns each tensor has to have; None for one feature's own."""
    names, features = [tensor["name"] for tensor in inputs], model.features
    if len(set(names)) < len(names):
        raise InvalidInference(f"an input stands twice: {_listed(names)}")
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
    """A tensor's shape, once it is known to be one that the model takes."""
    shape: list[int] = tensor["shape"]
    if shape[1:] not in ([[], [1]] if columns is None else [[columns]]):
        expected = "[N] or [N, 1]" if columns is None else f"[N, {columns}]"
        raise InvalidInference(f"input {tensor['name']} has shape {shape}; expected {expected}")
    if not shape[0]:
        raise InvalidInference(f"input {tensor['name']} has no rows; expected at least one")
    return shape


def _values(tensor: Tensor, shape: list[int], binary: bytes, start: int) -> tuple[Array, int]:
    """A tensor's values, in a row, and where the next one's bytes start."""
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
    """Values that stand in JSON, flat or nested."""
    name, data = tensor["name"], tensor["data"]
    if type(data) is not list:
        raise InvalidInference(f"data of input {name} must be a list, got {shown(data)}")
    if len(shape) == 2 and list in map(type, data):
        if len(data) != shape[0] or any(
            type(row) is not list or len(row) != shape[1] for row in data
        ):
            raise InvalidInference(f"data of input {name} is nested in another way than {shape}")
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
        with np.errstate(over="ignore"):  # what overflows is not finite, and refused as such
            return np.array(data, dtype)
    except OverflowError:
        raise InvalidInference(
            f"data of input {name} has a number outside the range of {tensor['datatype']}"
        ) from None


def _matrix(values: Mapping[str, Array], model: Model) -> Array:
    """(N, features), from one tensor of this shape or one per feature."""
    if values.keys() != set(model.features):
        return values[MATRIX].reshape(-1, len(model.features))
    rows = {name: len(values[name]) for name in model.features}
    if len(set(rows.values())) > 1:
        found = ", ".join(f"{name} has {count:,}" for name, count in rows.items())
        raise InvalidInference(f"inputs must have equally many rows: {found}"[:500])
    return np.column_stack([values[name] for name in model.features])


def _names(model: Model, calibration: Calibration | None) -> tuple[str, ...]:
    """What can be answered: the targets, and then the ends of intervals where there are any.

    A target that is called like one of the ends comes before them.
    """
    without = calibration is None or any(end in model.targets for end in ENDS)
    return model.targets if without else (*model.targets, *ENDS)


def _outputs(
    body: dict[str, Any], model: Model, calibration: Calibration | None
) -> dict[str, Output]:
    """The tensors wanted, by default the targets."""
    of_all, there = body["parameters"], _names(model, calibration)
    wanted = {output["name"]: output["parameters"] for output in body["outputs"]}
    wanted = wanted or {target: {} for target in model.targets}
    if unknown := [name for name in wanted if name not in there]:
        raise InvalidInference(f"unknown outputs: {_listed(unknown)}; expected {_listed(there)}")
    return {
        name: Output(
            own.get("binary_data", of_all["binary_data_output"]),
            None
            if calibration is None or name in model.targets
            else _interval(calibration, own.get("level", of_all["level"])),
        )
        for name, own in wanted.items()
    }


def _interval(calibration: Calibration, level: float) -> Interval:
    try:
        return interval(calibration, level)
    except LevelError as error:
        raise InvalidInference(str(error)) from None


def _values_of(name: str, of: Interval | None, model: Model, Y: Array) -> Array:
    """A target's column (N, 1), or one end of all targets' intervals (N, targets)."""
    if of is None:
        column = model.targets.index(name)
        return Y[:, column : column + 1]
    return of.lower(Y) if name == ENDS[0] else of.upper(Y)


def _listed(names: list[str] | tuple[str, ...]) -> str:
    """Names, cut to what fits a message."""
    text = ", ".join(names)
    return text if len(text) <= 200 else text[:199] + "…"
