"""`/v2`: the Open Inference Protocol's documents and errors."""

import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from config import VERSION
from network import Column, Model
from registry import Registry
from service.model.version_cache import VersionCache
from tests.service.conftest import MakeClient
from tests.service.small_models import (
    promote,
    publish,
    random_rows,
    serve,
    small_model,
    some_calibration,
    table_model,
)

MODEL = "/v2/models/numnet"
INFER = f"{MODEL}/infer"
X = random_rows(7)
JSON_LENGTH = "Inference-Header-Content-Length"


def json_request(rows: Any = X, **members: Any) -> bytes:
    array = np.asarray(rows)
    tensor = {"name": "input", "shape": array.shape, "datatype": "FP64", "data": array.ravel()}
    return orjson.dumps({"inputs": [tensor], **members}, option=orjson.OPT_SERIALIZE_NUMPY)


def binary_request(rows: Any = X, **members: Any) -> tuple[bytes, int]:
    """Return a body, and the size of its JSON."""
    content = np.asarray(rows).tobytes()
    parameters = {"binary_data_size": len(content)}
    tensor = {"name": "input", "shape": np.shape(rows), "datatype": "FP64"}
    document = orjson.dumps({"inputs": [tensor | {"parameters": parameters}], **members})
    return document + content, len(document)


