"""Answers' bytes: the bits of a prediction are the same on every way to it."""

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry import Promotion
from service.formats.json_rows import many_rows, one_row, predictions
from service.model.current_version import Served
from service.model.row_reader import Inputs
from service.web.errors import InvalidInput
from tests.service.small_models import small_model


def served(*targets: str, activation: str = "tanh", gain: float = 1.0) -> Served:
    model = small_model(targets=targets, activation=activation, gain=gain)
    promotion = Promotion(1, 7, None, "", "", "", "")
    return Served("7", Inputs(model), {}, promotion)


def answered(version: Served, rows: list[list[float]]) -> dict[str, Any]:
    """The answer to many rows, written five at a time."""
    X = np.array(rows)
    parts = many_rows(version, predictions(version, X), version.inputs.model.outside(X), 5)
    document: dict[str, Any] = orjson.loads(b"".join(parts))
    return document


ONE, TWO = served("y"), served("y", "z")
NUMBERS = st.floats(-2.0, 2.0) | st.floats(-1e9, 1e9)
ROWS = st.lists(st.lists(NUMBERS, min_size=4, max_size=4), min_size=1, max_size=40)


@pytest.mark.parametrize("version", [ONE, TWO], ids=["one target", "two targets"])
@given(rows=ROWS)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_row_is_answered_alike_alone_and_among_others(
    version: Served, rows: list[list[float]]
) -> None:
    together = answered(version, rows)
    alone = [orjson.loads(one_row(version, row)[0]) for row in rows]
    assert together["predictions"] == [answer["prediction"] for answer in alone]
    assert together["extrapolating"] == [
        [row, name] for row, answer in enumerate(alone) for name in answer["extrapolating"]
    ]
    assert {answer["version"] for answer in alone} == {together["version"]} == {"7"}


@given(rows=ROWS)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_an_answer_carries_the_whole_double(rows: list[list[float]]) -> None:
    expected = ONE.inputs.model.predict(rows)[:, 0]
    got = np.array(answered(ONE, rows)["predictions"])
    assert got.tobytes() == expected.tobytes()


def test_predictions_that_are_not_finite_are_refused_by_row() -> None:
    version = served("y", activation="relu", gain=1e10)
    far = [1e305, -1e305, 1e305, -1e305]
    with pytest.raises(InvalidInput) as refused:
        one_row(version, far)
    assert [error["pointer"] for error in refused.value.errors] == [""]
    with pytest.raises(InvalidInput) as refused:
        predictions(version, np.array([[0.0] * 4, far, [0.0] * 4]))
    assert [error["pointer"] for error in refused.value.errors] == ["/instances/1"]
