"""Rows in CSV bodies, and tables in CSV responses."""

import csv
import io
from typing import Any

import numpy as np
import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from service.formats import csv_rows
from service.formats.table_columns import TableColumns
from service.model.loaded_version import LoadedVersion
from service.model.prediction import predict_rows
from service.model.rows.reader import RowReader
from service.web.errors import InvalidInput
from tests.service.formats.test_json_rows import ONE, TWO
from tests.service.problem_shape import assert_problem
from tests.service.small_models import (
    AWKWARD_FEATURES,
    FEATURES,
    a_request,
    random_rows,
    small_model,
)

X = np.random.default_rng(3).uniform(-1.5, 1.5, (25, 4))


def refused(app: Flask, body: bytes, status: int = 422) -> dict[str, Any]:
    """Post a body that is refused, and return the problem document."""
    response = app.test_client().post("/predict", data=body, content_type=csv_rows.MEDIA_TYPE)
    headers = dict(response.headers)
    return assert_problem(response.status_code, response.data, headers, expected=status)


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
def test_csv_variants_are_accepted(body: bytes) -> None:
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
def test_wrong_csv_is_422_with_pointers(
    app: Flask, body: bytes, errors: list[tuple[str, str]]
) -> None:
    document = refused(app, body)
    assert [(each["pointer"], each["detail"]) for each in document["errors"]] == errors


def test_at_most_twenty_errors_of_a_csv_are_listed(app: Flask) -> None:
    body = b"x1,x2,x3,x4\n" + b"a,b,c,d\n" * 1000
    assert len(refused(app, body)["errors"]) == 20


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "the body is empty"),
        (b" \r\n", "the body is empty"),
        (b"x1\xff,x2", "the body is not CSV: byte 2 is not UTF-8"),
        (b'x1,x2,x3,x4\n1,2,3,"4"5\n', "the body is not CSV: line 2: "),
    ],
)
def test_invalid_csv_is_400(app: Flask, body: bytes, detail: str) -> None:
    assert refused(app, body, 400)["detail"].startswith(detail)


def test_awkward_names_are_accepted() -> None:
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


@pytest.mark.slow
@given(st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=4))
@settings(max_examples=300)
def test_fast_parser_accepts_what_the_schema_accepts(rows: list[list[str]]) -> None:
    """A quoted name disables the fast parser."""
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


@pytest.mark.parametrize("version", [ONE, TWO], ids=["one target", "two targets"])
@pytest.mark.parametrize("rows", [1, 7, 25, 100])
def test_parts_join_to_the_whole(version: LoadedVersion, rows: int) -> None:
    prediction = predict_rows(version, X, a_request())
    table = prediction, TableColumns(prediction)
    whole = b"".join(csv_rows.write(*table, len(X)))
    parts = list(csv_rows.write(*table, rows))
    assert b"".join(parts) == whole
    assert len(parts) == 1 + -(-len(X) // rows)
