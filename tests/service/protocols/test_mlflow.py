"""MLflow's and SageMaker's APIs have the same predictions as `POST /predict`."""

import io
import tomllib
from typing import Any

import numpy as np
import orjson
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from config import VERSION
from tests.documents import ROOT
from tests.service.conftest import MakeClient
from tests.service.small_models import FEATURES, random_rows

X = random_rows(7)
ROWS = X.tolist()
RECORDS = [dict(zip(FEATURES, row, strict=True)) for row in ROWS]
COLUMNS = {name: column.tolist() for name, column in zip(FEATURES, X.T, strict=True)}


def post(app: Flask, body: Any, sent: str = "application/json", **headers: str) -> TestResponse:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return app.test_client().post(
        "/invocations", data=content, headers={"Content-Type": sent} | headers
    )


def refused(answer: TestResponse, status: int = 400) -> str:
    """Return the message of an error, after checking its format."""
    assert answer.status_code == status
    assert answer.mimetype == "application/json"
    document: dict[str, str] = answer.get_json()
    assert list(document) == ["error_code", "message"]
    assert document["error_code"] == "BAD_REQUEST" if status < 500 else "TEMPORARILY_UNAVAILABLE"
    assert answer.headers["X-Request-ID"]
    return document["message"]


@pytest.fixture
def expected(app: Flask) -> dict[str, Any]:
    answer = app.test_client().post("/predict", json={"instances": ROWS})
    document: dict[str, Any] = answer.get_json()
    return document


def array_file() -> bytes:
    file = io.BytesIO()
    np.save(file, X)
    return file.getvalue()


def lines(rows: list[list[float]]) -> str:
    return "".join(",".join(map(repr, row)) + "\n" for row in rows)


WIDER = {"columns": [*FEATURES, "z"], "data": [[*row, "text"] for row in ROWS]}
TURNED = {"columns": list(FEATURES[::-1]), "data": [row[::-1] for row in ROWS]}


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"dataframe_split": {"columns": list(FEATURES), "data": ROWS}}, "application/json"),
        ({"dataframe_split": TURNED | {"index": list(range(7))}}, "application/json"),
        ({"dataframe_records": RECORDS}, "application/json; charset=utf-8"),
        ({"instances": ROWS}, "application/json"),
        ({"instances": RECORDS, "params": {}}, "application/json"),
        ({"inputs": ROWS}, "application/json"),
        ({"inputs": COLUMNS}, "application/json"),
        ({"inputs": COLUMNS | {"z": COLUMNS["x1"]}}, "application/json"),
        ({"inputs": COLUMNS | {"z": 7}}, "application/json"),
        ({"dataframe_records": [each | {"z": "a:b"} for each in RECORDS]}, "application/json"),
        ({"instances": [*RECORDS[:6], RECORDS[6] | {"z": None}]}, "application/json"),
        ({"dataframe_split": WIDER | {"index": ["a"] * 7}}, "application/json"),
        (b"\r\n".join(map(orjson.dumps, RECORDS)), "application/jsonlines"),
        (b"\n\n".join(map(orjson.dumps, ROWS)) + b"\n", "application/x-ndjson"),
        (f"z,{','.join(FEATURES)}\n{lines([[9.0, *row] for row in ROWS])}".encode(), "text/csv"),
        ({"inputs": {k: [[each] for each in v] for k, v in COLUMNS.items()}}, "application/json"),
        (f"{','.join(FEATURES)}\n{lines(ROWS)}".encode(), "text/csv"),
        (lines(ROWS).encode(), "text/csv"),
        (b"\xef\xbb\xbf" + lines(ROWS).encode(), "text/csv"),
        (lines(ROWS).replace("\n", "\r").encode(), "text/csv"),
        (lines(ROWS).replace(",", ";").encode(), "text/csv"),
        (lines(ROWS).encode("utf-16"), "text/csv"),
        (f"{','.join(FEATURES)}\n{lines(ROWS)}".replace(",", ";").encode(), "text/csv"),
        (array_file(), "application/x-npy"),
    ],
)
def test_every_layout_has_the_bits_of_predict(
    app: Flask, expected: dict[str, Any], body: Any, sent: str
) -> None:
    answer = post(app, body, sent)
    assert answer.status_code == 200, answer.text
    assert answer.get_json() == {"predictions": expected["predictions"]}
    assert answer.headers["X-Model-Version"] == expected["version"]
    outside = {row for row, _ in expected["extrapolating"]}
    assert answer.headers["X-Extrapolating-Rows"] == str(len(outside))

    table = post(app, body, sent, Accept="text/csv")
    assert table.mimetype == "text/csv"
    assert [float(line) for line in table.text.splitlines()] == expected["predictions"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "1 value is wrong: the body must be an object, got []"),
        ({}, "must have one of dataframe_split, dataframe_records, instances, inputs; got nothing"),
        ({"rows": ROWS}, 'got "rows"'),
        ({"inputs": ROWS, "instances": ROWS}, 'got "inputs", "instances"'),
        ({"inputs": ROWS, "params": {"a": 1}}, "/params must be empty"),
        ({"inputs": ROWS, "params": False}, "/params must be empty"),
        ({"inputs": []}, "/inputs must be a list of at least one row, got []"),
        ({"instances": {}}, "/instances must be a list of at least one row, got {}"),
        ({"instances": [[1, 2, 3]]}, "/instances/0 has 3 values; expected 4"),
        ({"instances": [[1, 2, 3, "4"]]}, '/instances/0/3 must be a finite number, got "4"'),
        ({"dataframe_records": [RECORDS[0], {}]}, "/dataframe_records/1/x1 is missing"),
        ({"dataframe_split": []}, "/dataframe_split must have `columns`, and `data`"),
        ({"dataframe_split": {"columns": list(FEATURES), "data": []}}, "at least one row"),
        (
            {"dataframe_split": {"columns": ["x1"], "data": [[1]]}},
            '3 values are wrong: the body column "x2" is missing; ',
        ),
        (
            {"dataframe_split": {"columns": list(FEATURES), "data": [ROWS[0], [1]]}},
            "/dataframe_split/data/1 must be a list of 4 numbers, got [1]",
        ),
        (
            {"dataframe_split": {"columns": list(FEATURES), "data": [[1, 2, None, 4]]}},
            "/dataframe_split/data/0/2 must be a finite number, got null",
        ),
        (
            {"dataframe_split": {"columns": [*FEATURES[:3], None], "data": ROWS}},
            "/dataframe_split/columns/3 must be a name, got null",
        ),
        (
            f'{{"dataframe_split":{{"columns":[{"[" * 1000}{"]" * 1000}],"data":[[1]]}}}}'.encode(),
            "/dataframe_split/columns/0 must be a name, got list",
        ),
        ({"inputs": COLUMNS | {"x2": [1.0]}}, "/inputs/x2 must be a list of numbers, as long as"),
        (b'{"dataframe_records": [{"x1":1,"x1":1,"x2":1,"x3":1,"x4":1}]}', "appears twice"),
        (b"{", "the body is not JSON"),
        (b"", "the body is empty"),
    ],
)
def test_wrong_requests_have_the_error_format_of_mlflow(
    app: Flask, body: Any, message: str
) -> None:
    assert message in refused(post(app, body))


