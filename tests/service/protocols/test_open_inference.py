"""`/v2` as the application answers it: the protocol's documents, compression, one error shape."""

import gzip
import json
import re
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
from network import Model
from registry import Registry
from registry.storage import MAX_OBJECT_BYTES
from service.model.version_cache import VersionCache
from tests.service.conftest import ADMIN, MakeClient
from tests.service.small_models import (
    FEATURES,
    forge_promotion,
    promote,
    publish,
    random_rows,
    serve,
    small_model,
    some_calibration,
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
    """A body, and how much of it is JSON."""
    content = np.asarray(rows).tobytes()
    parameters = {"binary_data_size": len(content)}
    tensor = {"name": "input", "shape": np.shape(rows), "datatype": "FP64"}
    document = orjson.dumps({"inputs": [tensor | {"parameters": parameters}], **members})
    return document + content, len(document)


def post(client: FlaskClient, path: str, body: bytes = b"", /, **headers: str) -> TestResponse:
    """Post without a Content-Type, as Triton's client does."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(path, data=body, headers=named)


def refused(answer: TestResponse, status: int) -> str:
    """What an error says, once it is known to have the protocol's shape."""
    assert answer.status_code == status, answer.data
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-ID"]
    document = json.loads(answer.data)
    assert document.keys() == {"error"}
    assert document["error"]
    assert isinstance(document["error"], str)
    return document["error"]


def predictions(answer: TestResponse) -> bytes:
    """The bytes of the one output of an answer in JSON."""
    assert answer.status_code == 200, answer.data
    return np.array(answer.get_json()["outputs"][0]["data"]).tobytes()


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_the_server_tells_what_works(app: Flask, path: str) -> None:
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


def test_the_model_is_described(registry: Registry, client: FlaskClient) -> None:
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


def test_the_ends_of_intervals_are_described_where_there_are_any(
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


def test_a_version_s_own_calibration_makes_its_intervals(
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


def test_health(registry: Registry, client: FlaskClient) -> None:
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


def test_predictions_are_those_of_predict(app: Flask, model: Model) -> None:
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
def test_any_content_type_is_taken(app: Flask, content_type: str) -> None:
    answer = app.test_client().post(INFER, data=json_request(), content_type=content_type)
    assert answer.status_code == 200


def test_each_version_answers_for_itself(registry: Registry, client: FlaskClient) -> None:
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
def test_a_version_that_is_not_there_is_404(app: Flask, version: str, path: str) -> None:
    answer = ask(app.test_client(), f"{MODEL}/versions/{version}{path}")
    assert refused(answer, 404) == f"there is no version {version}"


@pytest.mark.parametrize("path", PATHS)
def test_a_version_that_does_not_verify_is_409(
    registry: Registry, models: Path, client: FlaskClient, path: str
) -> None:
    serve(registry, small_model())
    (models / "2.npz").write_bytes(b"damaged")
    answer = ask(client, f"{MODEL}/versions/2{path}")
    assert refused(answer, 409).startswith("the version failed verification: ")


@pytest.mark.parametrize("path", [*PATHS, "/versions/1", "/versions/1/infer"])
def test_another_model_s_name_is_404(app: Flask, path: str) -> None:
    answer = ask(app.test_client(), f"/v2/models/resnet{path}")
    assert refused(answer, 404) == "there is no model resnet; there is numnet"


def test_the_model_s_name_can_be_set(registry: Registry, make_client: MakeClient) -> None:
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
def test_statistics_of_a_model_that_nobody_asked_begin_with_0(
    client: FlaskClient, registry: Registry, path: str
) -> None:
    serve(registry, small_model())
    [counted] = client.get(path).get_json()["model_stats"]
    assert (counted["name"], counted["version"]) == ("numnet", "1")
    assert (counted["inference_count"], counted["execution_count"]) == (0, 0)
    assert counted["inference_stats"]["success"] == {"count": 0, "ns": 0}


def test_without_a_model_there_are_no_statistics(client: FlaskClient) -> None:
    assert client.get("/v2/models/stats").get_json() == {"model_stats": []}


def test_the_index_tells_which_versions_can_be_asked(
    registry: Registry, models: Path, client: FlaskClient
) -> None:
    assert post(client, "/v2/repository/index").get_json() == []
    serve(registry, small_model())
    (models / "2.npz").write_bytes(b"damaged")
    with (models / "3.npz").open("wb") as file:
        file.truncate(MAX_OBJECT_BYTES + 1)
    first = {"name": "numnet", "version": "1", "state": "READY", "reason": ""}
    for body in (b"", b"{}", b'{"ready": false}'):
        found, second, third = post(client, "/v2/repository/index", body).get_json()
        assert found == first
        assert (second["version"], second["state"]) == ("2", "UNAVAILABLE")
        assert "damaged" in second["reason"]
        assert third["reason"] == "the file cannot be read"
    assert post(client, "/v2/repository/index", b'{"ready": true}').get_json() == [first]


@pytest.mark.parametrize("body", [b"[]", b"x", b'{"ready": 1}', b'{"ready": null}'])
def test_another_index_request_is_refused(app: Flask, body: bytes) -> None:
    refused(post(app.test_client(), "/v2/repository/index", body), 400)


LOAD, UNLOAD = ("/v2/repository/models/numnet/load", "/v2/repository/models/numnet/unload")


@pytest.mark.parametrize("path", [LOAD, UNLOAD])
def test_loading_takes_the_admin_token(client: FlaskClient, path: str) -> None:
    answer = post(client, path, b"{}")
    refused(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    refused(post(client, path, b"{}", Authorization="Bearer other"), 403)


def test_load_verifies_the_current_version(
    registry: Registry, models: Path, client: FlaskClient
) -> None:
    refused(post(client, LOAD, **ADMIN), 503)
    serve(registry, small_model())
    for body in (b"", b"{}", b'{"parameters": {}}'):
        answer = post(client, LOAD, body, **ADMIN)
        assert answer.get_json() == {"name": "numnet", "version": "1"}
    assert "/parameters must be empty" in refused(
        post(client, LOAD, b'{"parameters": {"config": "{}"}}', **ADMIN), 400
    )
    for body in (b"[]", b'{"parameters": null}', b'{"parameters": 0}'):
        refused(post(client, LOAD, body, **ADMIN), 400)
    refused(post(client, "/v2/repository/models/resnet/load", **ADMIN), 404)
    (models / "1.npz").write_bytes(b"damaged")
    refused(post(client, LOAD, **ADMIN), 409)
    forge_promotion(models, 7, "0" * 64)
    assert refused(post(client, LOAD, **ADMIN), 404) == "there is no version 7"
    assert post(client, INFER, json_request()).status_code == 200
    for path in (models / "promotions").iterdir():
        path.unlink()
    refused(post(client, LOAD, **ADMIN), 503)


def test_unload_is_refused(app: Flask, client: FlaskClient) -> None:
    answer = post(client, UNLOAD, b'{"parameters": {"unload_dependents": false}}', **ADMIN)
    assert refused(answer, 501).startswith("the model cannot be unloaded; POST /models/")
    refused(post(client, "/v2/repository/models/resnet/unload", **ADMIN), 404)


@pytest.mark.parametrize(
    "path",
    ["/v2/x", "/v2//", "/v2/models", "/v2/systemsharedmemory/status", "/v2/logging", f"{MODEL}/x"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_address_is_404(app: Flask, method: str, path: str) -> None:
    refused(app.test_client().open(path, method=method), 404)


@pytest.mark.parametrize("path", ["/v2x", "/v1x", "/v3/health/live"])
def test_elsewhere_errors_stay_what_they_are(app: Flask, path: str) -> None:
    assert app.test_client().get(path).content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", INFER, {"POST", "OPTIONS"}), ("POST", "/v2", {"GET", "HEAD", "OPTIONS"})],
)
def test_another_method_is_405(app: Flask, method: str, path: str, allowed: set[str]) -> None:
    answer = app.test_client().open(path, method=method)
    assert "allowed: " in refused(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_an_unexpected_error_has_the_shape_too(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VersionCache, "require", None)
    assert refused(app.test_client().get(MODEL), 500).startswith("unexpected error")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is not JSON"),
        (b"x", "the body is not JSON"),
        (b"\xff", "byte 0 is not UTF-8"),
        (b'{"inputs": [NaN]}', "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"[]", "the JSON must be an object, got []"),
        (b"{}", "/inputs is missing"),
    ],
)
def test_what_is_no_request_is_400(app: Flask, body: bytes, words: str) -> None:
    assert words in refused(post(app.test_client(), INFER, body), 400)


@pytest.mark.parametrize("length", ["-1", "1.5", "x", "", "¹", "9" * 5000, "1000", "0", "10"])
def test_another_length_of_the_json_is_400(app: Flask, length: str) -> None:
    body, _ = binary_request()
    refused(post(app.test_client(), INFER, body, Inference_Header_Content_Length=length), 400)


COMPRESS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}
INFLATE: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "deflate": zlib.decompress}


@pytest.mark.parametrize("encoding", COMPRESS)
def test_bodies_may_be_compressed(app: Flask, model: Model, encoding: str) -> None:
    client, expected = app.test_client(), model.predict(X)[:, 0].tobytes()
    for given_name in (encoding, encoding.upper()):
        answer = post(
            client, INFER, COMPRESS[encoding](json_request()), Content_Encoding=given_name
        )
        assert predictions(answer) == expected
    body, length = binary_request()
    answer = post(
        client,
        INFER,
        COMPRESS[encoding](body),
        Content_Encoding=encoding,
        Inference_Header_Content_Length=str(length),
    )
    assert predictions(answer) == expected


@pytest.mark.parametrize("encoding", COMPRESS)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_answers_are_compressed_as_is_asked_for(
    app: Flask, model: Model, encoding: str, as_bytes: bool
) -> None:
    body = json_request(parameters={"binary_data_output": as_bytes})
    plain = post(app.test_client(), INFER, body, Accept_Encoding="identity")
    answer = post(app.test_client(), INFER, body, Accept_Encoding=encoding)
    assert "Content-Encoding" not in plain.headers
    assert answer.headers["Content-Encoding"] == encoding
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert INFLATE[encoding](answer.data) == plain.data
    assert answer.headers.get(JSON_LENGTH) == plain.headers.get(JSON_LENGTH)
    assert (JSON_LENGTH in answer.headers) == as_bytes


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate", "gzip"),
        ("gzip;q=0.2, deflate;q=0.8", "deflate"),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0", None),
        ("br", None),
        ("", None),
        (";;q=x", None),
    ],
)
def test_the_encoding_is_the_one_preferred(app: Flask, accepted: str, encoding: str | None) -> None:
    answer = post(app.test_client(), INFER, json_request(), Accept_Encoding=accepted)
    assert answer.headers.get("Content-Encoding") == encoding


@pytest.mark.parametrize("encoding", ["br", "gzip, deflate", "x", ""])
def test_another_encoding_is_415(app: Flask, encoding: str) -> None:
    answer = post(app.test_client(), INFER, json_request(), Content_Encoding=encoding)
    assert "expected gzip or deflate, or none" in refused(answer, 415)


@pytest.mark.parametrize("encoding", COMPRESS)
@pytest.mark.parametrize(
    "damage",
    [lambda body: body[:-5], lambda body: body + b"x", lambda body: b"x" + body, lambda body: b""],
)
def test_damaged_compression_is_400(
    app: Flask, encoding: str, damage: Callable[[bytes], bytes]
) -> None:
    body = damage(COMPRESS[encoding](json_request()))
    answer = post(app.test_client(), INFER, body, Content_Encoding=encoding)
    assert re.match("the body (does not decompress|is not JSON)", refused(answer, 400))


@pytest.mark.parametrize("encoding", COMPRESS)
def test_what_inflates_beyond_the_limit_is_413(
    registry: Registry, make_client: MakeClient, encoding: str
) -> None:
    serve(registry, small_model())
    client = make_client(max_body_bytes=2000)
    body = json_request(np.zeros((1, 4)))
    compressed = COMPRESS[encoding](body.ljust(2000))
    assert post(client, INFER, compressed, Content_Encoding=encoding).status_code == 200
    for length in (2001, 1_000_000):
        compressed = COMPRESS[encoding](body.ljust(length))
        answer = post(client, INFER, compressed, Content_Encoding=encoding)
        assert refused(answer, 413).startswith("the body is larger than 2,000 bytes")
    assert "larger than 2,000 bytes" in refused(post(client, INFER, body.ljust(2001)), 413)


@given(
    st.binary(max_size=300),
    st.sampled_from(["gzip", "deflate", "identity", None]),
    st.none() | st.integers(-2, 400).map(str) | st.just("x"),
    st.booleans(),
)
def test_garbage_is_never_an_error_of_the_service(
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


@given(st.data())
def test_a_damaged_request_is_never_an_error_of_the_service(
    app: Flask, data: st.DataObject
) -> None:
    body, length = binary_request(X[:2], parameters={"binary_data_output": True})
    damaged = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    answer = post(
        app.test_client(), INFER, bytes(damaged), Inference_Header_Content_Length=str(length)
    )
    if answer.status_code != 200:
        refused(answer, 400)


def test_many_features_come_as_one_tensor_or_as_many(
    registry: Registry, client: FlaskClient
) -> None:
    model = small_model(features=tuple(f"f{index}" for index in range(300)))
    serve(registry, model)
    rows = random_rows(3, 300)
    expected = model.predict(rows)[:, 0].tobytes()
    assert predictions(post(client, INFER, json_request(rows))) == expected
    tensors = [
        {"name": name, "shape": [3], "datatype": "FP64", "data": column.tolist()}
        for name, column in zip(model.features, rows.T, strict=True)
    ]
    assert predictions(post(client, INFER, orjson.dumps({"inputs": tensors}))) == expected


def test_a_prediction_that_overflows_is_400(registry: Registry, client: FlaskClient) -> None:
    serve(registry, small_model(activation="identity", gain=1e10))
    rows = [[0.1, 0.2, 0.3, 0.4], [1e308] * 4]
    message = refused(post(client, INFER, json_request(rows)), 400)
    assert message.startswith("row 1 is too far outside the range seen in training")


def test_a_million_tensors_are_refused_at_once(app: Flask) -> None:
    body = b'{"inputs": [' + b"{}," * 999_999 + b"{}]}"
    answer = post(app.test_client(), INFER, body)
    assert refused(answer, 400) == f"inputs has 1,000,000 tensors; expected up to {len(FEATURES)}"
