"""Many rows as CSV and as .npy, in and out, against the same rows as JSON."""

import contextlib
import csv
import io
import struct
from typing import Any

import numpy as np
import orjson
import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest
from werkzeug.test import TestResponse

from network import Array
from service.formats import csv_rows, npy_rows
from service.model.loaded_version import LoadedVersion
from service.model.prediction import predict_rows
from service.model.row_reader import RowReader
from service.web.errors import InvalidInput
from tests.service.formats.test_json_rows import ONE, TWO
from tests.service.problem_shape import assert_problem
from tests.service.small_models import AWKWARD_FEATURES, a_request, random_rows, small_model

CSV, NPY, JSON = "text/csv", "application/x-npy", "application/json"
FEATURES = ONE.model.features
X = np.random.default_rng(3).uniform(-1.5, 1.5, (25, 4))


def as_npy(array: Array, **options: Any) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, **options)
    return file.getvalue()


def as_csv(rows: Array, header: str = "x1,x2,x3,x4", end: str = "\n") -> bytes:
    lines = [header, *(",".join(map(repr, row)) for row in rows.tolist()), ""]
    return end.join(lines).encode()


def refused(answer: TestResponse, status: int = 422) -> dict[str, Any]:
    return assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=status)


def post(app: Flask, body: bytes, sent: str, wanted: str | None = None) -> TestResponse:
    headers = {"Content-Type": sent} | ({"Accept": wanted} if wanted else {})
    return app.test_client().post("/predict", data=body, headers=headers)


def test_the_features_are_those_of_the_tests() -> None:
    assert FEATURES == ("x1", "x2", "x3", "x4")


@pytest.mark.parametrize("sent", [CSV, NPY, JSON])
@pytest.mark.parametrize("wanted", [CSV, NPY, JSON, None, "*/*", f"text/html, {CSV};q=0.5"])
def test_every_format_gives_the_same_bits(app: Flask, sent: str, wanted: str | None) -> None:
    body = {
        CSV: as_csv(X),
        NPY: as_npy(X),
        JSON: orjson.dumps({"instances": X.tolist()}),
    }[sent]
    expected = post(app, orjson.dumps({"instances": X.tolist()}), JSON).get_json()
    answer = post(app, body, sent, wanted)
    assert answer.status_code == 200
    kind = JSON if wanted in (None, "*/*") else CSV if CSV in (wanted or "") else wanted
    assert answer.mimetype == kind
    if kind == JSON:
        assert answer.get_json() == expected
        return
    assert answer.headers["X-Model-Version"] == expected["version"]
    rows_outside = {row for row, _ in expected["extrapolating"]}
    assert answer.headers["X-Extrapolating-Rows"] == str(len(rows_outside))
    if kind == NPY:
        got = np.load(io.BytesIO(answer.data), allow_pickle=False)
        assert got.dtype == np.float64
        assert got.tolist() == [[each] for each in expected["predictions"]]
    else:
        lines = list(csv.DictReader(io.StringIO(answer.text)))
        assert [float(line["y"]) for line in lines] == expected["predictions"]
        named = [
            [row, name]
            for row, line in enumerate(lines)
            for name in filter(None, line["extrapolating"].split(";"))
        ]
        assert named == expected["extrapolating"]


def test_one_row_may_be_answered_as_a_table(app: Flask) -> None:
    row = orjson.dumps(dict(zip(FEATURES, [0.5, 0.5, 0.5, 0.5], strict=True)))
    value = post(app, row, JSON).get_json()["prediction"]
    assert post(app, row, JSON, CSV).text == f"y,extrapolating\n{value!r},\n"
    assert np.load(io.BytesIO(post(app, row, JSON, NPY).data)).tolist() == [[value]]


