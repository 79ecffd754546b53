"""Rows and predictions as NumPy array files."""

import contextlib
import io
import struct
from typing import Any

import numpy as np
import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest

from network import Array
from service.formats import npy_rows
from service.formats.table_columns import TableColumns
from service.model.loaded_version import LoadedVersion
from service.model.prediction import predict_rows
from service.web.errors import InvalidInput
from tests.service.formats.test_json_rows import ONE, TWO
from tests.service.problem_shape import assert_problem
from tests.service.small_models import a_request

X = np.random.default_rng(3).uniform(-1.5, 1.5, (25, 4))


def as_npy(array: Array, **options: Any) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, **options)
    return file.getvalue()


def refused(app: Flask, body: bytes, status: int = 422) -> dict[str, Any]:
    """Post a body that is refused, and return the problem document."""
    response = app.test_client().post("/predict", data=body, content_type=npy_rows.MEDIA_TYPE)
    headers = dict(response.headers)
    return assert_problem(response.status_code, response.data, headers, expected=status)


@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<f2", "i1", "u1", "<i8", ">u4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_all_number_types_are_accepted(dtype: str, order: Any) -> None:
    array = np.arange(12).reshape(3, 4).astype(dtype, order=order)
    for version in ((1, 0), (2, 0)):
        read = npy_rows.read(ONE.reader, as_npy(array, version=version))
        assert read.dtype == np.float64
        assert read.flags.c_contiguous
        assert read.tolist() == np.arange(12.0).reshape(3, 4).tolist()


@pytest.mark.parametrize(
    ("array", "detail"),
    [
        (
            np.zeros((0, 4)),
            "the array has the shape (0, 4); expected (N, 4), N ≥ 1: x1, x2, x3, x4",
        ),
        (np.zeros(4), "the array has the shape (4,); expected (N, 4)"),
        (np.zeros((2, 5)), "the array has the shape (2, 5); expected (N, 4)"),
        (np.zeros((2, 4), bool), "the array holds bool; expected numbers"),
        (np.zeros((2, 4), complex), "the array holds complex128; expected numbers"),
        (np.zeros((2, 4), "U3"), "the array holds <U3; expected numbers"),
        (np.zeros((2, 4), np.longdouble), "the array holds float128; expected numbers"),
        (np.zeros((2, 4), [("a", "f8")]), "the array holds [('a', '<f8')]; expected numbers"),
    ],
)
def test_array_of_another_type_or_shape_is_422(app: Flask, array: Array, detail: str) -> None:
    [error] = refused(app, as_npy(array))["errors"]
    assert error["pointer"] == ""
    assert error["detail"].startswith(detail)


def test_object_arrays_are_refused_without_unpickling(app: Flask) -> None:
    body = as_npy(np.array([[object] * 4], dtype=object), allow_pickle=True)
    [error] = refused(app, body)["errors"]
    assert error["detail"].startswith("the array holds object; expected numbers")


def test_non_finite_cells_are_422_with_pointers(app: Flask) -> None:
    array = np.zeros((30, 4))
    array[3, 1], array[7, 2] = np.nan, -np.inf
    document = refused(app, as_npy(array))
    assert document["errors"] == [
        {"pointer": "/instances/3/1", "detail": "must be a finite number, got nan"},
        {"pointer": "/instances/7/2", "detail": "must be a finite number, got -inf"},
    ]
    array[:] = np.nan
    assert len(refused(app, as_npy(array))["errors"]) == 20


WHOLE = as_npy(X)


def with_header(shape: str) -> bytes:
    """Return a file with 32 bytes of data and any shape in its header."""
    header = f"{{'descr':'<f8','fortran_order':False,'shape':{shape}}}\n".encode()
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + b"\0" * 32


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x93NUM",
        WHOLE[:60],
        WHOLE[:-1],
        WHOLE + b"x",
        b"PK\x03\x04",
        as_npy(X, version=(3, 0)),
        with_header("(" + "-" * 5_000 + "1,4)"),
        with_header("(0x" + "f" * 9_000 + ",4)"),
        with_header("(0x" + "f" * 9_000 + ",)"),
        with_header("(True,4)"),
        with_header("(-1,-4)"),
    ],
)
def test_invalid_npy_file_is_400(app: Flask, body: bytes) -> None:
    assert refused(app, body, 400)["detail"].startswith("the body is not a .npy file")


def test_false_shape_allocates_no_memory(app: Flask) -> None:
    claim = WHOLE.replace(b"(25, 4)", b"(9999999999, 4)").replace(b" " * 8, b"", 1)
    refused(app, claim, 400)


@given(st.binary(max_size=200), st.integers(0, len(WHOLE)))
@settings(max_examples=300)
def test_random_bytes_are_refused(noise: bytes, at: int) -> None:
    body = WHOLE[:at] + noise + WHOLE[at + len(noise) :]
    with contextlib.suppress(BadRequest, InvalidInput):
        assert npy_rows.read(ONE.reader, body).shape[1] == 4


@pytest.mark.parametrize("version", [ONE, TWO], ids=["one target", "two targets"])
@pytest.mark.parametrize("rows", [1, 7, 25, 100])
def test_parts_join_to_the_whole(version: LoadedVersion, rows: int) -> None:
    prediction = predict_rows(version, X, a_request())
    table = prediction, TableColumns(prediction)
    whole = b"".join(npy_rows.write(*table, len(X)))
    parts = list(npy_rows.write(*table, rows))
    assert b"".join(parts) == whole
    assert len(parts) == 1 + -(-len(X) // rows)
