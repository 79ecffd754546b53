"""`POST /predict?interval=`: prediction intervals in every format."""

import csv
import io
from typing import Any

import numpy as np
import orjson
import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from network import Calibration
from network.conformal import MAX_SCORE
from registry import Registry
from service.formats import json_rows
from service.model.prediction import Prediction, predict_row, predict_rows
from service.model.prediction_interval import Interval
from service.services import services_of
from service.web.responses import ROWS_AT_A_TIME
from tests.service.formats.test_json_rows import ONE, ROWS, TWO
from tests.service.problem_shape import assert_problem
from tests.service.small_models import (
    FEATURES,
    a_request,
    promote,
    publish,
    random_rows,
    serve,
    small_model,
    some_calibration,
)

CSV, NPY, JSON = "text/csv", "application/x-npy", "application/json"
X = random_rows(25)
ROW = dict(zip(FEATURES, X[0].tolist(), strict=True))
CALIBRATION = some_calibration()
[Q] = CALIBRATION.half_widths(0.9)
MOST = "level must be at most 0.9756, as the model was calibrated on 40 rows"
BOTH = some_calibration(targets=2)


@pytest.fixture
def calibrated(registry: Registry, client: FlaskClient) -> FlaskClient:
    """A client of a model with one target, calibrated on 40 rows."""
    serve(registry, small_model(), CALIBRATION)
    return client


@pytest.fixture
def two_targets(registry: Registry, client: FlaskClient) -> FlaskClient:
    """A client of a model with two targets."""
    serve(registry, small_model(targets=("y", "z")), BOTH)
    return client


