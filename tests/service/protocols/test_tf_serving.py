"""TensorFlow Serving's API has the same predictions as `POST /predict`."""

from typing import Any

import numpy as np
import orjson
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from network import Model
from registry import Registry
from tests.service.conftest import MakeClient
from tests.service.small_models import FEATURES, publish, random_rows, serve, small_model

X = random_rows(7)
ROWS = X.tolist()
RECORDS = [dict(zip(FEATURES, row, strict=True)) for row in ROWS]
COLUMNS = {name: column.tolist() for name, column in zip(FEATURES, X.T, strict=True)}
PREDICT = "/v1/models/numnet:predict"


def post(app: Flask, body: Any, path: str = PREDICT, **arguments: Any) -> TestResponse:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return app.test_client().post(path, data=content, **arguments)


def refused(answer: TestResponse, status: int) -> str:
    """Return the message of an error, after checking its format."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/json"
    document: dict[str, str] = answer.get_json()
    assert list(document) == ["error"]
    assert answer.headers["X-Request-ID"]
    return document["error"]


@pytest.mark.parametrize(
    "body",
    [
        {"instances": ROWS},
        {"instances": RECORDS},
        {"signature_name": "serving_default", "instances": ROWS},
        {"signature_name": "", "instances": ROWS},
        {"inputs": ROWS},
        {"inputs": COLUMNS},
        {"inputs": {name: [[each] for each in column] for name, column in COLUMNS.items()}},
    ],
)
@pytest.mark.parametrize("path", [PREDICT, "/v1/models/numnet/versions/1:predict"])
@pytest.mark.parametrize("sent", [None, "application/json", "application/x-www-form-urlencoded"])
def test_every_layout_has_the_bits_of_predict(
    app: Flask, model: Model, body: dict[str, Any], path: str, sent: str | None
) -> None:
    answer = post(app, body, path, content_type=sent)
    assert answer.status_code == 200, answer.text
    key = "predictions" if "instances" in body else "outputs"
    assert answer.get_json() == {key: model.predict(X)[:, 0].tolist()}
    assert answer.headers["X-Model-Version"] == "1"


@pytest.mark.parametrize(
    "body",
    [
        {"instances": [1.0, 2.0, 5.0]},
        {"instances": [1, [2], {"x": 5}]},
        {"instances": [{"x": [1]}, {"x": 2}, [5]]},
        {"inputs": [1, 2, 5]},
        {"inputs": {"x": [1, [2], 5]}},
    ],
)
@pytest.mark.parametrize("path", [PREDICT, "/invocations"])
def test_row_of_one_feature_may_be_its_value(
    make_client: MakeClient, registry: Registry, body: dict[str, Any], path: str
) -> None:
    model = small_model(("x",))
    serve(registry, model)
    answer = make_client().post(path, json=body)
    assert answer.status_code == 200, answer.text
    [predictions] = answer.get_json().values()
    assert predictions == model.predict(np.array([[1.0], [2.0], [5.0]]))[:, 0].tolist()


@pytest.mark.parametrize("path", [PREDICT, "/invocations"])
def test_object_of_values_is_one_row(app: Flask, model: Model, path: str) -> None:
    answer = post(app, {"inputs": RECORDS[0]}, path, content_type="application/json")
    [predictions] = answer.get_json().values()
    assert predictions == model.predict(X[:1])[:, 0].tolist()
    message = {"error", "message"}
    wrong = post(app, {"inputs": RECORDS[0] | {"x1": "1"}}, path, content_type="application/json")
    assert wrong.status_code == 400
    [text] = [text for key, text in wrong.get_json().items() if key in message]
    assert "must be a finite number" in text


@pytest.mark.parametrize("rows", [[1.0, "x"], [1.0, None], [1.0, [1.0, 2.0]], [True]])
def test_wrong_value_of_one_feature_is_named(
    make_client: MakeClient, registry: Registry, rows: list[Any]
) -> None:
    serve(registry, small_model(("x",)))
    answer = make_client().post(PREDICT, json={"instances": rows})
    assert f"/instances/{len(rows) - 1}" in refused(answer, 400)


def test_several_targets_are_objects(make_client: MakeClient, registry: Registry) -> None:
    two = small_model(targets=("y", "z"))
    serve(registry, two)
    client = make_client()
    Y = two.predict(X)
    by_row = client.post(PREDICT, json={"instances": ROWS}).get_json()["predictions"]
    assert by_row == [{"y": y, "z": z} for y, z in Y.tolist()]
    by_column = client.post(PREDICT, json={"inputs": ROWS}).get_json()["outputs"]
    assert by_column == {"y": Y[:, 0].tolist(), "z": Y[:, 1].tolist()}


def test_path_may_name_a_version(make_client: MakeClient, registry: Registry) -> None:
    serve(registry, small_model())
    other = small_model(seed=5)
    publish(registry, other)  # version 2, which is not current
    client = make_client()
    answer = client.post("/v1/models/numnet/versions/2:predict", json={"instances": ROWS})
    assert answer.get_json()["predictions"] == other.predict(X)[:, 0].tolist()
    assert answer.headers["X-Model-Version"] == "2"


def test_status_and_metadata_describe_a_version(app: Flask) -> None:
    client = app.test_client()
    for path in ("/v1/models/numnet", "/v1/models/numnet/versions/1"):
        [status] = client.get(path).get_json()["model_version_status"]
        assert (status["version"], status["state"]) == ("1", "AVAILABLE")
        assert status["status"] == {"error_code": "OK", "error_message": ""}
        document = client.get(f"{path}/metadata").get_json()
        assert document["model_spec"] == {"name": "numnet", "signature_name": "", "version": "1"}
        signature = document["metadata"]["signature_def"]["signature_def"]["serving_default"]
        assert list(signature["inputs"]) == list(FEATURES)
        assert list(signature["outputs"]) == ["y"]
        assert signature["inputs"]["x1"]["dtype"] == "DT_DOUBLE"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "the body must be an object, got []"),
        ({}, "the body must have one of instances, inputs; got nothing"),
        ({"instances": ROWS, "inputs": ROWS}, "the body must have one of instances, inputs"),
        ({"signature_name": "other", "instances": ROWS}, 'signature_name is "other"; expected'),
        ({"signature_name": 0, "instances": ROWS}, "signature_name is 0; expected"),
        ({"instances": []}, "/instances must be a list of at least one row"),
        ({"instances": COLUMNS}, "/instances must be a list of at least one row"),
        ({"instances": [1.0]}, "/instances/0 must be an object or a list"),
        ({"instances": [[1, 2, 3, None]]}, "/instances/0/3 must be a finite number, got null"),
        ({"inputs": {"x1": [1.0]}}, 'column "x2" is missing'),
        (b"{", "the body is not JSON"),
        (b"", "the body is not JSON"),
    ],
)
def test_wrong_requests_have_the_error_format_of_the_protocol(
    app: Flask, body: Any, message: str
) -> None:
    assert message in refused(post(app, body), 400)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/models/other:predict", 404),
        ("POST", "/v1/models/numnet/versions/7:predict", 404),
        ("POST", "/v1/models/numnet/versions/one:predict", 404),
        ("GET", "/v1/models/other", 404),
        ("GET", "/v1/models/numnet/versions/7", 404),
        ("GET", "/v1/models/numnet/versions/7/metadata", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1", 404),
        ("GET", PREDICT, 405),
        ("PUT", PREDICT, 405),
        ("POST", "/v1/models/numnet:regress", 501),
        ("POST", "/v1/models/numnet/versions/1:classify", 501),
    ],
)
def test_missing_models_and_versions_have_the_error_format_of_the_protocol(
    app: Flask, method: str, path: str, status: int
) -> None:
    refused(app.test_client().open(path, method=method, json={"instances": ROWS}), status)


@pytest.mark.parametrize("verb", ["predict", "classify", "regress"])
@pytest.mark.parametrize("path", ["/v1/models/numnet", "/v1/models/numnet/versions/1"])
def test_unsupported_method_is_405_with_an_allow_header(app: Flask, path: str, verb: str) -> None:
    client = app.test_client()
    for method in ("GET", "PUT", "HEAD"):
        answer = client.open(f"{path}:{verb}", method=method)
        assert answer.status_code == 405
        assert set(answer.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
    answer = client.post(path)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_without_a_model_predict_is_503(make_client: MakeClient) -> None:
    client = make_client()
    answer = client.post(PREDICT, json={"instances": ROWS})
    assert "there is no version yet" in refused(answer, 503)
    assert answer.headers["Retry-After"]
    refused(client.get("/v1/models/numnet"), 503)