@pytest.mark.parametrize("module", [csv_rows, npy_rows])
@pytest.mark.parametrize("version", [ONE, TWO], ids=["one target", "two targets"])
@pytest.mark.parametrize("rows", [1, 7, 25, 100])
def test_parts_make_the_whole(module: Any, version: LoadedVersion, rows: int) -> None:
    prediction = predict_rows(version, X, a_request())
    table = prediction, version.model.targets, prediction.Y
    whole = b"".join(module.write(*table, len(X)))
    parts = list(module.write(*table, rows))
    assert b"".join(parts) == whole
    assert len(parts) == 1 + -(-len(X) // rows)


# CSV


@pytest.mark.parametrize(
    "body",
    [
        b"x1,x2,x3,x4\n1,2,3,4\n5,6,7,8",
        b"x1,x2,x3,x4\r\n1,2,3,4\r\n5,6,7,8\r\n",
        b"\xef\xbb\xbfx1,x2,x3,x4\n1,2,3,4\n5,6,7,8\n",
        b"x4,x3,x2,x1\n4,3,2,1\n8,7,6,5\n",
        b'"x1",x2,"x3",x4\n1,"2",3,4\n5,6,7,"8"\n',
        b" x1 , x2,x3,x4\n 1 ,2.0, 3e0,+4\n5,6,7,8\n",
        b"x1,x2,x3,x4\n\n1,2,3,4\n\n5,6,7,8\n\n",
        b'x1,x2,x3,x4\n\n"1",2,3,4\n\n5,6,7,8\n\n',
        b"x1,x2,x3,x4\r1,2,3,4\r5,6,7,8\r",
        b"x1,x2,x3,x4\r1,2,3,4\n5,6,7,8\n",
        b"x1,x2,x3,x4\r\n1,2,3,4\r5,6,7,8\n",
    ],
)
def test_csv_is_taken_as_it_comes(body: bytes) -> None:
    read = csv_rows.read(ONE.reader, body)
    assert read.flags.c_contiguous
    assert read.tolist() == [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (b"x1", [("", f'column "{name}" is missing') for name in FEATURES[1:]]),
        (b"x1,x2,x3\n1,2,3\n", [("", 'column "x4" is missing')]),
        (
            b"x1,x2,x3,x4,z\n1,2,3,4,5\n",
            [("", 'column "z" is not a feature; expected x1, x2, x3, x4')],
        ),
        (b"x1,x2,x3,x4,x1\n1,2,3,4,5\n", [("", 'column "x1" appears twice')]),
        (b"x1,x2,x3,x4\n", [("", "must have at least one row below the header")]),
        (
            b"x1,x2,x3,x4\n1,2,3,4\n1,abc,,nan\n",
            [
                ("/instances/1/x2", 'must be a finite number, got "abc"'),
                ("/instances/1/x3", 'must be a finite number, got ""'),
                ("/instances/1/x4", 'must be a finite number, got "nan"'),
            ],
        ),
        (
            b"x1,x2,x3,x4\n1,2,3\n1,2,3,4,5\n",
            [
                ("/instances/0", "has 3 values; expected 4: x1, x2, x3, x4"),
                ("/instances/1", "has 5 values; expected 4: x1, x2, x3, x4"),
            ],
        ),
        (b"x1,x2,x3,x4\n1,2,1_0,4\n", [("/instances/0/x3", 'must be a finite number, got "1_0"')]),
        (b"x1,x2,x3,x4\n1,2,3,0x1\n", [("/instances/0/x4", 'must be a finite number, got "0x1"')]),
    ],
)
def test_what_is_wrong_in_csv_is_named(
    app: Flask, body: bytes, errors: list[tuple[str, str]]
) -> None:
    document = refused(post(app, body, CSV))
    assert [(each["pointer"], each["detail"]) for each in document["errors"]] == errors


