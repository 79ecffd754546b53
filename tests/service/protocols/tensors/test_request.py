"""Tensors as JSON and as bytes: the same bits, and errors with clear reasons."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from network import Array
from service.model.loaded_version import LoadedVersion
from service.model.prediction import predict_rows
from service.protocols.tensors import response as tensor_response
from service.protocols.tensors.request import read
from service.protocols.tensors.values import DATATYPES
from service.web.errors import InvalidInference, PredictionNotFinite
from tests.service.small_models import (
    AWKWARD_FEATURES,
    FEATURES,
    a_request,
    loaded_version,
    random_rows,
    small_model,
    some_calibration,
)

VERSION = loaded_version(small_model())
MODEL = VERSION.model
CALIBRATION = some_calibration(targets=2)
TWO_TARGETS = loaded_version(small_model(targets=("y", "z")))
WITH_INTERVALS = loaded_version(TWO_TARGETS.model, CALIBRATION)
Request = tuple[dict[str, Any], bytes]


def as_json(name: str, values: Any, datatype: str = "FP64", **members: Any) -> dict[str, Any]:
    array = np.asarray(values)
    tensor = {"name": name, "shape": list(array.shape), "datatype": datatype}
    return tensor | {"data": array.ravel().tolist()} | members


def as_bytes(name: str, values: Any, datatype: str = "FP64") -> tuple[dict[str, Any], bytes]:
    array = np.asarray(values)
    content = array.astype(DATATYPES[datatype]).tobytes()
    tensor = {"name": name, "shape": list(array.shape), "datatype": datatype}
    return tensor | {"parameters": {"binary_data_size": len(content)}}, content


def binary(*tensors: tuple[dict[str, Any], bytes], **members: Any) -> Request:
    document = {"inputs": [tensor for tensor, _ in tensors], **members}
    return document, b"".join(content for _, content in tensors)


def refusal(document: Any, content: bytes = b"", version: LoadedVersion = VERSION) -> str:
    with pytest.raises(InvalidInference) as caught:
        read(document, content, version)
    return str(caught.value)


def answered(
    document: Any, content: bytes = b"", version: LoadedVersion = VERSION
) -> tuple[dict[str, Any], bytes]:
    """Return the JSON of the response, and the bytes that follow it."""
    inference = read(document, content, version)
    parts, length = tensor_response.write(
        predict_rows(version, inference.X, a_request()),
        inference.outputs,
        model_name="numnet",
        request_id=inference.id,
    )
    body = b"".join(parts)
    return json.loads(body[:length]), b"" if length is None else body[length:]


X = random_rows(5)
ROW = [[0.1, 0.2, 0.3, 0.4]]


def matrix_as_json(X: Array, datatype: str) -> Request:
    return {"inputs": [as_json("input", X, datatype)]}, b""


def nested_matrix_as_json(X: Array, datatype: str) -> Request:
    return {"inputs": [as_json("input", X, datatype, data=X.tolist())]}, b""


def columns_as_json(X: Array, datatype: str) -> Request:
    named = zip(FEATURES, X.T, strict=True)
    return {"inputs": [as_json(name, x[:, None], datatype) for name, x in named]}, b""


def nested_columns_as_json(X: Array, datatype: str) -> Request:
    named = [(name, x[:, None]) for name, x in zip(FEATURES, X.T, strict=True)]
    return {"inputs": [as_json(name, x, datatype, data=x.tolist()) for name, x in named]}, b""


def matrix_as_bytes(X: Array, datatype: str) -> Request:
    return binary(as_bytes("input", X, datatype))


def columns_as_bytes(X: Array, datatype: str) -> Request:
    pairs = reversed(list(zip(FEATURES, X.T, strict=True)))  # in any order
    return binary(*(as_bytes(name, x, datatype) for name, x in pairs))


def mixed(X: Array, datatype: str) -> Request:
    """JSON and bytes alternately, with shapes (N, 1) and (N,)."""
    tensors: list[dict[str, Any]] = []
    content = b""
    for index, (name, x) in enumerate(zip(FEATURES, X.T, strict=True)):
        shaped = x[:, None] if index < 2 else x
        if index % 2:
            tensors.append(as_json(name, shaped, datatype))
        else:
            tensor, part = as_bytes(name, shaped, datatype)
            tensors.append(tensor)
            content += part
    return {"inputs": tensors}, content


WAYS = [
    matrix_as_json,
    nested_matrix_as_json,
    columns_as_json,
    nested_columns_as_json,
    matrix_as_bytes,
    columns_as_bytes,
    mixed,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("datatype", DATATYPES)
def test_every_encoding_has_the_same_matrix(way: Any, datatype: str) -> None:
    dtype = DATATYPES[datatype]
    values = X if dtype.kind == "f" else np.arange(20).reshape(5, 4) * 5
    values = values.astype(dtype)
    document, content = way(values, datatype)
    assert read(document, content, VERSION).X.tobytes() == values.astype(float).tobytes()


FINITE = {"allow_nan": False, "allow_infinity": False}


@st.composite
def tensors(draw: st.DrawFn) -> tuple[str, Any]:
    """A datatype, and rows of it."""
    datatype = draw(st.sampled_from(list(DATATYPES)))
    dtype = DATATYPES[datatype]
    elements = FINITE if dtype.kind == "f" else {}
    shape = (draw(st.integers(1, 12)), len(FEATURES))
    return datatype, draw(arrays.arrays(dtype, shape, elements=elements))


@pytest.mark.slow
@given(tensors(), st.booleans())
def test_json_and_bytes_have_the_same_response(drawn: tuple[str, Any], wanted: bool) -> None:
    datatype, values = drawn
    outcomes = []
    for way in WAYS:
        document, content = way(values, datatype)
        parameters = {"parameters": {"binary_data_output": wanted}}
        try:
            outcomes.append(answered(document | parameters, content))
        except PredictionNotFinite as error:
            outcomes.append(({"error": str(error)}, b""))
    assert all(outcome == outcomes[0] for outcome in outcomes)
    if "error" not in outcomes[0][0]:
        expected = MODEL.predict(values.astype(float))[:, 0]
        (output,), content = outcomes[0][0]["outputs"], outcomes[0][1]
        found = np.frombuffer(content) if wanted else np.array(output["data"])
        assert found.tobytes() == expected.tobytes()


def test_json_values_are_rounded_to_their_datatype() -> None:
    found = read({"inputs": [as_json("input", ROW, "FP32")]}, b"", VERSION).X
    assert found.tolist() == np.array(ROW, np.float32).astype(float).tolist()


@pytest.mark.parametrize("names", [("input", "a"), ("a", "input")])
def test_feature_may_be_called_input(names: tuple[str, str]) -> None:
    version = loaded_version(small_model(features=names))
    rows = random_rows(3, 2)
    expected = version.model.predict(rows).tobytes()
    for document in (
        {"inputs": [as_json("input", rows)]},
        {"inputs": [as_json(name, x) for name, x in zip(names, rows.T, strict=True)]},
    ):
        assert version.model.predict(read(document, b"", version).X).tobytes() == expected


def test_single_feature_may_have_either_form() -> None:
    version = loaded_version(small_model(features=("a",)))
    for document in (
        {"inputs": [as_json("input", [[0.5], [0.7]])]},
        {"inputs": [as_json("input", [0.5, 0.7])]},
        {"inputs": [as_json("a", [[0.5], [0.7]])]},
        {"inputs": [as_json("a", [0.5, 0.7])]},
    ):
        assert read(document, b"", version).X.tolist() == [[0.5], [0.7]]
    document = {"inputs": [as_json("input", [[0.5, 0.7]])]}
    expected = "input input has shape [1, 2]; expected [N] or [N, 1]"
    assert refusal(document, b"", version) == expected


def test_awkward_feature_names_are_accepted() -> None:
    version = loaded_version(small_model(features=AWKWARD_FEATURES))
    rows = random_rows(2, len(AWKWARD_FEATURES))
    document = {
        "inputs": [as_json(name, x) for name, x in zip(AWKWARD_FEATURES, rows.T, strict=True)]
    }
    assert read(document, b"", version).X.tobytes() == rows.tobytes()


def test_complete_response() -> None:
    document = {"id": "a 1", "inputs": [as_json("input", X)]}
    Y = TWO_TARGETS.model.predict(X)
    outside = int((np.abs(X) > 1).any(axis=1).sum())
    assert 0 < outside < 5
    assert answered(document, version=TWO_TARGETS) == (
        {
            "model_name": "numnet",
            "model_version": "7",
            "id": "a 1",
            "parameters": {"extrapolating_rows": outside},
            "outputs": [
                {"name": "y", "datatype": "FP64", "shape": [5, 1], "data": Y[:, 0].tolist()},
                {"name": "z", "datatype": "FP64", "shape": [5, 1], "data": Y[:, 1].tolist()},
            ],
        },
        b"",
    )


@pytest.mark.parametrize(
    ("outputs", "default", "expected"),
    [
        (None, None, {"y": False, "z": False}),
        (None, True, {"y": True, "z": True}),
        ([], True, {"y": True, "z": True}),
        ([{"name": "z"}], None, {"z": False}),
        ([{"name": "z"}, {"name": "y"}], True, {"z": True, "y": True}),
        ([{"name": "z", "parameters": {"binary_data": True}}], False, {"z": True}),
        (
            [{"name": "z", "parameters": {"binary_data": False}}, {"name": "y"}],
            True,
            {"z": False, "y": True},
        ),
    ],
)
def test_requested_outputs_are_returned_as_requested(
    outputs: Any, default: bool | None, expected: dict[str, bool]
) -> None:
    document: dict[str, Any] = {"inputs": [as_json("input", X)]}
    if outputs is not None:
        document["outputs"] = outputs
    if default is not None:
        document["parameters"] = {"binary_data_output": default}
    answer, content = answered(document, version=TWO_TARGETS)
    Y = dict(zip(TWO_TARGETS.model.targets, TWO_TARGETS.model.predict(X).T, strict=True))
    found = {}
    for output in answer["outputs"]:
        y = Y[output["name"]]
        if as_binary := "data" not in output:
            size = output["parameters"]["binary_data_size"]
            assert content[:size] == y.tobytes()
            content = content[size:]
        else:
            assert output["data"] == y.tolist()
        found[output["name"]] = as_binary
    assert content == b""
    assert found == expected
    assert list(found) == list(expected)


@pytest.mark.parametrize("as_binary", [True, False])
@pytest.mark.parametrize(
    ("of_all", "own", "level"),
    [({}, {}, 0.9), ({"level": 0.5}, {}, 0.5), ({"level": 0.5}, {"level": 0.8}, 0.8)],
)
def test_requested_ends_of_intervals_are_returned(
    of_all: dict[str, float], own: dict[str, float], level: float, as_binary: bool
) -> None:
    document = {
        "inputs": [as_json("input", X)],
        "parameters": {"binary_data_output": as_binary} | of_all,
        "outputs": [{"name": "upper", "parameters": own}, {"name": "z"}, {"name": "lower"}],
    }
    answer, content = answered(document, version=WITH_INTERVALS)
    Y, q = TWO_TARGETS.model.predict(X), CALIBRATION.half_widths
    other = of_all.get("level", 0.9)
    expected = {"upper": Y + q(level), "z": Y[:, 1:], "lower": Y - q(other)}
    outputs = {each["name"]: each for each in answer["outputs"]}
    assert [*outputs] == [*expected]
    for name, values in expected.items():
        assert outputs[name]["shape"] == list(values.shape)
        if not as_binary:
            assert outputs[name]["data"] == values.ravel().tolist()
    if as_binary:
        assert content == b"".join(each.tobytes() for each in expected.values())
    assert outputs["upper"]["parameters"]["level"] == level
    assert outputs["lower"]["parameters"]["level"] == other
    assert "level" not in outputs["z"].get("parameters", {})


LOWER: dict[str, Any] = {"name": "lower"}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"outputs": [LOWER], "parameters": {"level": 0.98}},
            "level must be at most 0.9756, as the model was calibrated on 40 rows",
        ),
        (
            {"outputs": [LOWER | {"parameters": {"level": 1}}]},
            "/outputs/0/parameters/level must be above 0 and below 1, got 1",
        ),
        (
            {"outputs": [LOWER | {"parameters": {"level": "0.9"}}]},
            '/outputs/0/parameters/level must be a finite number, got "0.9"',
        ),
        ({"parameters": {"level": True}}, "/parameters/level must be a finite number, got true"),
        ({"outputs": [{"name": "w"}]}, "unknown outputs: w; expected y, z, lower, upper"),
        ({"outputs": [LOWER] * 5}, "outputs has 5 tensors; expected up to 4"),
    ],
)
def test_wrong_level_is_refused(members: dict[str, Any], message: str) -> None:
    document = {"inputs": [as_json("input", X)], **members}
    assert refusal(document, version=WITH_INTERVALS) == message


def test_target_called_lower_replaces_the_end() -> None:
    version = loaded_version(small_model(targets=("lower", "z")), CALIBRATION)
    document = {"inputs": [as_json("input", X)], "outputs": [LOWER]}
    [output] = answered(document, version=version)[0]["outputs"]
    assert output["data"] == version.model.predict(X)[:, 0].tolist()
    message = refusal(document | {"outputs": [{"name": "upper"}]}, version=version)
    assert message == "unknown outputs: upper; expected lower, z"


def test_unknown_members_are_ignored() -> None:
    document = {
        "model_name": "another",
        "id": None,
        "parameters": {"priority": 3, "timeout": 1, "sequence_id": "s", "mine": [1]},
        "inputs": [as_json("input", X, parameters={"content_type": "np"}, more=1)],
        "outputs": [{"name": "y", "more": 1, "parameters": {"content_type": "np"}}],
    }
    assert "id" not in answered(document)[0]
    nulls = {"id": None, "parameters": None, "outputs": None}
    inputs = [as_json("input", X, parameters=None)]
    assert answered(nulls | {"inputs": inputs}) == answered({"inputs": inputs})


FP64 = {"name": "input", "datatype": "FP64", "shape": [1, 4]}
SIZED = FP64 | {"parameters": {"binary_data_size": 32}}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "there are no inputs; expected input [N, 4], or [N, 1] or [N] for each of x1, x2"),
        ([as_json("x", ROW)], "unknown inputs: x; expected input [N, 4]"),
        (
            [as_json("x1", [1.0]), as_json("x9", [1.0])],
            "unknown inputs: x9; missing inputs: x2, x3, x4; ",
        ),
        ([as_json("x1", [1.0]), as_json("x2", [1.0])], "missing inputs: x3, x4; expected"),
        ([as_json("input", ROW)] * 2, "an input appears twice: input, input"),
        ([as_json("input", [0.1, 0.2, 0.3, 0.4])], "input input has shape [4]; expected [N, 4]"),
        ([as_json("input", [[0.1, 0.2, 0.3]])], "input input has shape [1, 3]; expected [N, 4]"),
        ([as_json("input", ROW, shape=[4, 1])], "input input has shape [4, 1]; expected [N, 4]"),
        (
            [as_json("input", ROW, shape=[0, 4], data=[])],
            "input input has no rows; expected [N, 4]",
        ),
        (
            [as_json("input", ROW, shape=[10**18, 4])],
            "has 4 values; expected 4,000,000,000,000,000,000",
        ),
        (
            [as_json("input", ROW, shape=[-1, 4])],
            "input input has shape [-1, 4]; expected [N, 4]",
        ),
        (
            [as_json("input", ROW, shape=[1.0, 4])],
            "input input has shape [1.0, 4]; expected [N, 4]",
        ),
        (
            [as_json("input", ROW, shape=[True, 4])],
            "input input has shape [true, 4]; expected [N, 4]",
        ),
        (
            [as_json("input", ROW, shape=[1, 4, 1])],
            "input input has shape [1, 4, 1]; expected [N, 4]",
        ),
        (
            [as_json("input", ROW, shape=[1] * 9)],
            "input has shape [1, 1, 1, 1, 1, 1, 1, 1, 1]; expected",
        ),
        ([as_json("input", ROW, shape=[1] * 99)], "1, …; expected [N, 4]"),
        ([as_json("input", ROW, shape=None)], "input input has no shape; expected [N, 4]"),
        (
            [as_json(name, [1.0], shape=[-1]) for name in FEATURES],
            "input x1 has shape [-1]; expected [N] or [N, 1]",
        ),
        ([as_json("input", ROW, shape=[])], "input input has shape []; expected [N, 4]"),
        ([as_json("input", ROW, shape="1,4")], 'input input has shape "1, 4"; expected [N, 4]'),
        (
            [as_json("input", ROW, "BYTES")],
            "input input has datatype BYTES; expected one of FP64, FP32, FP16, INT8",
        ),
        ([as_json("input", ROW, "fp64")], "input input has datatype fp64; expected one of FP64"),
        ([as_json("input", ROW, "BF16")], "input input has datatype BF16; expected one of FP64"),
        ([as_json("input", ROW, "F" * 99)], f"has datatype {'F' * 39}…; expected one of FP64"),
        (
            [as_json("input", ROW, "INT32")],
            "value 0 of input input must be a whole number, got 0.1",
        ),
        ([as_json("input", [[1, 2, 3, 300]], "UINT8")], "outside the range of UINT8"),
        ([as_json("input", [[1, 2, 3, -1]], "UINT64")], "outside the range of UINT64"),
        (
            [as_json("input", [[1, 2, 3, 1e39]], "FP32")],
            "value 3 of input input is not a finite number as FP32: inf",
        ),
        (
            [as_json("input", ROW, data=[0.1, "0.2", 0.3, 0.4])],
            'value 1 of input input must be a finite number, got "0.2"',
        ),
        (
            [as_json("input", ROW, data=[0.1, 0.2, None, 0.4])],
            "value 2 of input input must be a finite number, got null",
        ),
        (
            [as_json("input", ROW, data=[0.1, 0.2, 0.3, True])],
            "value 3 of input input must be a finite number, got true",
        ),
        (
            [as_json("input", ROW, data=[0.1, 0.2, 0.3])],
            "has 3 values; expected 4 for shape [1, 4]",
        ),
        (
            [as_json("input", ROW, data=[[0.1, 0.2], [0.3, 0.4]])],
            "is not nested as its shape [1, 4] says",
        ),
        ([as_json("input", ROW, data=[ROW])], "is not nested as its shape [1, 4] says"),
        (
            [as_json("input", ROW, data=[0.1, [0.2, 0.3, 0.4]])],
            "is not nested as its shape [1, 4] says",
        ),
        ([as_json("input", ROW, data=0.1)], "data of input input must be a list, got 0.1"),
        ([as_json("input", ROW, data=None)], "input input has neither data nor binary_data_size"),
        ([FP64], "input input has neither data nor binary_data_size"),
        ([SIZED | {"data": ROW[0]}], "input input has both data and binary_data_size"),
        (
            [SIZED],
            "binary_data_size 32, and 0 bytes are there; expected 32 for FP64 [1, 4]",
        ),
        (
            [FP64 | {"parameters": {"binary_data_size": "32"}}],
            "/inputs/0/parameters/binary_data_size must be",
        ),
        (
            [FP64 | {"parameters": {"binary_data_size": -1}}],
            "/inputs/0/parameters/binary_data_size must be",
        ),
        ([FP64 | {"parameters": [1]}], "/inputs/0/parameters must be an object"),
        (
            [FP64 | {"parameters": {"shared_memory_region": "r"}}],
            "/inputs/0/parameters/shared_memory_region is not supported",
        ),
        ([1], "/inputs/0 must be an object"),
        ([{}], "/inputs/0/name is missing; /inputs/0/datatype is missing"),
        ([as_json("", ROW)], "/inputs/0/name must be a string that is not empty"),
        ({"input": ROW}, "/inputs must be a list of tensors"),
        (None, "/inputs is missing"),
        (
            [
                as_json("x1", [1.0]),
                as_json("x2", [1.0, 2.0]),
                as_json("x3", [1.0]),
                as_json("x4", [1.0]),
            ],
            "inputs must have equally many rows: x1 has 1, x2 has 2, x3 has 1, x4 has 1",
        ),
        (
            [as_json(name, [[1.0, 2.0]]) for name in FEATURES],
            "input x1 has shape [1, 2]; expected [N] or [N, 1]",
        ),
    ],
)
def test_wrong_inputs_are_refused_with_the_reason(inputs: Any, message: str) -> None:
    assert message in refusal({"inputs": inputs})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "the JSON must be an object, got []"),
        ("x", 'the JSON must be an object, got "x"'),
        ({}, "/inputs is missing"),
        ({"id": 7}, "/id must be a string"),
        ({"parameters": 7}, "/parameters must be an object"),
        (
            {"parameters": {"binary_data_output": 1}},
            "/parameters/binary_data_output must be true or false, got 1",
        ),
        ({"outputs": 7}, "/outputs must be a list of tensors, got 7"),
        ({"outputs": [7]}, "/outputs/0 must be an object"),
        ({"outputs": [{"name": "z"}]}, "unknown outputs: z; expected y"),
        ({"outputs": [{"name": "y"}] * 2}, "outputs has 2 tensors; expected up to 1"),
        (
            {"outputs": [{"name": "y", "parameters": {"binary_data": "yes"}}]},
            "/outputs/0/parameters/binary_data must be",
        ),
        (
            {"outputs": [{"name": "y", "parameters": {"classification": 2}}]},
            "/outputs/0/parameters/classification is not supported",
        ),
        (
            {"outputs": [{"name": "y", "parameters": {"shared_memory_region": "r"}}]},
            "shared_memory_region is not supported",
        ),
    ],
)
def test_wrong_requests_are_refused_with_the_reason(document: Any, message: str) -> None:
    if isinstance(document, dict) and document:
        document = {"inputs": [as_json("input", ROW)]} | document
    assert message in refusal(document)


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_wrong_number_of_bytes_is_refused(length: int) -> None:
    message = refusal({"inputs": [SIZED]}, bytes(length))
    if length < 32:
        assert message == (
            f"input input has binary_data_size 32, and {length} bytes are there; "
            f"expected 32 for FP64 [1, 4]"
        )
    else:
        assert message == (
            f"{length} bytes follow the JSON; the inputs have binary_data_size for 32"
        )


def test_undeclared_bytes_are_refused() -> None:
    assert "1 bytes follow the JSON" in refusal({"inputs": [as_json("input", ROW)]}, b"x")


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_non_finite_values_are_refused(datatype: str, value: float) -> None:
    rows = np.array(ROW * 2)
    rows[1, 2] = value
    message = refusal(*binary(as_bytes("input", rows, datatype)))
    assert message == f"value 6 of input input is not a finite number as {datatype}: {value}"


def test_signalling_nan_is_refused() -> None:
    content = np.array([1, 1, 1, 0x7FA00000], dtype="<u4").tobytes()
    tensor = FP64 | {"datatype": "FP32", "parameters": {"binary_data_size": 16}}
    assert "value 3 of input input is not a finite number" in refusal({"inputs": [tensor]}, content)


def test_tensors_are_counted_before_they_are_validated() -> None:
    message = refusal({"inputs": [{}] * 1_000_000})
    assert message == "inputs has 1,000,000 tensors; expected up to 4"


def test_at_most_20_errors_are_listed() -> None:
    version = loaded_version(small_model(features=tuple(f"f{index}" for index in range(100))))
    assert refusal({"inputs": [1] * 100}, version=version).count(";") == 19


@pytest.mark.slow
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(**FINITE) | st.text(max_size=3),  # type: ignore[arg-type]
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["name", "shape", "datatype", "data", "parameters", "input"]),
                inner,
                max_size=5,
            )
        ),
        max_leaves=12,
    ),
    st.binary(max_size=40),
)
def test_arbitrary_documents_are_refused(nonsense: Any, content: bytes) -> None:
    refusal({"inputs": nonsense}, content)
    refusal({"inputs": [nonsense]}, content)
    refusal(nonsense, content)
    for member in ("name", "shape", "datatype", "data", "parameters"):
        with_nonsense = SIZED | {member: nonsense}
        if isinstance(nonsense, dict) and member == "parameters":
            with_nonsense["data"] = ROW[0][:3]
        refusal({"inputs": [with_nonsense]}, content + b"x" * 33)
