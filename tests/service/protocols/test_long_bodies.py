"""Long bodies of other servers' clients are read block by block, with the same predictions."""

import gzip
from typing import Any

import numpy as np
import orjson
import pytest
from flask import Flask

from network import Model
from registry import Registry
from service.formats import csv_rows
from service.model.rows import blocks, columns, reader
from service.model.rows.reader import RowReader
from service.protocols import json_lines
from service.protocols.tensors import response as tensor_response
from service.web import bodies, responses
from tests.service.conftest import MakeClient
from tests.service.small_models import FEATURES, random_rows, serve, small_model

X = random_rows(200)
ROWS = X.tolist()
RECORDS = [dict(zip(FEATURES, row, strict=True)) for row in ROWS]
COLUMNS = {name: column.tolist() for name, column in zip(FEATURES, X.T, strict=True)}
WIDER = {"columns": [*FEATURES, "a:b"], "data": [[*row, "c:d"] for row in ROWS]}
TABLE = ",".join(FEATURES) + "\n" + "".join(",".join(map(repr, row)) + "\n" for row in ROWS)
JSON, LINES, CSV = "application/json", "application/jsonlines", "text/csv"


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "LONG_BYTES", 0)
    for module in (blocks, json_lines):
        monkeypatch.setattr(module, "BLOCK_BYTES", 500)
    for module in (reader, tensor_response, responses):
        name = "_ROWS_AT_A_TIME" if module is reader else "ROWS_AT_A_TIME"
        monkeypatch.setattr(module, name, 8)
    monkeypatch.setattr(columns, "MAX_CONVERTED_CELLS", 0)


def joined(rows: list[Any]) -> bytes:
    return b"\r\n\r\n".join(map(orjson.dumps, rows))


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"dataframe_records": RECORDS}, JSON),
        ({"dataframe_records": [each | {"z": {"a": [1]}} for each in RECORDS]}, JSON),
        ({"instances": [{k: [v] for k, v in each.items()} for each in RECORDS]}, JSON),
        ({"instances": [*ROWS[:150], *RECORDS[150:]]}, JSON),
        ({"inputs": ROWS}, JSON),
        ({"inputs": COLUMNS | {"z": 7}}, JSON),
        ({"dataframe_split": WIDER}, JSON),
        (joined(RECORDS), LINES),
        (joined(ROWS[:3] + [each | {"z": 1} for each in RECORDS[3:]]), LINES),
        (TABLE.encode(), CSV),
        (TABLE.replace(",", ";").encode(), CSV),
    ],
)
def test_every_layout_has_the_same_predictions(
    app: Flask, model: Model, body: Any, sent: str
) -> None:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    answer = app.test_client().post("/invocations", data=content, content_type=sent)
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["predictions"] == model.predict(X)[:, 0].tolist()


@pytest.mark.parametrize("sent", [JSON, LINES])
@pytest.mark.parametrize("place", [0, 120, 199])
@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ROWS[0][:3], "has 3 values; expected 4"),
        (RECORDS[0] | {"x2": None, "z": 1}, "/x2 must be a finite number, got null"),
    ],
)
def test_wrong_row_is_named_by_its_place(
    app: Flask, sent: str, place: int, row: Any, message: str
) -> None:
    rows: list[Any] = [*RECORDS]
    rows[place] = row
    body = joined(rows) if sent == LINES else orjson.dumps({"instances": rows})
    answer = app.test_client().post("/invocations", data=body, content_type=sent)
    assert answer.status_code == 400
    assert f"/instances/{place}{' ' if 'has' in message else ''}{message}" in answer.text


def test_wrong_line_is_named_by_its_number(app: Flask) -> None:
    body = joined([*RECORDS[:100]]) + b"\n\r[1,2\n" + joined(RECORDS)
    answer = app.test_client().post("/invocations", data=body, content_type=LINES)
    assert answer.status_code == 400
    assert "line 201 of the body is not JSON" in answer.text


