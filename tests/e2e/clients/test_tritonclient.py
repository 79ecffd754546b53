"""Triton's own HTTP client, unchanged, against a running service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from config import VERSION
from network import Array, Model
from registry import Registry
from tests.documents import sections
from tests.e2e.conftest import ADMIN, Service, StartService
from tests.patience import DEADLINE_SECONDS, until
from tests.service.small_models import (
    DAY,
    FEATURES,
    promote,
    publish,
    random_rows,
    serve,
    small_model,
    some_calibration,
    table_model,
)

X = random_rows(1000)
CALIBRATION = some_calibration(targets=2)


@pytest.fixture(scope="module")
def model() -> Model:
    return small_model(targets=("y", "z"))


@pytest.fixture(scope="module")
def service(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service of two processes that serves `model` as version 2 of two."""
    folder = tmp_path_factory.mktemp("service")
    registry = Registry.local(folder / "models")
    publish(registry, small_model(seed=1))
    publish(registry, model, CALIBRATION)
    promote(registry, 2)
    running = Service(
        folder / "models", folder / "out", workers=2, settings={"NUMNET_MODEL_NAME": "plant"}
    )
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[Any]:
    with triton.InferenceServerClient(f"127.0.0.1:{service.port}") as client:
        yield client


def tensor(name: str, values: Any, datatype: str = "FP64", *, binary: bool = True) -> Any:
    made = triton.InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def columns(result: Any) -> bytes:
    """Return the bits of both outputs, as columns."""
    return np.hstack([result.as_numpy("y"), result.as_numpy("z")]).tobytes()


def table(rows: list[dict[str, float]]) -> bytes:
    """Return the bits of named numbers, as columns."""
    return np.array([[row["y"], row["z"]] for row in rows]).tobytes()


