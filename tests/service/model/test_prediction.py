"""The predict step: what it returns, and what it notes in the request's context."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from network import Column, Encoding, Predictor
from network.encoding import COSINE, SCALED, SINE
from registry import Registry
from service.model.current_version import CurrentVersion
from service.model.prediction import choose_version, predict_row, predict_rows
from service.model.served_model import ServedModel
from service.model.version_cache import VersionCache
from service.telemetry.telemetry import Telemetry
from service.web.errors import PredictionNotFinite
from tests.random_ensembles import make_ensemble
from tests.service.small_models import (
    DAY,
    a_request,
    loaded_version,
    publish,
    serve,
    small_model,
)

VERSION = loaded_version(small_model())
INSIDE, OUTSIDE = [0.5, 0.0, -0.5, 1.0], [9.0, 0.0, 0.0, -9.0]


def test_chosen_version_is_noted(registry: Registry, telemetry: Telemetry) -> None:
    serve(registry, small_model())
    publish(registry, small_model(seed=1))
    current_version = CurrentVersion(registry, telemetry.meter)
    versions = VersionCache(registry, current_version)
    model = ServedModel("pump", registry, current_version, versions)
    for number, expected in ((None, "1"), ("2", "2")):
        context = a_request()
        assert choose_version(model, context, number).number == expected
        assert (context.model, context.version) == ("pump", expected)


def test_rows_and_values_out_of_range_are_noted() -> None:
    context = a_request()
    prediction = predict_rows(VERSION, np.array([INSIDE, OUTSIDE, OUTSIDE]), context)
    assert prediction.Y.tolist() == VERSION.model.predict([INSIDE, OUTSIDE, OUTSIDE]).tolist()
    assert prediction.extrapolating_rows == 2
    assert context.rows == 3
    assert context.out_of_range == {"x1": 2, "x2": 0, "x3": 0, "x4": 2}


def test_one_row_is_noted_in_the_same_way() -> None:
    context = a_request()
    prediction = predict_row(VERSION, OUTSIDE, context)
    assert prediction.y == VERSION.model.predict([OUTSIDE])[0].tolist()
    assert prediction.out_of_range == ["x1", "x4"]
    assert (context.rows, context.out_of_range) == (1, {"x1": 1, "x4": 1})


YEAR = 365.25
DATES: dict[str, Any] = {
    "columns": (Column("Date", "datetime"), Column("Used", "datetime"), Column("size")),
    "feature_range": np.array([[DAY, DAY, -1.0], [DAY + 365.0, DAY + 365.0, 1.0]]),
    "encoding": Encoding.of(
        3,
        [
            (0, SINE, DAY, 7.0),
            (1, COSINE, DAY, YEAR),
            (1, SCALED, DAY, YEAR),
            (2, SCALED, 0.0, 1.0),
        ],
    ),
}
DATED: dict[str, Predictor] = {
    "network": replace(small_model(), **DATES),
    "ensemble": make_ensemble(**DATES),
}


@pytest.mark.parametrize("kind", DATED)
def test_dates_whose_trend_is_not_used_are_never_out_of_range(kind: str) -> None:
    version, later = loaded_version(DATED[kind]), DAY + 400.0
    rows = np.array([[later, DAY, 0.0], [DAY - 1.0, later, 9.0], [later, np.nan, 0.0]])
    assert predict_rows(version, rows, a_request()).out_of_range.tolist() == [
        [False, False, False],
        [False, True, True],
        [False, False, False],
    ]
    found = [predict_row(version, row, a_request()).out_of_range for row in rows.tolist()]
    assert found == [[], ["Used", "size"], []]


def test_without_values_out_of_range_none_are_noted() -> None:
    context = a_request()
    predict_rows(VERSION, np.array([INSIDE]), context)
    predict_row(VERSION, INSIDE, context)
    assert context.out_of_range is None


def test_predictions_that_overflow_are_refused_and_not_noted() -> None:
    version = loaded_version(small_model(activation="relu", gain=1e10))
    far, context = [1e305, -1e305, 1e305, -1e305], a_request()
    with pytest.raises(PredictionNotFinite) as refused:
        predict_row(version, far, context)
    assert [error["pointer"] for error in refused.value.errors] == [""]
    with pytest.raises(PredictionNotFinite) as refused:
        predict_rows(version, np.array([INSIDE, far, INSIDE]), context)
    assert [error["pointer"] for error in refused.value.errors] == ["/instances/1"]
    assert refused.value.rows == [1]
    assert context.rows is None
