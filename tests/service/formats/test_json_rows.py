"""JSON responses: a prediction has the same bits on every path."""

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.formats import json_rows
from service.model.loaded_version import LoadedVersion
from service.model.prediction import predict_row, predict_rows
from tests.service.small_models import a_request, loaded_version, small_model


def one_row(version: LoadedVersion, row: list[float]) -> dict[str, Any]:
    """The response to one row."""
    body = json_rows.one_row(version, predict_row(version, row, a_request()))
    document: dict[str, Any] = orjson.loads(body)
    return document


def many_rows(version: LoadedVersion, rows: list[list[float]]) -> dict[str, Any]:
    """The response to many rows, written five at a time."""
    prediction = predict_rows(version, np.array(rows), a_request())
    parts = json_rows.many_rows(prediction, rows_at_a_time=5)
    document: dict[str, Any] = orjson.loads(b"".join(parts))
    return document


ONE = loaded_version(small_model())
TWO = loaded_version(small_model(targets=("y", "z")))
NUMBERS = st.floats(-2.0, 2.0) | st.floats(-1e9, 1e9)
ROWS = st.lists(st.lists(NUMBERS, min_size=4, max_size=4), min_size=1, max_size=40)


@pytest.mark.slow
@pytest.mark.parametrize("version", [ONE, TWO], ids=["one target", "two targets"])
@given(rows=ROWS)
@settings(max_examples=100)
def test_row_has_the_same_values_alone_and_in_a_batch(
    version: LoadedVersion, rows: list[list[float]]
) -> None:
    together = many_rows(version, rows)
    alone = [one_row(version, row) for row in rows]
    assert together["predictions"] == [answer["prediction"] for answer in alone]
    assert together["extrapolating"] == [
        [row, name] for row, answer in enumerate(alone) for name in answer["extrapolating"]
    ]
    assert {answer["version"] for answer in alone} == {together["version"]} == {"7"}


@pytest.mark.slow
@given(rows=ROWS)
@settings(max_examples=100)
def test_response_has_the_exact_float64(rows: list[list[float]]) -> None:
    expected = ONE.model.predict(rows)[:, 0]
    got = np.array(many_rows(ONE, rows)["predictions"])
    assert got.tobytes() == expected.tobytes()
