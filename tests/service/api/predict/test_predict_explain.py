"""`POST /predict?explain=true`: explanations in every format."""

import csv
import io
import math
from typing import Any

import numpy as np
import orjson
import pytest
from flask.testing import FlaskClient

from network import Explainer, Predictor
from registry import Registry
from service.formats import json_rows
from service.model.prediction import predict_rows
from tests.random_ensembles import make_ensemble
from tests.service.problem_shape import assert_problem
from tests.service.small_models import (
    FEATURES,
    a_request,
    loaded_version,
    random_rows,
    serve,
    small_model,
    some_calibration,
    table_model,
)

CSV, NPY, JSON = "text/csv", "application/x-npy", "application/json"
X = random_rows(12)
ONE, TWO = small_model(), small_model(targets=("y", "z"))
PARTS = ("contributions", "sensitivities")


def ask(
    client: FlaskClient, body: Any = None, query: str = "explain=true", accept: str = JSON
) -> Any:
    """Post a body, by default all of X."""
    content = orjson.dumps({"instances": X.tolist()} if body is None else body)
    headers = {"Accept": accept}
    return client.post(
        "/predict", data=content, query_string=query, content_type=JSON, headers=headers
    )


@pytest.mark.parametrize("model", [ONE, TWO], ids=["one target", "two targets"])
def test_contributions_add_up_to_the_difference_from_the_baseline(
    client: FlaskClient, registry: Registry, model: Predictor
) -> None:
    serve(registry, model, some_calibration(targets=len(model.targets)))
    plain = ask(client, query="").get_json()
    found = ask(client).get_json()
    assert {name: found[name] for name in plain} == plain
    expected = Explainer(model).explain(X, model.predict(X))
    for row, prediction in enumerate(found["predictions"]):
        for place, target in enumerate(model.targets):
            several = len(model.targets) > 1
            y = prediction[target] if several else prediction
            baseline = found["baseline"][target] if several else found["baseline"]
            by_part = {
                name: found[name][row][target] if several else found[name][row] for name in PARTS
            }
            for name, values in by_part.items():
                exact = getattr(expected, name)[row, place].tolist()
                assert values == dict(zip(FEATURES, exact, strict=True))
            total = math.fsum(by_part["contributions"].values())
            assert total == pytest.approx(y - baseline, abs=1e-9)


def test_one_row_has_the_same_explanation_as_many(client: FlaskClient, registry: Registry) -> None:
    serve(registry, ONE, some_calibration())
    many = ask(client, query="explain=true&interval=0.9").get_json()
    for index, values in enumerate(X.tolist()):
        row = dict(zip(FEATURES, values, strict=True))
        one = ask(client, row, "interval=0.9&explain=true").get_json()
        assert list(one) == [
            *("prediction", "lower", "upper", "level", "baseline", *PARTS),
            *("version", "extrapolating"),
        ]
        assert [one[name] for name in PARTS] == [many[name][index] for name in PARTS]
        assert one["baseline"] == many["baseline"]


@pytest.mark.parametrize("model", [ONE, TWO], ids=["one target", "two targets"])
def test_tables_have_columns_with_the_same_explanations(
    client: FlaskClient, registry: Registry, model: Predictor
) -> None:
    serve(registry, model, some_calibration(targets=len(model.targets)))
    query = "explain=true&interval=0.9"
    found = ask(client, query=query).get_json()
    lines = list(csv.DictReader(io.StringIO(ask(client, query=query, accept=CSV).text)))
    array = np.load(io.BytesIO(ask(client, query=query, accept=NPY).data))
    names = list(lines[0])
    assert names.pop() == "extrapolating"
    assert array.tolist() == [[float(line[name]) for name in names] for line in lines]
    for row, line in enumerate(lines):
        for target in model.targets:
            several = len(model.targets) > 1
            for part, column in zip(PARTS, ("contribution", "sensitivity"), strict=True):
                values = found[part][row][target] if several else found[part][row]
                for name, value in values.items():
                    assert float(line[f"{target}_{column}_{name}"]) == value
            baseline = found["baseline"][target] if several else found["baseline"]
            assert float(line[f"{target}_baseline"]) == baseline


def test_ensembles_are_explained(client: FlaskClient, registry: Registry) -> None:
    model = make_ensemble()
    serve(registry, model, some_calibration())
    row = dict(zip(model.features, [0.1, 0.2, 0.3], strict=True))
    document = ask(client, row).get_json()
    total = math.fsum(document["contributions"].values())
    assert total == pytest.approx(document["prediction"] - document["baseline"], abs=1e-9)


def test_slopes_of_categories_and_missing_cells_are_null(
    client: FlaskClient, registry: Registry
) -> None:
    serve(registry, table_model())
    row = {"size": None, "colour": "red", "new": True, "sold": "2024-05-31"}
    document = ask(client, row).get_json()
    slopes = document["sensitivities"]
    assert [name for name, slope in slopes.items() if slope is None] == ["size", "colour", "new"]
    total = math.fsum(document["contributions"].values())
    assert total == pytest.approx(document["prediction"] - document["baseline"], abs=1e-9)
    [line] = csv.DictReader(io.StringIO(ask(client, row, accept=CSV).text))
    assert line["y_sensitivity_colour"] == ""
    assert float(line["y_sensitivity_sold"]) == slopes["sold"]


@pytest.mark.parametrize("rows_at_a_time", [1, 5, 12, 100])
def test_parts_join_to_the_whole(rows_at_a_time: int) -> None:
    prediction = predict_rows(loaded_version(TWO), X, a_request(), explain=True)
    parts = list(json_rows.many_rows(prediction, rows_at_a_time=rows_at_a_time))
    assert b"".join(parts) == b"".join(json_rows.many_rows(prediction))


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("explain=1", 'must be true or false, got "1"'),
        ("explain=", 'must be true or false, got ""'),
        ("explain=true&explain=true", "must be given once"),
    ],
)
def test_wrong_values_are_refused(
    client: FlaskClient, registry: Registry, query: str, detail: str
) -> None:
    serve(registry, ONE)
    answer = ask(client, query=query)
    document = assert_problem(422, answer.data, dict(answer.headers), expected=422)
    assert document["errors"] == [{"parameter": "explain", "detail": detail}]
    assert ask(client, query="explain=false").data == ask(client, query="").data
