"""The schemas of tensors accept what the service accepts."""

from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from service.model.loaded_version import LoadedVersion
from service.protocols.tensors import request as tensor_request
from service.protocols.tensors import schemas as tensor_schemas
from service.protocols.tensors.values import DATATYPES
from service.web.errors import InvalidInference
from tests.service.small_models import FEATURES, loaded_version, small_model

VERSION = loaded_version(small_model())


def validator(version: LoadedVersion) -> Draft202012Validator:
    """Return the validator of requests to a version."""
    components = {"schemas": {"TensorValues": tensor_schemas.values()}}
    return Draft202012Validator({**tensor_schemas.request(version), "components": components})


REQUEST = validator(VERSION)


def tensor(name: str = "input", **members: Any) -> dict[str, Any]:
    """Return a valid tensor with other members."""
    width = [1, len(FEATURES)] if name == "input" else [1]
    data = [0] * width[-1]
    return {"name": name, "shape": width, "datatype": "FP64", "data": data, **members}


def is_taken(document: dict[str, Any], binary: bytes = b"") -> bool:
    try:
        tensor_request.read(document, binary, VERSION)
    except InvalidInference:
        return False
    return True


def around(dtype: np.dtype[Any]) -> list[float]:
    """Return numbers on both sides of a datatype's limits."""
    if dtype.kind == "f":
        # From this limit on, numbers are rounded to 2 ** (exponent + 1), which is infinite.
        info = np.finfo(dtype)
        limit = 2.0**info.maxexp - 2.0 ** (info.maxexp - info.nmant - 2)
        found = [limit, np.nextafter(limit, 0.0).item(), float(info.max), 0.5]
        return [*found, *(-each for each in found)]
    limits = np.iinfo(dtype)
    least, greatest = int(limits.min), int(limits.max)
    return [least - 1, least, greatest, greatest + 1, 0.5]


@pytest.mark.parametrize("datatype", [name for name in DATATYPES if name != "FP64"])
def test_schema_accepts_exactly_the_numbers_of_a_datatype(datatype: str) -> None:
    taken = set()
    for value in around(DATATYPES[datatype]):
        for data in ([value, 0, 0, 0], [[value, 0, 0, 0]]):
            document = {"inputs": [tensor(datatype=datatype, data=data)]}
            assert REQUEST.is_valid(document) == is_taken(document), value
            taken.add(is_taken(document))
    assert taken == {True, False}


COLUMNS = [tensor(name) for name in FEATURES]


@pytest.mark.parametrize(
    ("document", "valid"),
    [
        ({"inputs": [tensor()]}, True),
        ({"inputs": COLUMNS}, True),
        ({"inputs": COLUMNS[::-1]}, True),
        ({"inputs": [tensor(shape=[1, 4], data=[[1, 2, 3, 4]])]}, True),
        ({"inputs": [tensor(parameters={"a": 1}, more=2)], "b": 3}, True),
        ({"inputs": [tensor(parameters=None)], "id": None, "outputs": None}, True),
        ({"inputs": [tensor()], "id": "7", "parameters": {"binary_data_output": None}}, True),
        ({"inputs": [tensor()], "outputs": [{"name": "y", "parameters": None}]}, True),
        ({"inputs": [tensor(parameters={"binary_data_size": None})]}, True),
        ({"inputs": []}, False),
        ({"inputs": COLUMNS[1:]}, False),
        ({"inputs": [tensor("x1"), *COLUMNS]}, False),
        ({"inputs": [tensor(), tensor()]}, False),
        ({"inputs": [tensor() | {"name": "x"}]}, False),
        ({"inputs": [tensor() | {"name": None}]}, False),
        ({"inputs": [tensor(shape=[4])]}, False),
        ({"inputs": [tensor(shape=[1, 3])]}, False),
        ({"inputs": [tensor(shape=[0, 4], data=[])]}, False),
        ({"inputs": [tensor(datatype="BYTES")]}, False),
        ({"inputs": [tensor(data=None)]}, False),
        ({"inputs": [tensor(data=["1", 2, 3, 4])]}, False),
        ({"inputs": [tensor(data=[True, 2, 3, 4])]}, False),
        ({"inputs": [tensor(parameters={"binary_data_size": 32})]}, False),
        ({"inputs": [tensor(parameters={"shared_memory_region": "a"})]}, False),
        ({"inputs": [tensor()], "id": 7}, False),
        ({"inputs": [tensor()], "parameters": {"binary_data_output": 1}}, False),
        ({"inputs": [tensor()], "outputs": [{"name": "z"}]}, False),
        (
            {
                "inputs": [tensor()],
                "outputs": [{"name": "y", "parameters": {"classification": 1}}],
            },
            False,
        ),
    ],
)
def test_schema_accepts_what_the_service_accepts(document: dict[str, Any], valid: bool) -> None:
    assert REQUEST.is_valid(document) == is_taken(document) == valid


def test_schema_accepts_bytes_instead_of_data() -> None:
    document = {"inputs": [tensor(data=None, parameters={"binary_data_size": 32})]}
    assert REQUEST.is_valid(document)
    assert is_taken(document, bytes(32))
    document["inputs"][0]["parameters"]["binary_data_size"] = -1
    assert not REQUEST.is_valid(document)
    assert not is_taken(document, bytes(32))


def test_tensor_of_the_only_feature_may_have_one_dimension() -> None:
    of_one = validator(loaded_version(small_model(("a",))))
    for name in ("input", "a"):
        for shape in ([1], [1, 1]):
            assert of_one.is_valid({"inputs": [tensor("a") | {"name": name, "shape": shape}]})
        assert not of_one.is_valid({"inputs": [tensor("a") | {"name": name, "shape": [1, 2]}]})
    assert not REQUEST.is_valid({"inputs": [tensor(shape=[len(FEATURES)])]})