@pytest.mark.slow
def test_other_errors_have_the_error_format_of_mlflow(app: Flask, make_client: MakeClient) -> None:
    assert "expected Content-Type" in refused(post(app, b"1", "text/plain"), 415)
    assert "must be a finite number" in refused(post(app, b"x1,x2,x3,x4\n1,2,3,a\n", "text/csv"))
    for blank in (b"", b"\n", b"\xef\xbb\xbf\r\n"):
        assert refused(post(app, blank, "text/csv")).startswith("the body is empty; expected CSV")
    assert "not a query parameter" in refused(
        app.test_client().post("/invocations?a=1", json={"inputs": ROWS})
    )
    small = make_client(max_body_bytes=1024)
    answer = small.post("/invocations", data=b" " * 2000, content_type="application/json")
    assert "larger than 1,024 bytes" in refused(answer, 413)
    answer = small.post("/invocations", json={"inputs": ROWS[:1]})
    assert "there is no version yet" in refused(answer, 503)
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("path", ["/ping", "/health"])
def test_ping_reports_whether_a_version_is_loaded(
    app: Flask, make_client: MakeClient, path: str
) -> None:
    answer = app.test_client().get(path)
    assert (answer.status_code, answer.data) == (200, b"")
    assert "Content-Type" not in answer.headers
    refused(make_client().get(path), 503)


@pytest.mark.parametrize("path", ["/invocations", "/ping", "/health", "/version"])
def test_unsupported_method_has_the_error_format_of_mlflow(app: Flask, path: str) -> None:
    answer = app.test_client().put(path)
    assert "allowed: " in refused(answer, 405)
    assert answer.headers["Allow"]


def test_version_is_that_of_the_project(app: Flask) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert app.test_client().get("/version").text == VERSION == project["version"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"instances":[[1,NaN,3,4]]}', "NaN at /instances/0/1"),
        (b'{"dataframe_split":{"index":[0],"data":[[1],[-Infinity]]}}', "-Infinity at /dataframe_"),
        (b'{"inputs":{"a/b":[NaN]}}', "NaN at /inputs/a~1b/0"),
        (b"NaN", "NaN: JSON has no such number"),
        (b'{"instances":[[1,NaN,3,4]}', "NaN at byte 17: JSON has no such number"),
        (b'{"instances":[[1,-Infinity,3,4]}', "-Infinity at byte 17: JSON has no such number"),
        (b'{"a":"\\NaN"}', "the body is not JSON: invalid escaped sequence"),
        (b'{"a":NaNa}', "NaN at byte 5"),
        (b'{"a":-NaN}', "-NaN at byte 5"),
        ('{"é":NaN]'.encode(), "NaN at byte 6"),
        (b'{"instances":[[1,1e400,3,4]]}', "1e400 at /instances/0/1: float64 has no such number"),
        (b'{"inputs":[[-1%b]]}' % (b"0" * 500), "0000… at /inputs/0/0: float64 has no such number"),
    ],
)
def test_nan_is_named_with_its_place(app: Flask, body: bytes, message: str) -> None:
    assert message in refused(post(app, body))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is empty"),
        (b"\n \n", "the body is empty"),
        (b'{"x1":1,"x2":2,"x3":3,"x4":4}\n{"x1":}\n', "line 2 of the body is not JSON"),
        (b"[1,2,3,4],[5,6,7,8]\n", "line 1 of the body is not JSON"),
        (b'[1,2,3,4]\n{"x1":-Infinity}\n', "line 2 of the body is not JSON: -Infinity at /x1: "),
        (b"[1,2,3,1e400]\n", "line 1 of the body is not JSON: 1e400 at /3: float64 has"),
        (b"[1,2,3,4][5,6,7,8]", "--data-binary"),
        (b'[1,2,3,4]\n{"x1":1,"x1":1,"x2":2,"x3":3,"x4":4}', '"x1" appears twice'),
        (b"[1,2,3,4]\n[1,2,3]\n", "/instances/1 has 3 values"),
    ],
)
def test_wrong_json_lines_are_named(app: Flask, body: bytes, message: str) -> None:
    assert message in refused(post(app, body, "application/jsonlines"))
