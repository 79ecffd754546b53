"""Answers' bytes: the bits of a prediction are the same on every way to it."""

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.formats import json_rows
from service.model.loaded_version import LoadedVersion
from service.model.prediction import predict_row, predict_rows
from service.web.errors import PredictionNotFinite
from tests.service.small_models import a_request, loaded_version, small_model


def one_row(version: LoadedVersion, row: list[float]) -> dict[str, Any]:
    """The response to one row."""
    body = json_rows.one_row(version, *predict_row(version, row, a_request()))
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


@pytest.mark.parametrize("version", [ONE, TWO], ids=["one target", "two targets"])
@given(rows=ROWS)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_row_is_answered_alike_alone_and_among_others(
    version: LoadedVersion, rows: list[list[float]]
) -> None:
    together = many_rows(version, rows)
    alone = [one_row(version, row) for row in rows]
    assert together["predictions"] == [answer["prediction"] for answer in alone]
    assert together["extrapolating"] == [
        [row, name] for row, answer in enumerate(alone) for name in answer["extrapolating"]
    ]
    assert {answer["version"] for answer in alone} == {together["version"]} == {"7"}


@given(rows=ROWS)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_an_answer_carries_the_whole_double(rows: list[list[float]]) -> None:
    expected = ONE.model.predict(rows)[:, 0]
    got = np.array(many_rows(ONE, rows)["predictions"])
    assert got.tobytes() == expected.tobytes()


def test_rows_whose_predictions_overflow_are_refused() -> None:
    version = loaded_version(small_model(activation="relu", gain=1e10))
    far = [1e305, -1e305, 1e305, -1e305]
    with pytest.raises(PredictionNotFinite) as refused:
        one_row(version, far)
    assert [error["pointer"] for error in refused.value.errors] == [""]
    with pytest.raises(PredictionNotFinite) as refused:
        many_rows(version, [[0.0] * 4, far, [0.0] * 4])
    assert [error["pointer"] for error in refused.value.errors] == ["/instances/1"]
    assert refused.value.rows == [1]
