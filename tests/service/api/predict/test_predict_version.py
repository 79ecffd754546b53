"""`POST /predict?version=V`: predictions of a version that need not be the current one."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from registry import Registry
from tests.service.problem_shape import assert_problem
from tests.service.small_models import publish, random_rows, serve, small_model, some_calibration

ONE, TWO = small_model(seed=1), small_model(seed=2)
X = random_rows(5)


@pytest.fixture
def two_versions(client: FlaskClient, registry: Registry) -> FlaskClient:
    """Return the client of a service that serves version 2 of two."""
    publish(registry, ONE, some_calibration())
    serve(registry, TWO)
    return client


def ask(client: FlaskClient, query: str, **arguments: Any) -> Any:
    return client.post("/predict", json={"instances": X.tolist()}, query_string=query, **arguments)


def refused(answer: Any, status: int, slug: str) -> dict[str, Any]:
    """Check a problem document, and return it."""
    type_ = f"/problems/{slug}"
    headers = dict(answer.headers)
    return assert_problem(answer.status_code, answer.data, headers, expected=status, type_=type_)


@pytest.mark.parametrize(("query", "version"), [("version=1", "1"), ("version=2", "2"), ("", "2")])
def test_the_version_of_the_query_predicts(
    two_versions: FlaskClient, query: str, version: str
) -> None:
    model = {"1": ONE, "2": TWO}[version]
    answer = ask(two_versions, query).get_json()
    assert answer["version"] == version
    assert answer["predictions"] == model.predict(X)[:, 0].tolist()
    one = two_versions.post(
        "/predict", json=dict(zip(model.features, X[0].tolist(), strict=True)), query_string=query
    ).get_json()
    assert (one["version"], one["prediction"]) == (version, answer["predictions"][0])


def test_tables_and_intervals_are_of_the_version(two_versions: FlaskClient) -> None:
    table = ask(two_versions, "version=1&interval=0.5", headers={"Accept": "text/csv"})
    assert table.headers["X-Model-Version"] == "1"
    assert table.text.startswith("y,y_lower,y_upper,extrapolating\n")
    refused(ask(two_versions, "version=2&interval=0.5"), 409, "no-intervals")


@pytest.mark.parametrize("version", ["9", "0", "01", "-1", "x", ""])
def test_an_unknown_version_is_not_found(two_versions: FlaskClient, version: str) -> None:
    refused(ask(two_versions, f"version={version}"), 404, "not-found")


def test_a_version_is_given_once(two_versions: FlaskClient) -> None:
    problem = refused(ask(two_versions, "version=1&version=2"), 422, "invalid-input")
    assert problem["errors"] == [{"parameter": "version", "detail": "must be given once"}]
