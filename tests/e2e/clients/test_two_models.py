"""Two models of different features at once: clients of other servers, unchanged, and tokens."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import tritonclient.http as triton

from network import Model
from registry import Registry
from tests.e2e.conftest import StartService
from tests.patience import DEADLINE_SECONDS, until
from tests.service.small_models import random_rows, serve, small_model
from tests.service.web.tokens.token_files import line

ROUNDS = 30
PUMP = ("flow", "head")


@pytest.fixture
def of_name(registry: Registry, tmp_path: Path) -> dict[str, Model]:
    """The models that the service has, by name; the first is the default."""
    found = {"numnet": small_model(), "pump": small_model(PUMP, ("power", "heat"), seed=1)}
    serve(registry, found["numnet"])
    serve(Registry.local(tmp_path / "models" / "pump"), found["pump"])
    return found


def triton_client(port: int, name: str, X: Any, model: Model) -> Any:
    """Return the predictions that Triton's client gets."""
    with triton.InferenceServerClient(f"127.0.0.1:{port}") as client:
        assert client.is_model_ready(name)
        assert client.get_model_metadata(name)["inputs"][0]["shape"] == [-1, len(model.features)]
        made = triton.InferInput("input", list(X.shape), "FP64")
        made.set_data_from_numpy(X)
        result = client.infer(name, [made])
        assert result.get_response()["model_name"] == name
        return np.hstack([result.as_numpy(target) for target in model.targets])


def tf_serving_client(port: int, name: str, X: Any, model: Model) -> Any:
    """Return the predictions in the form of TensorFlow Serving's REST API."""
    url = f"http://127.0.0.1:{port}/v1/models/{name}"
    assert requests.get(url, timeout=30).json()["model_version_status"][0]["state"] == "AVAILABLE"
    rows = [dict(zip(model.features, row, strict=True)) for row in X.tolist()]
    answer = requests.post(f"{url}:predict", json={"instances": rows}, timeout=30)
    return matrix(answer.json()["predictions"], model)


def mlflow_client(port: int, name: str, X: Any, model: Model) -> Any:
    """Return the predictions in the form of MLflow's scoring server."""
    split = {"columns": list(model.features), "data": X.tolist()}
    headers = {} if name == "numnet" else {"X-Model": name}
    url = f"http://127.0.0.1:{port}/invocations"
    answer = requests.post(url, json={"dataframe_split": split}, headers=headers, timeout=30)
    return matrix(answer.json()["predictions"], model)


def matrix(predictions: list[Any], model: Model) -> Any:
    if len(model.targets) == 1:
        return np.array(predictions)[:, None]
    return np.array([[row[target] for target in model.targets] for row in predictions])


@pytest.mark.slow
@pytest.mark.parametrize("ask", [triton_client, tf_serving_client, mlflow_client])
def test_two_models_of_different_features_are_asked_at_once(
    start_service: StartService, of_name: dict[str, Model], ask: Callable[..., Any]
) -> None:
    port = start_service(workers=2).port
    wrong: list[str] = []

    def repeat(name: str) -> None:
        model = of_name[name]
        X = random_rows(64, len(model.features))
        expected = model.predict(X).tobytes()
        answers = (np.ascontiguousarray(ask(port, name, X, model)) for _ in range(ROUNDS))
        wrong.extend(name for answer in answers if answer.tobytes() != expected)

    threads = [threading.Thread(target=repeat, args=[name]) for name in of_name for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_changed_tokens_are_followed_by_every_process_without_a_refused_request(
    of_name: dict[str, Model], start_service: StartService, tmp_path: Path
) -> None:
    always, moved = "a-t0ken-that-remains", "a-t0ken-that-is-moved"
    tokens = tmp_path / "tokens"
    kept = line(always, "read", "*")
    tokens.write_text(kept + line(moved, "read", "pump"))
    service = start_service(workers=2, settings={"NUMNET_TOKENS_FILE": str(tokens)})

    def status(token: str) -> int:
        return requests.post(
            f"{service.url}/models/pump/predict",
            json=dict.fromkeys(PUMP, 0.5),
            headers={"Authorization": f"Bearer {token}"},
            timeout=DEADLINE_SECONDS,
        ).status_code

    def all_refuse() -> bool:
        assert status(always) == 200
        return {status(moved) for _ in range(20)} == {403}

    def has_logged_the_mistake() -> bool:
        assert (status(always), status(moved)) == (200, 403)
        return any("line 1: expected three" in entry["message"] for entry in service.log())

    assert {status(moved) for _ in range(20)} == {200}
    (tmp_path / "new").write_text(kept + line(moved, "read", "numnet"))
    (tmp_path / "new").replace(tokens)
    until(all_refuse)
    tokens.write_text("a mistake\n")
    until(has_logged_the_mistake)
    assert (status(always), status(moved)) == (200, 403)
