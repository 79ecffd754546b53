"""`POST /predict` with tables: rows and predictions have the same bits in every format."""

import csv
import io

import numpy as np
import orjson
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from network import Array
from tests.service.formats.test_npy_rows import as_npy
from tests.service.small_models import FEATURES

CSV, NPY, JSON = "text/csv", "application/x-npy", "application/json"
X = np.random.default_rng(3).uniform(-1.5, 1.5, (25, 4))


def as_csv(rows: Array, header: str = "x1,x2,x3,x4", end: str = "\n") -> bytes:
    lines = [header, *(",".join(map(repr, row)) for row in rows.tolist()), ""]
    return end.join(lines).encode()


def post(app: Flask, body: bytes, sent: str, wanted: str | None = None) -> TestResponse:
    headers = {"Content-Type": sent} | ({"Accept": wanted} if wanted else {})
    return app.test_client().post("/predict", data=body, headers=headers)


@pytest.mark.parametrize("sent", [CSV, NPY, JSON])
@pytest.mark.parametrize("wanted", [CSV, NPY, JSON, None, "*/*", f"text/html, {CSV};q=0.5"])
def test_every_format_has_the_same_bits(app: Flask, sent: str, wanted: str | None) -> None:
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


def test_one_row_may_be_returned_as_a_table(app: Flask) -> None:
    row = orjson.dumps(dict(zip(FEATURES, [0.5, 0.5, 0.5, 0.5], strict=True)))
    value = post(app, row, JSON).get_json()["prediction"]
    assert post(app, row, JSON, CSV).text == f"y,extrapolating\n{value!r},\n"
    assert np.load(io.BytesIO(post(app, row, JSON, NPY).data)).tolist() == [[value]]