def test_no_more_errors_are_named_than_anywhere(app: Flask) -> None:
    body = b"x1,x2,x3,x4\n" + b"a,b,c,d\n" * 1000
    assert len(refused(post(app, body, CSV))["errors"]) == 20


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "the body is empty"),
        (b" \r\n", "the body is empty"),
        (b"x1\xff,x2", "the body is not CSV: byte 2 is not UTF-8"),
        (b'x1,x2,x3,x4\n1,2,3,"4"5\n', "the body is not CSV: line 2: "),
    ],
)
def test_what_is_no_csv_is_400(app: Flask, body: bytes, detail: str) -> None:
    assert refused(post(app, body, CSV), 400)["detail"].startswith(detail)


def test_names_may_be_awkward() -> None:
    inputs = RowReader(small_model(AWKWARD_FEATURES))
    rows = random_rows(3, len(AWKWARD_FEATURES))
    file = io.StringIO()
    csv.writer(file).writerows([AWKWARD_FEATURES, *rows.tolist()])
    assert csv_rows.read(inputs, file.getvalue().encode()).tolist() == rows.tolist()


CELLS = st.one_of(
    st.floats(width=64).map(repr),
    st.integers().map(str),
    st.text("0123456789.eE+-_xinfa \t", max_size=6),
)


@given(st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_the_fast_way_takes_what_the_schema_takes(rows: list[list[str]]) -> None:
    """Quoting one name takes the fast way away."""
    lines = "\n".join(",".join(row) for row in rows)

    def read(header: str) -> list[list[float]] | list[dict[str, str]]:
        try:
            X = csv_rows.read(ONE.reader, f"{header}\n{lines}\n".encode())
            return [[float(each) for each in row] for row in X]
        except InvalidInput as error:
            return error.errors

    quoted = '"x1",x2,x3,x4\n"0",0,0,0'
    fast, slow = read("x1,x2,x3,x4\n0,0,0,0"), read(quoted)
    assert fast == slow


# .npy


@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<f2", "i1", "u1", "<i8", ">u4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_numbers_are_taken(dtype: str, order: Any) -> None:
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
def test_an_array_of_another_kind_or_shape_is_refused(
    app: Flask, array: Array, detail: str
) -> None:
    [error] = refused(post(app, as_npy(array), NPY))["errors"]
    assert error["pointer"] == ""
    assert error["detail"].startswith(detail)


def test_objects_are_refused_unread(app: Flask) -> None:
    body = as_npy(np.array([[object] * 4], dtype=object), allow_pickle=True)
    [error] = refused(post(app, body, NPY))["errors"]
    assert error["detail"].startswith("the array holds object; expected numbers")


def test_cells_that_are_not_finite_are_named(app: Flask) -> None:
    array = np.zeros((30, 4))
    array[3, 1], array[7, 2] = np.nan, -np.inf
    document = refused(post(app, as_npy(array), NPY))
    assert document["errors"] == [
        {"pointer": "/instances/3/1", "detail": "must be a finite number, got nan"},
        {"pointer": "/instances/7/2", "detail": "must be a finite number, got -inf"},
    ]
    array[:] = np.nan
    assert len(refused(post(app, as_npy(array), NPY))["errors"]) == 20


WHOLE = as_npy(X)


def with_header(shape: str) -> bytes:
    """An array file of 32 bytes of data, whatever shape it claims to have."""
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
def test_what_is_no_array_file_is_400(app: Flask, body: bytes) -> None:
    assert refused(post(app, body, NPY), 400)["detail"].startswith("the body is not a .npy file")


def test_a_shape_that_is_not_there_takes_no_memory(app: Flask) -> None:
    claim = WHOLE.replace(b"(25, 4)", b"(9999999999, 4)").replace(b" " * 8, b"", 1)
    refused(post(app, claim, NPY), 400)


@given(st.binary(max_size=200), st.integers(0, len(WHOLE)))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_garbage_is_refused(noise: bytes, at: int) -> None:
    body = WHOLE[:at] + noise + WHOLE[at + len(noise) :]
    with contextlib.suppress(BadRequest, InvalidInput):
        assert npy_rows.read(ONE.reader, body).shape[1] == 4