def test_server_metadata(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.get_server_metadata() == {
        "name": "numnet",
        "version": VERSION,
        "extensions": [
            "binary_tensor_data",
            "model_configuration",
            "model_repository",
            "statistics",
        ],
    }


@pytest.mark.parametrize("binary", [True, False])
def test_features_of_every_kind_have_tensors_of_their_own(
    start_service: StartService, registry: Registry, binary: bool
) -> None:
    model = table_model()
    serve(registry, model)
    values = {
        "size": np.array([[0.5], [np.nan]]) if binary else np.array([[0.5], [0.25]]),
        "colour": np.array([["red"], ["sea: green"]], dtype=np.object_),
        "new": np.array([[True], [False]]),
        "sold": np.array([["02/01/2024"], ["2024-01-01"]], dtype=np.object_),
    }
    X = np.array([[0.5, 0, 1, DAY + 1], [values["size"][1, 0], 2, 0, DAY]])
    with triton.InferenceServerClient(f"127.0.0.1:{start_service().port}") as client:
        described = client.get_model_metadata("numnet")["inputs"]
        inputs = [
            tensor(each["name"], values[each["name"]], each["datatype"], binary=binary)
            for each in described
        ]
        found = client.infer("numnet", inputs).as_numpy("y")
    assert found.tobytes() == model.predict(X).tobytes()


def test_model_metadata_and_configuration(client: Any) -> None:
    assert client.is_model_ready("plant")
    assert client.is_model_ready("plant", "1")
    assert not client.is_model_ready("plant", "3")
    assert not client.is_model_ready("numnet")
    metadata = client.get_model_metadata("plant")
    assert metadata["versions"] == ["1", "2"]
    assert [(each["name"], each["shape"]) for each in metadata["inputs"]] == [("input", [-1, 4])]
    assert [each["name"] for each in metadata["outputs"]] == ["y", "z", "lower", "upper"]
    assert [each["name"] for each in client.get_model_metadata("plant", "1")["outputs"]] == ["y"]
    assert client.get_model_config("plant", "1")["output"] == [
        {"name": "y", "data_type": "TYPE_FP64", "dims": [1]}
    ]
    assert [each["state"] for each in client.get_model_repository_index()] == ["READY", "READY"]


@pytest.mark.parametrize(
    ("form", "binary", "wanted"),
    [
        ("matrix", True, None),
        ("matrix", False, True),
        ("columns", True, False),
        ("vectors", False, False),
    ],
)
def test_predictions_have_the_bits_of_the_model(
    client: Any, model: Model, form: str, binary: bool, wanted: bool | None
) -> None:
    named = list(zip(FEATURES, X.T, strict=True))
    inputs = {
        "matrix": [("input", X)],
        "columns": [(name, x[:, None]) for name, x in named],
        "vectors": named,
    }[form]
    outputs = wanted is not None and [
        triton.InferRequestedOutput(name, binary_data=wanted) for name in ("z", "y")
    ]
    result = client.infer(
        "plant",
        [tensor(name, np.ascontiguousarray(x), binary=binary) for name, x in inputs],
        outputs=outputs or None,
        request_id="7",
    )
    response = result.get_response()
    assert (response["model_name"], response["model_version"], response["id"]) == (
        "plant",
        "2",
        "7",
    )
    assert columns(result) == model.predict(X).tobytes()


@pytest.mark.parametrize(("level", "binary"), [(None, True), (0.5, False)])
def test_intervals_have_the_bits_of_predict(
    client: Any, service: Service, level: float | None, binary: bool
) -> None:
    result = client.infer(
        "plant",
        [tensor("input", X)],
        outputs=[
            triton.InferRequestedOutput(name, binary_data=binary)
            for name in ("upper", "y", "lower", "z")
        ],
        parameters=level and {"level": level},
    )
    assert result.get_output("lower")["parameters"]["level"] == (level or 0.9)
    body = {"instances": X.tolist()}
    address = f"{service.url}/predict?interval={level or 0.9}"
    answer = requests.post(address, json=body, timeout=DEADLINE_SECONDS).json()
    assert columns(result) == table(answer["predictions"])
    for end in ("lower", "upper"):
        assert result.as_numpy(end).shape == (1000, 2)
        assert result.as_numpy(end).tobytes() == table(answer[end])


@pytest.mark.parametrize(("datatype", "binary"), [("FP32", True), ("INT32", False)])
def test_integers_and_float32_have_the_bits_of_the_model(
    client: Any, model: Model, datatype: str, binary: bool
) -> None:
    dtype = {"FP32": np.float32, "INT32": np.int32}[datatype]
    rows = (3 * X).astype(dtype)
    result = client.infer("plant", [tensor("input", rows, datatype, binary=binary)])
    assert columns(result) == model.predict(rows.astype(np.float64)).tobytes()


@pytest.mark.parametrize(
    ("sent", "received", "binary"),
    [("gzip", "deflate", True), ("deflate", "gzip", False), ("gzip", None, True)],
)
def test_requests_and_responses_may_be_compressed(
    client: Any, model: Model, sent: str, received: str | None, binary: bool
) -> None:
    result = client.infer(
        "plant",
        [tensor("input", X, binary=binary)],
        outputs=[triton.InferRequestedOutput(name, binary_data=binary) for name in ("y", "z")],
        request_compression_algorithm=sent,
        response_compression_algorithm=received,
    )
    assert columns(result) == model.predict(X).tobytes()


def test_concurrent_requests(service: Service, model: Model) -> None:
    with triton.InferenceServerClient(f"127.0.0.1:{service.port}", concurrency=8) as client:
        parts: list[Array] = np.array_split(X, 40)
        asked = [client.async_infer("plant", [tensor("input", part)]) for part in parts]
        answers = [columns(each.get_result()) for each in asked]
    assert b"".join(answers) == model.predict(X).tobytes()


def not_finite() -> Array:
    rows = X.copy()
    rows[3, 1] = np.nan
    return rows


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ({"model_name": "resnet"}, "404", "there is no model resnet; there is plant"),
        ({"model_version": "9"}, "404", "there is no version 9"),
        ({"inputs": [tensor("x", X)]}, "400", "unknown inputs: x; expected input [N, 4]"),
        (
            {"inputs": [tensor("input", X > 0, "BOOL")]},
            "400",
            "input has datatype BOOL; expected one of",
        ),
        (
            {"outputs": [triton.InferRequestedOutput("lower")], "model_version": "1"},
            "400",
            "unknown outputs: lower; expected y",
        ),
        (
            {"inputs": [tensor("input", np.zeros((600_000, 4)))]},
            "413",
            "larger than 16,777,216 bytes",
        ),
    ],
)
def test_an_error_has_its_status_and_reason(
    client: Any, arguments: dict[str, Any], status: str, words: str
) -> None:
    valid = {"model_name": "plant", "inputs": [tensor("input", X)]}
    with pytest.raises(InferenceServerException) as caught:
        client.infer(**valid | arguments)
    assert caught.value.status() == status
    assert words in caught.value.message()


