"""Intervals whose width differs from row to row, and unfamiliar rows, in every format."""

import csv
import io
from typing import Any

import numpy as np
import orjson
import pytest
from flask.testing import FlaskClient

from network import Array, Calibration, Ensemble
from registry import Registry
from service.api.one_row import PlainRow
from service.services import services_of
from tests.random_ensembles import FEATURES, make_ensemble, make_error_scale, make_familiarity
from tests.service.small_models import a_request, serve, small_model

CSV, NPY, JSON = "text/csv", "application/x-npy", "application/json"
NAMES = [f"x{k + 1}" for k in range(FEATURES)]
X = 2.0 * np.random.default_rng(3).normal(size=(25, FEATURES))
INSTANCES = {"instances": X.tolist()}
RESIDUALS = np.random.default_rng(4).exponential(size=(60, 2)) - 0.5
CALIBRATION = Calibration.of(np.zeros_like(RESIDUALS), RESIDUALS, signed=True)


def ensemble() -> Ensemble:
    return make_ensemble(2, error_scale=make_error_scale(2), familiarity=make_familiarity())


@pytest.fixture
def client_of_ensemble(registry: Registry, client: FlaskClient) -> FlaskClient:
    """A client of an ensemble that knows the sizes of its errors, and familiar rows."""
    serve(registry, ensemble(), CALIBRATION)
    return client


def expected_ends(level: float) -> tuple[Array, Array]:
    assessment = ensemble().assess(X, scale=True)
    assert assessment.scale is not None
    lower, upper = CALIBRATION.offsets(level)
    return assessment.Y + lower * assessment.scale, assessment.Y + upper * assessment.scale


def unfamiliar() -> list[bool]:
    found = ensemble().assess(X).unfamiliar
    assert found is not None
    assert 0 < found.sum() < len(X)
    flags: list[bool] = found.tolist()
    return flags


def ask(client: FlaskClient, body: Any, query: str = "", **headers: str) -> Any:
    return client.post("/predict", json=body, query_string=query, headers=headers)


def test_the_width_of_intervals_differs_from_row_to_row(client_of_ensemble: FlaskClient) -> None:
    answer = ask(client_of_ensemble, INSTANCES, "interval=0.9").get_json()
    for name, expected in zip(("lower", "upper"), expected_ends(0.9), strict=True):
        got = [[row[target] for target in ("y1", "y2")] for row in answer[name]]
        assert np.array(got).tobytes() == expected.tobytes()
    widths = expected_ends(0.9)[1] - expected_ends(0.9)[0]
    assert widths.max() > 1.5 * widths.min()


def test_one_row_has_the_bits_of_many(client_of_ensemble: FlaskClient) -> None:
    many = ask(client_of_ensemble, INSTANCES, "interval=0.8").get_json()
    for index, values in enumerate(X.tolist()):
        row = dict(zip(NAMES, values, strict=True))
        one = ask(client_of_ensemble, row, "interval=0.8").get_json()
        assert one["lower"] == many["lower"][index]
        assert one["upper"] == many["upper"][index]
        assert one["unfamiliar"] is (index in many["unfamiliar"])


def test_the_fast_path_has_the_same_bytes(client_of_ensemble: FlaskClient) -> None:
    fast = PlainRow(services_of(client_of_ensemble.application).models)
    for values in X[:5].tolist():
        body = orjson.dumps(dict(zip(NAMES, values, strict=True)))
        slow = client_of_ensemble.post("/predict?interval=0.9", data=body, content_type=JSON)
        context = a_request()
        context.method, context.path = "POST", "/predict"
        answer = fast.answer(context, b"interval=0.9", {b"content-type": b"application/json"}, body)
        assert answer is not None
        assert answer[1] == slow.data


def test_rows_unlike_those_of_training_are_listed(client_of_ensemble: FlaskClient) -> None:
    answer = ask(client_of_ensemble, INSTANCES).get_json()
    assert answer["unfamiliar"] == np.flatnonzero(unfamiliar()).tolist()


def test_tables_have_the_ends_and_the_unfamiliar_rows(client_of_ensemble: FlaskClient) -> None:
    answer = ask(client_of_ensemble, INSTANCES, "interval=0.9", Accept=CSV)
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert list(lines[0])[-2:] == ["extrapolating", "unfamiliar"]
    assert [line["unfamiliar"] == "true" for line in lines] == unfamiliar()
    assert {line["unfamiliar"] for line in lines} == {"true", "false"}
    lower, _ = expected_ends(0.9)
    assert [float(line["y2_lower"]) for line in lines] == lower[:, 1].tolist()
    assert answer.headers["X-Unfamiliar-Rows"] == str(sum(unfamiliar()))
    array = np.load(io.BytesIO(ask(client_of_ensemble, INSTANCES, "interval=0.9", Accept=NPY).data))
    assert array[:, 4].tobytes() == lower[:, 1].tobytes()


def test_tensors_have_the_ends_and_the_number_of_unfamiliar_rows(
    client_of_ensemble: FlaskClient,
) -> None:
    body = {
        "inputs": [{"name": "input", "datatype": "FP64", "shape": [*X.shape], "data": X.tolist()}],
        "outputs": [{"name": "y1"}, {"name": "lower"}, {"name": "upper"}],
    }

    answer = client_of_ensemble.post("/v2/models/numnet/infer", json=body)
    assert answer.status_code == 200, answer.text
    document = answer.get_json()
    assert document["parameters"]["unfamiliar_rows"] == sum(unfamiliar())
    outputs = {tensor["name"]: tensor for tensor in document["outputs"]}
    for name, expected in zip(("lower", "upper"), expected_ends(0.9), strict=True):
        assert outputs[name]["data"] == expected.ravel().tolist()


def test_a_version_that_cannot_tell_says_nothing_of_unfamiliar_rows(
    registry: Registry, client: FlaskClient
) -> None:
    serve(registry, small_model(("x1", "x2", "x3")))
    row = dict(zip(NAMES, X[0].tolist(), strict=True))
    for body in (row, INSTANCES):
        assert "unfamiliar" not in ask(client, body).get_json()
    answer = ask(client, INSTANCES, Accept=CSV)
    assert "unfamiliar" not in answer.text.splitlines()[0]
    assert "X-Unfamiliar-Rows" not in answer.headers