@pytest.mark.parametrize("number", ["NaN", "-Infinity"])
@pytest.mark.parametrize(
    ("path", "form", "item"),
    [
        ("/predict", '{"instances":[ITEMS]}', "[1,2,3,9]"),
        ("/invocations", '{"dataframe_records":[ITEMS]}', '{"é":0,"x1":1,"x2":2,"x3":3,"x4":9}'),
        ("/v1/models/numnet:predict", '{"instances":[ITEMS]}', "[1,2,3,9]"),
        ("/v2/models/numnet/infer", '{"inputs":[{"é":0,"data":[ITEMS]}]}', "1,2,3,9"),
    ],
)
def test_nan_is_named_with_its_place_in_the_longest_bodies(
    app: Flask, path: str, form: str, item: str, number: str
) -> None:
    items = [*[item] * 200_000, item.replace("9", number), item]
    body = form.replace("ITEMS", ",".join(items)).encode()
    answer = app.test_client().post(path, data=body, content_type=JSON)
    assert answer.status_code == 400
    place = body.index(number.encode())
    assert f"{number} at byte {place:,}: JSON has no such number" in answer.text


@pytest.mark.parametrize("sent", [JSON, LINES])
def test_repeated_name_is_found(app: Flask, sent: str) -> None:
    row = b'{"x1":1,"x1":1,"x2":2,"x3":3,"x4":4,"z":5}'
    rows = [*map(orjson.dumps, RECORDS), row]
    body = b"\n".join(rows) if sent == LINES else b'{"instances":[%b]}' % b",".join(rows)
    answer = app.test_client().post("/invocations", data=body, content_type=sent)
    assert answer.status_code == 400
    assert '\\"x1\\" appears twice' in answer.text


@pytest.mark.parametrize("table", [{"inputs": COLUMNS}, {"dataframe_split": WIDER}])
def test_repeated_name_of_columns_is_found(app: Flask, table: dict[str, Any]) -> None:
    [name] = table
    body = orjson.dumps(table).replace(b"{", b'{"%b":{},' % name.encode(), 1)
    answer = app.test_client().post("/invocations", data=body, content_type=JSON)
    assert answer.status_code == 400
    assert f'\\"{name}\\" appears twice' in answer.text


def test_line_with_very_many_values_is_refused(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LONG_BYTES", 0)
    monkeypatch.setattr(bodies, "_MAX_PARSED_BYTES", 1000)
    body = joined(ROWS[:3]) + b"\n[" + b"[]," * 100 + b"[]]"
    answer = app.test_client().post("/invocations", data=body, content_type=LINES)
    assert answer.status_code == 413


def test_bare_numbers_of_one_feature_are_read_in_blocks(
    make_client: MakeClient, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small_model(("x",))
    serve(registry, model)
    monkeypatch.setattr(blocks.RowBlocks, "whole", None)
    body = {"instances": X[:, 0].tolist()}
    answer = make_client().post("/v1/models/numnet:predict", json=body)
    assert answer.get_json()["predictions"] == model.predict(X[:, :1])[:, 0].tolist()


@pytest.mark.parametrize("datatype", ["INT8", "FP16", "FP64"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_tensor_is_answered_in_parts(
    app: Flask, model: Model, datatype: str, encoding: str
) -> None:
    dtype = {"INT8": np.int8, "FP16": np.float16, "FP64": np.float64}[datatype]
    values = (X * 10).astype(dtype)
    tensor: dict[str, Any] = {"name": "input", "shape": values.shape, "datatype": datatype}
    tensor["parameters"] = {"binary_data_size": values.nbytes}
    head = orjson.dumps({"inputs": [tensor]})
    answer = app.test_client().post(
        "/v2/models/numnet/infer",
        data=head + values.tobytes(),
        headers={"Inference-Header-Content-Length": str(len(head)), "Accept-Encoding": encoding},
    )
    content = gzip.decompress(answer.data) if encoding == "gzip" else answer.data
    [output] = orjson.loads(content)["outputs"]
    assert "Content-Length" not in answer.headers
    assert output["data"] == model.predict(values.astype(np.float64))[:, 0].tolist()


def test_first_line_without_an_end_is_read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "_FIRST_LINE_BYTES", 10)
    numbers = b"1.5,2.5,3e9,4.5\n"  # the third is cut
    reader = RowReader(small_model())
    assert csv_rows.with_header(reader, numbers).startswith(b"x1,x2,x3,x4\n1.5,")
    assert csv_rows.with_header(reader, names := b"x1,x2,x3,x4\n1,2,3,4\n") == names