def test_errors_of_other_calls_are_understood(client: Any) -> None:
    for call, status in (
        (lambda: client.get_model_metadata("resnet"), "404"),
        (client.get_system_shared_memory_status, "404"),
        (lambda: client.load_model("plant"), "401"),
        (lambda: client.unload_model("plant", headers=ADMIN), "501"),
        (lambda: client.load_model("plant", headers=ADMIN, config="{}"), "400"),
    ):
        with pytest.raises(InferenceServerException) as caught:
            call()
        assert caught.value.status() == status
        assert (
            caught.value.debug_details() is None
        )  # set if the client could not parse the response


def test_the_example_of_the_documentation(
    start_service: StartService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = small_model()
    serve(Registry.local(tmp_path / "models"), model)
    service = start_service()
    [(language, example)] = sections("docs/http.md")["The Open Inference Protocol"]
    assert language == "python"
    names: dict[str, Any] = {}
    exec(example.replace("127.0.0.1:8000", f"127.0.0.1:{service.port}"), names)
    names["client"].close()
    assert capsys.readouterr().out == f"{model.predict(names['rows'])} 1\n"


def test_a_connection_is_kept_alive_after_errors(client: Any, model: Model) -> None:
    for _ in range(20):
        with pytest.raises(InferenceServerException):
            client.infer("plant", [tensor("input", X[:, :3].copy())])
        assert columns(client.infer("plant", [tensor("input", X)])) == model.predict(X).tobytes()


def statistics(client: Any, version: str) -> dict[str, Any]:
    [found] = client.get_inference_statistics("plant", version)["model_stats"]
    assert (found["name"], found["version"]) == ("plant", version)
    counted: dict[str, Any] = found
    return counted


def test_statistics_count_rows_and_requests_of_all_server_processes(
    client: Any, service: Service
) -> None:
    before = {version: statistics(client, version) for version in ("1", "2")}
    with triton.InferenceServerClient(f"127.0.0.1:{service.port}", concurrency=8) as others:
        for each in [others.async_infer("plant", [tensor("input", X)]) for _ in range(40)]:
            each.get_result()
    service.predict({"instances": X[:7].tolist()})
    for _ in range(3):
        with pytest.raises(InferenceServerException):
            client.infer("plant", [tensor("input", not_finite())], model_version="1")

    def gained(version: str) -> tuple[int, ...]:
        now, then = statistics(client, version), before[version]
        success, fail = (now["inference_stats"][each] for each in ("success", "fail"))
        assert success["ns"] >= success["count"] * 1000
        assert success["count"] == now["execution_count"]
        return (
            now["inference_count"] - then["inference_count"],
            now["execution_count"] - then["execution_count"],
            fail["count"] - then["inference_stats"]["fail"]["count"],
        )

    until(lambda: gained("2") == (40 * 1000 + 7, 41, 0))
    until(lambda: gained("1") == (0, 0, 3))
    versions = [each["version"] for each in client.get_inference_statistics()["model_stats"]]
    assert versions == ["1", "2"]


def test_the_access_log_has_rows_version_and_route(client: Any, service: Service) -> None:
    client.infer("plant", [tensor("input", X)], headers={"X-Request-ID": "from-triton"})
    [line] = until(lambda: service.access_lines("from-triton"))
    assert (line["rows"], line["version"]) == (1000, "2")
    assert (line["status"], line["route"]) == (200, "/v2/models/<name>/infer")