def ask(client: FlaskClient, body: Any = None, query: str = "interval=0.9", **headers: str) -> Any:
    """Post a body, by default all of X."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = orjson.dumps({"instances": X.tolist()} if body is None else body)
    return client.post(
        "/predict", data=content, query_string=query, content_type=JSON, headers=named
    )


def refused(answer: TestResponse, status: int = 422) -> dict[str, Any]:
    return assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=status)


def test_one_row_with_interval_has_both_ends_and_the_level(calibrated: FlaskClient) -> None:
    y = ask(calibrated, ROW, "").get_json()["prediction"]
    assert list(ask(calibrated, ROW).get_json().items()) == [
        ("prediction", y),
        ("lower", y - Q),
        ("upper", y + Q),
        ("level", 0.9),
        ("version", "1"),
        ("extrapolating", ask(calibrated, ROW, "").get_json()["extrapolating"]),
    ]


def test_many_rows_with_interval_have_lists_of_ends(calibrated: FlaskClient) -> None:
    plain = ask(calibrated, query="").get_json()
    assert ask(calibrated).get_json() == plain | {
        "lower": [y - Q for y in plain["predictions"]],
        "upper": [y + Q for y in plain["predictions"]],
        "level": 0.9,
    }


def test_ends_of_several_targets_are_objects(two_targets: FlaskClient) -> None:
    q = dict(zip("yz", BOTH.half_widths(0.5).tolist(), strict=True))
    one = ask(two_targets, ROW, "interval=0.5").get_json()
    many = ask(two_targets, query="interval=0.5").get_json()
    for name in "yz":
        assert one["lower"][name] == one["prediction"][name] - q[name]
        assert one["upper"][name] == one["prediction"][name] + q[name]
        for row, y in enumerate(many["predictions"]):
            assert many["lower"][row][name] == y[name] - q[name]
            assert many["upper"][row][name] == y[name] + q[name]


@pytest.mark.parametrize("targets", [1, 2])
@given(rows=ROWS, level=st.floats(0.001, 0.97))
@settings(max_examples=50)
def test_ends_have_the_same_bits_alone_and_in_a_batch(
    rows: list[list[float]], level: float, targets: int
) -> None:
    version = [ONE, TWO][targets - 1]
    interval = Interval.of_level(some_calibration(targets=targets), level)
    prediction = predict_rows(version, np.array(rows), a_request())
    parts = list(json_rows.many_rows(prediction, interval, rows_at_a_time=5))
    together = orjson.loads(b"".join(parts))
    alone = [
        orjson.loads(json_rows.one_row(version, predict_row(version, row, a_request()), interval))
        for row in rows
    ]
    for many, one in (("predictions", "prediction"), ("lower", "lower"), ("upper", "upper")):
        assert together[many] == [answer[one] for answer in alone]
    assert together["level"] == level
    assert len(parts) > 3 * (len(rows) // 5)  # not all at once


def test_ends_of_finite_predictions_are_finite() -> None:
    widest = Interval.of_level(Calibration(np.full((40, 1), MAX_SCORE)), 0.9)
    Y = np.finfo(np.float64).max * np.array([[-1.0], [1.0]])
    prediction = Prediction(ONE, Y, np.zeros((2, 4), dtype=bool))
    assert np.isfinite(widest.with_ends(prediction, slice(None))).all()


def test_csv_response_has_a_column_per_end(two_targets: FlaskClient) -> None:
    answer = ask(two_targets, Accept=CSV)
    expected = ask(two_targets).get_json()
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert list(lines[0]) == [
        *("y", "y_lower", "y_upper", "z", "z_lower", "z_upper"),
        "extrapolating",
    ]
    for row, line in enumerate(lines):
        for name in "yz":
            assert float(line[name]) == expected["predictions"][row][name]
            assert float(line[f"{name}_lower"]) == expected["lower"][row][name]
            assert float(line[f"{name}_upper"]) == expected["upper"][row][name]


def test_npy_response_has_three_columns_per_target(two_targets: FlaskClient) -> None:
    expected = ask(two_targets).get_json()
    array = np.load(io.BytesIO(ask(two_targets, Accept=NPY).data), allow_pickle=False)
    assert (array.shape, array.dtype) == ((25, 6), np.float64)
    named = ("predictions", "lower", "upper")
    for column, (target, member) in enumerate((each, name) for each in "yz" for name in named):
        assert array[:, column].tolist() == [row[target] for row in expected[member]]


def test_one_row_may_be_returned_as_a_table(calibrated: FlaskClient) -> None:
    y = ask(calibrated, ROW).get_json()["prediction"]
    assert np.load(io.BytesIO(ask(calibrated, ROW, Accept=NPY).data)).tolist() == [
        [y, y - Q, y + Q]
    ]


def test_csv_and_npy_requests_may_ask_for_intervals(calibrated: FlaskClient) -> None:
    file = io.BytesIO()
    np.save(file, X)
    lines = [",".join(FEATURES), *(",".join(map(repr, row)) for row in X.tolist())]
    for body, kind in ((file.getvalue(), NPY), ("\n".join(lines).encode(), CSV)):
        answer = calibrated.post("/predict?interval=0.9", data=body, content_type=kind)
        assert answer.get_json() == ask(calibrated).get_json()


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [CSV, NPY])
def test_long_response_is_streamed(calibrated: FlaskClient, wanted: str) -> None:
    rows = np.tile(X, (ROWS_AT_A_TIME // len(X) + 2, 1))
    body = {"instances": rows.tolist()}
    answer = calibrated.post(
        "/predict?interval=0.9", json=body, headers={"Accept": wanted}, buffered=False
    )
    assert answer.is_streamed
    assert len([chunk for chunk in answer.response if chunk]) > 2


@pytest.mark.parametrize("text", ["0.9", ".9", "9e-1", "0.90", "%2B0.9", " 0.9"])
def test_level_may_be_any_decimal_number(calibrated: FlaskClient, text: str) -> None:
    assert (
        ask(calibrated, ROW, f"interval={text}").get_json()["upper"]
        == (ask(calibrated, ROW).get_json()["upper"])
    )


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("interval=abc", 'must be a finite number, got "abc"'),
        ("interval=", 'must be a finite number, got ""'),
        ("interval", 'must be a finite number, got ""'),
        ("interval=nan", 'must be a finite number, got "nan"'),
        ("interval=1e999", "must be a finite number, got inf"),
        ("interval=0_9", 'must be a finite number, got "0_9"'),
        ("interval=true", 'must be a finite number, got "true"'),
        ("interval=90%25", 'must be a finite number, got "90%"'),
        ("interval=0", "must be above 0 and below 1, got 0.0"),
        ("interval=1", "must be above 0 and below 1, got 1.0"),
        ("interval=90", "must be above 0 and below 1, got 90.0"),
        ("interval=-0.5", "must be above 0 and below 1, got -0.5"),
        ("interval=0.9&interval=0.9", "must be given once"),
        ("interval=0.98", f"is too high for version 1: {MOST}"),
    ],
)
def test_wrong_level_is_422(calibrated: FlaskClient, query: str, detail: str) -> None:
    for body in (ROW, None):
        document = refused(ask(calibrated, body, query))
        assert document["errors"] == [{"parameter": "interval", "detail": detail}]


def test_highest_level_is_accepted(calibrated: FlaskClient) -> None:
    for level in (0.9756, 40 / 41):
        document = ask(calibrated, ROW, f"interval={level!r}").get_json()
        assert document["upper"] - document["prediction"] == pytest.approx(CALIBRATION.scores[-1])


def test_wrong_row_with_interval_is_422(calibrated: FlaskClient) -> None:
    assert refused(ask(calibrated, {**ROW, "x1": "a"}))["errors"][0]["pointer"] == "/x1"
    assert refused(ask(calibrated, ROW, "interval=0.9&other=1"))["errors"] == [
        {"parameter": "other", "detail": "is not a query parameter"}
    ]


def test_interval_of_a_version_without_calibration_is_409(calibrated: FlaskClient) -> None:
    registry = services_of(calibrated.application).models.default.registry
    promote(registry, publish(registry, small_model()))
    for body in (ROW, None):
        document = refused(ask(calibrated, body), 409)
        assert document["type"] == "/problems/no-intervals"
        assert document["detail"].startswith("version 2 was published without residual scores")
    assert ask(calibrated, ROW, "").status_code == 200
    assert refused(ask(calibrated, ROW, "interval=2"))["errors"][0]["parameter"] == "interval"


def test_promotion_changes_the_width_of_the_next_interval(calibrated: FlaskClient) -> None:
    registry = services_of(calibrated.application).models.default.registry
    before = ask(calibrated, ROW).get_json()
    serve(registry, small_model(), Calibration(2 * CALIBRATION.scores))
    after = ask(calibrated, ROW).get_json()
    assert after["prediction"] == before["prediction"]
    assert after["upper"] == after["prediction"] + 2 * Q


def test_openapi_document_has_the_highest_level(calibrated: FlaskClient) -> None:
    def level() -> dict[str, Any]:
        document = calibrated.get("/openapi.json").get_json()
        schema: dict[str, Any] = document["components"]["schemas"]["Level"]
        return schema

    assert level()["maximum"] == 40 / 41
    registry = services_of(calibrated.application).models.default.registry
    promote(registry, publish(registry, small_model()))
    assert "maximum" not in level()
    assert (level()["exclusiveMinimum"], level()["exclusiveMaximum"]) == (0, 1)