def post(client: FlaskClient, path: str, body: bytes = b"", /, **headers: str) -> TestResponse:
    """Post without a Content-Type, like Triton's client."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, data=body, headers=named)


def refused(answer: TestResponse, status: int) -> str:
    """Return the message of an error, after checking its format."""
    assert answer.status_code == status, answer.data
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-ID"]
    document = json.loads(answer.data)
    assert document.keys() == {"error"}
    assert document["error"]
    assert isinstance(document["error"], str)
    return document["error"]


def predictions(answer: TestResponse) -> bytes:
    """Return the bytes of the only output of a JSON response."""
    assert answer.status_code == 200, answer.data
    return np.array(answer.get_json()["outputs"][0]["data"]).tobytes()


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_server_metadata(app: Flask, path: str) -> None:
    assert app.test_client().get(path).get_json() == {
        "name": "numnet",
        "version": VERSION,
        "extensions": [
            "binary_tensor_data",
            "model_configuration",
            "model_repository",
            "statistics",
        ],
    }


def test_model_metadata_and_configuration(registry: Registry, client: FlaskClient) -> None:
    for targets in (("y",), ("y", "z")):
        publish(registry, small_model(targets=targets))
    promote(registry, 1)
    features = ["x1", "x2", "x3", "x4"]
    assert client.get(MODEL).get_json() == {
        "name": "numnet",
        "versions": ["1", "2"],
        "platform": "numnet",
        "inputs": [
            {
                "name": "input",
                "datatype": "FP64",
                "shape": [-1, 4],
                "parameters": {"features": features},
            }
        ],
        "outputs": [{"name": "y", "datatype": "FP64", "shape": [-1, 1]}],
    }
    other = client.get(f"{MODEL}/versions/2").get_json()
    assert [each["name"] for each in other["outputs"]] == ["y", "z"]
    assert client.get(f"{MODEL}/versions/2/config").get_json() == {
        "name": "numnet",
        "platform": "numnet",
        "backend": "numnet",
        "version_policy": {"all": {}},
        "max_batch_size": 524_288,
        "input": [{"name": "input", "data_type": "TYPE_FP64", "dims": [4]}],
        "output": [
            {"name": "y", "data_type": "TYPE_FP64", "dims": [1]},
            {"name": "z", "data_type": "TYPE_FP64", "dims": [1]},
        ],
    }
    assert client.get(f"{MODEL}/config").get_json()["output"] == [
        {"name": "y", "data_type": "TYPE_FP64", "dims": [1]}
    ]


def test_metadata_has_the_ends_of_intervals_of_calibrated_versions(
    registry: Registry, client: FlaskClient
) -> None:
    serve(registry, small_model(targets=("y", "z")), some_calibration(targets=2))
    ends = [
        {"name": end, "datatype": "FP64", "shape": [-1, 2], "parameters": {"targets": ["y", "z"]}}
        for end in ("lower", "upper")
    ]
    assert client.get(MODEL).get_json()["outputs"][2:] == ends
    assert client.get(f"{MODEL}/config").get_json()["output"][2:] == [
        {"name": end, "data_type": "TYPE_FP64", "dims": [2]} for end in ("lower", "upper")
    ]
    serve(registry, small_model(targets=("y", "lower")), some_calibration(targets=2))
    assert [each["name"] for each in client.get(MODEL).get_json()["outputs"]] == ["y", "lower"]


def test_intervals_use_the_calibration_of_their_version(
    registry: Registry, client: FlaskClient
) -> None:
    first, second = some_calibration(40), some_calibration(99)
    serve(registry, small_model(), first)
    serve(registry, small_model(), second)
    y = small_model().predict(X)
    for version, calibration in (("1", first), ("2", second)):
        body = json_request(outputs=[{"name": "upper"}])
        answer = post(client, f"{MODEL}/versions/{version}/infer", body)
        assert predictions(answer) == (y + calibration.half_widths(0.9)).tobytes()


def test_health_endpoints(registry: Registry, client: FlaskClient) -> None:
    publish(registry, small_model())
    assert client.get("/v2/health/live").get_json() == {"live": True}
    for path in ("/v2/health/ready", MODEL, f"{MODEL}/ready", f"{MODEL}/config"):
        answer = client.get(path)
        assert refused(answer, 503).startswith("there is no version yet")
        assert answer.headers["Retry-After"] == "5"
    assert "there is no version yet" in refused(post(client, INFER, json_request()), 503)
    assert client.get(f"{MODEL}/versions/1/ready").status_code == 200
    promote(registry, 1)
    assert client.get("/v2/health/ready").get_json() == {"ready": True}
    assert client.get(f"{MODEL}/ready").get_json() == {"name": "numnet", "ready": True}


def test_predictions_equal_those_of_predict(app: Flask, model: Model) -> None:
    client = app.test_client()
    expected = model.predict(X)[:, 0].tobytes()
    answer = post(client, INFER, json_request(id="42"))
    assert answer.content_type == "application/json"
    assert JSON_LENGTH not in answer.headers
    assert predictions(answer) == expected
    assert answer.get_json()["id"] == "42"
    asked = client.post("/predict", json={"instances": X.tolist()}).get_json()
    assert np.array(asked["predictions"]).tobytes() == expected
    body, length = binary_request(parameters={"binary_data_output": True})
    answer = post(client, INFER, body, Inference_Header_Content_Length=str(length))
    assert answer.content_type == "application/octet-stream"
    split = int(answer.headers[JSON_LENGTH])
    assert answer.data[split:] == expected
    assert json.loads(answer.data[:split])["outputs"] == [
        {
            "name": "y",
            "datatype": "FP64",
            "shape": [7, 1],
            "parameters": {"binary_data_size": 56},
        }
    ]


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/octet-stream", "text/plain", "x"]
)
def test_any_content_type_is_accepted(app: Flask, content_type: str) -> None:
    answer = app.test_client().post(INFER, data=json_request(), content_type=content_type)
    assert answer.status_code == 200


def test_each_version_predicts_with_its_own_model(registry: Registry, client: FlaskClient) -> None:
    models = [small_model(seed=seed) for seed in range(3)]
    for model in models:
        publish(registry, model)
    promote(registry, 2)
    for version, model in enumerate(models, 1):
        answer = post(client, f"{MODEL}/versions/{version}/infer", json_request())
        assert answer.get_json()["model_version"] == str(version)
        assert predictions(answer) == model.predict(X)[:, 0].tobytes()
    assert post(client, INFER, json_request()).get_json()["model_version"] == "2"


PATHS = ("", "/ready", "/config", "/stats", "/infer")


def ask(client: FlaskClient, path: str) -> TestResponse:
    return post(client, path, json_request()) if path.endswith("/infer") else client.get(path)


@pytest.mark.parametrize("version", ["2", "0", "x", "01", "-1"])
@pytest.mark.parametrize("path", PATHS)
def test_missing_version_is_404(app: Flask, version: str, path: str) -> None:
    answer = ask(app.test_client(), f"{MODEL}/versions/{version}{path}")
    assert refused(answer, 404) == f"there is no version {version}"


@pytest.mark.parametrize("path", PATHS)
def test_version_that_fails_verification_is_409(
    registry: Registry, models: Path, client: FlaskClient, path: str
) -> None:
    serve(registry, small_model())
    (models / "2.npz").write_bytes(b"damaged")
    answer = ask(client, f"{MODEL}/versions/2{path}")
    assert refused(answer, 409).startswith("the version failed verification: ")


@pytest.mark.parametrize("path", [*PATHS, "/versions/1", "/versions/1/infer"])
def test_unknown_model_name_is_404(app: Flask, path: str) -> None:
    answer = ask(app.test_client(), f"/v2/models/resnet{path}")
    assert refused(answer, 404) == "there is no model resnet; there is numnet"


def test_model_name_is_configurable(registry: Registry, make_client: MakeClient) -> None:
    serve(registry, small_model())
    client = make_client(model_name="plant")
    assert client.get("/v2/models/plant").get_json()["name"] == "plant"
    answer = post(client, "/v2/models/plant/infer", json_request())
    assert answer.get_json()["model_name"] == "plant"
    assert post(client, "/v2/repository/index").get_json()[0]["name"] == "plant"
    assert refused(client.get(MODEL), 404) == "there is no model numnet; there is plant"


@pytest.mark.parametrize(
    "path", ["/v2/models/stats", f"{MODEL}/stats", f"{MODEL}/versions/1/stats"]
)
def test_statistics_start_at_0(client: FlaskClient, registry: Registry, path: str) -> None:
    serve(registry, small_model())
    [counted] = client.get(path).get_json()["model_stats"]
    assert (counted["name"], counted["version"]) == ("numnet", "1")
    assert (counted["inference_count"], counted["execution_count"]) == (0, 0)
    assert counted["inference_stats"]["success"] == {"count": 0, "ns": 0}


def test_without_a_model_statistics_are_empty(client: FlaskClient) -> None:
    assert client.get("/v2/models/stats").get_json() == {"model_stats": []}


@pytest.mark.parametrize(
    "path",
    ["/v2/x", "/v2//", "/v2/models", "/v2/systemsharedmemory/status", "/v2/logging", f"{MODEL}/x"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_path_is_404(app: Flask, method: str, path: str) -> None:
    refused(app.test_client().open(path, method=method), 404)


@pytest.mark.parametrize("path", ["/v2x", "/v1x", "/v3/health/live"])
def test_errors_of_other_paths_are_problem_documents(app: Flask, path: str) -> None:
    assert app.test_client().get(path).content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", INFER, {"POST", "OPTIONS"}), ("POST", "/v2", {"GET", "HEAD", "OPTIONS"})],
)
def test_unsupported_method_is_405(app: Flask, method: str, path: str, allowed: set[str]) -> None:
    answer = app.test_client().open(path, method=method)
    assert "allowed: " in refused(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_unexpected_error_has_the_format_of_the_protocol(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VersionCache, "require", None)
    assert refused(app.test_client().get(MODEL), 500).startswith("unexpected error")


@pytest.mark.parametrize("length", ["-1", "1.5", "x", "", "¹", "9" * 5000, "1000", "0", "10"])
def test_wrong_json_length_is_400(app: Flask, length: str) -> None:
    body, _ = binary_request()
    refused(post(app.test_client(), INFER, body, Inference_Header_Content_Length=length), 400)


@pytest.mark.parametrize("length", ["0", "000", None])
def test_body_without_json_is_the_only_tensor(app: Flask, length: str | None) -> None:
    """Triton, extension_binary_data.md: "Raw Binary Request"."""
    headers = {"Inference-Header-Content-Length": length} if length else {}
    answer = app.test_client().post(
        INFER, data=X.tobytes(), headers=headers, content_type="application/octet-stream"
    )
    assert answer.status_code == 200, answer.text
    expected = post(app.test_client(), INFER, json_request())
    assert predictions(answer) == predictions(expected)


def test_json_is_never_taken_for_a_tensor(app: Flask) -> None:
    body = json_request().ljust(32 * 100)  # as long as a tensor might be
    headers = {"Inference-Header-Content-Length": "0"}
    answer = app.test_client().post(
        INFER, data=body, headers=headers, content_type="application/json"
    )
    assert "but the Content-Type is application/json" in refused(answer, 400)


@pytest.mark.parametrize("size", [0, 1, 31, 33])
def test_body_without_json_of_another_size_is_400(app: Flask, size: int) -> None:
    answer = post(app.test_client(), INFER, b"a" * size, Inference_Header_Content_Length="0")
    assert "expected input input as FP64 [N, 4], with 32 bytes for each row" in refused(answer, 400)


@pytest.mark.parametrize(
    ("column", "body", "value"),
    [
        (Column("x", "category", ("red", "blue")), b"blue", 1.0),
        (Column("x", "boolean"), b"\x01", 1.0),
        (Column("x"), np.float64(2.5).tobytes(), 2.5),
    ],
)
def test_body_without_json_may_be_a_value_of_the_only_feature(
    registry: Registry, client: FlaskClient, column: Column, body: bytes, value: float
) -> None:
    model = table_model((column,))
    serve(registry, model)
    answer = post(client, INFER, body, Inference_Header_Content_Length="0")
    [output] = answer.get_json()["outputs"]
    assert output["data"] == model.predict(np.array([[value]]))[0].tolist()


def test_body_without_json_needs_a_model_with_one_input(
    registry: Registry, client: FlaskClient
) -> None:
    serve(registry, table_model())
    answer = post(client, INFER, b"blue", Inference_Header_Content_Length="0")
    assert "the model has 4 inputs, not one" in refused(answer, 400)


COMPRESS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}


def test_bodies_are_compressed_in_both_directions(app: Flask, model: Model) -> None:
    body, length = binary_request(parameters={"binary_data_output": True})
    response = post(
        app.test_client(),
        INFER,
        gzip.compress(body),
        Content_Encoding="gzip",
        Accept_Encoding="gzip",
        Inference_Header_Content_Length=str(length),
    )
    assert response.headers["Content-Encoding"] == "gzip"
    json_bytes = int(response.headers[JSON_LENGTH])
    assert gzip.decompress(response.data)[json_bytes:] == model.predict(X)[:, 0].tobytes()


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        (b"", {}, 400, "the body is not JSON"),
        (b"\xff", {}, 400, "the body is not JSON: byte 0 is not UTF-8"),
        (b"[]", {}, 400, "the JSON must be an object, got []"),
        (b"{}", {"Content_Encoding": "br"}, 415, "the body's Content-Encoding is br"),
        (b"x", {"Content_Encoding": "gzip"}, 400, "the body does not decompress"),
        (bytes(16 * 2**20 + 1), {}, 413, "the body is larger than 16,777,216 bytes"),
    ],
)
def test_unreadable_bodies_are_refused_in_the_format_of_the_protocol(
    app: Flask, body: bytes, headers: dict[str, str], status: int, message: str
) -> None:
    assert refused(post(app.test_client(), INFER, body, **headers), status).startswith(message)


@given(
    st.binary(max_size=300),
    st.sampled_from(["gzip", "deflate", "identity", None]),
    st.none() | st.integers(-2, 400).map(str) | st.just("x"),
    st.booleans(),
)
def test_random_bytes_never_cause_a_500(
    app: Flask, garbage: bytes, encoding: str | None, length: str | None, begins_well: bool
) -> None:
    body = (binary_request(X[:1])[0] if begins_well else b"") + garbage
    headers = {}
    if encoding is not None:
        headers["Content_Encoding"] = encoding
        body = COMPRESS.get(encoding, bytes)(body) if begins_well else body
    if length is not None:
        headers["Inference_Header_Content_Length"] = length
    answer = post(app.test_client(), INFER, body, **headers)
    if answer.status_code != 200:
        refused(answer, 400)


@pytest.mark.slow
@given(st.data())
def test_damaged_requests_never_cause_a_500(app: Flask, data: st.DataObject) -> None:
    body, length = binary_request(X[:2], parameters={"binary_data_output": True})
    damaged = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    answer = post(
        app.test_client(), INFER, bytes(damaged), Inference_Header_Content_Length=str(length)
    )
    if answer.status_code != 200:
        refused(answer, 400)


def test_prediction_that_overflows_is_400(registry: Registry, client: FlaskClient) -> None:
    serve(registry, small_model(activation="identity", gain=1e10))
    rows = [[0.1, 0.2, 0.3, 0.4], [1e308] * 4]
    message = refused(post(client, INFER, json_request(rows)), 400)
    assert message.startswith("row 1 is too far outside the range seen in training")
