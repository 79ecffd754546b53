"""Versions that are promoted, damaged or deleted while a service runs."""

import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from network import Model
from registry import Registry
from tests.e2e.conftest import ROOT, StartService
from tests.patience import until
from tests.service.problem_shape import assert_problem
from tests.service.small_models import (
    FEATURES,
    forge_promotion,
    promote,
    publish,
    serve,
    small_model,
)

VALUES = [0.1, -0.2, 0.3, -0.4]
ROW = dict(zip(FEATURES, VALUES, strict=True))


def prediction(model: Model) -> float:
    """Return a model's prediction for `ROW`."""
    return float(model.predict([VALUES])[0, 0])


def test_every_server_process_serves_a_promotion_from_the_next_request_on(
    registry: Registry, start_service: StartService
) -> None:
    models = {str(publish(registry, m)): m for m in (small_model(seed=n) for n in range(5))}
    expected = {version: prediction(model) for version, model in models.items()}
    assert len(set(expected.values())) == len(models)
    promote(registry, 1)
    service = start_service(workers=3)
    all_processes: set[str] = set()
    with ThreadPoolExecutor(9) as clients:
        for turn in range(30):
            version = str(1 + (turn * 2 + 1) % len(models))
            promote(registry, int(version))
            processes: set[str] = set()

            def ask_often(version: str = version, processes: set[str] = processes) -> bool:
                for answer in clients.map(lambda _: service.predict(ROW), range(9)):
                    assert answer.json()["version"] == version
                    assert answer.json()["prediction"] == expected[version]
                    processes.add(answer.headers["X-Request-ID"].partition("-")[0])
                return len(processes) == 3

            until(ask_often)
            all_processes |= processes
    assert len(all_processes) == 3


def test_a_promoted_version_that_does_not_verify_is_never_served(
    registry: Registry, start_service: StartService
) -> None:
    good, better = small_model(seed=0), small_model(seed=1)
    serve(registry, good)
    service = start_service(workers=2)
    file = service.models / f"{publish(registry, better)}.npz"
    content = file.read_bytes()
    file.write_bytes(content[:-100])
    forge_promotion(service.models, 2, hashlib.sha256(content[:-100]).hexdigest())

    def refusals() -> list[dict[str, Any]]:
        return [entry for entry in service.log() if entry["level"] == "ERROR"]

    def answers() -> set[tuple[str, float]]:
        found = [service.predict(ROW).json() for _ in range(20)]
        return {(answer["version"], answer["prediction"]) for answer in found}

    assert answers() == {("1", prediction(good))}
    assert answers() == {("1", prediction(good))}
    listed = service.get("/models").json()
    assert listed["current"] == "1"
    assert "damaged or cut short" in listed["versions"][0]["refused"]
    assert 1 <= len(refusals()) <= service.workers
    for entry in refusals():
        assert entry["logger"] == "service.model.current_version"
        assert entry["message"].startswith("promotion 2 is refused: the file is damaged")

    assert service.stop() == 0
    service.start()
    assert answers() == {("1", prediction(good))}
    assert len(refusals()) > service.workers

    forge_promotion(service.models, 2, hashlib.sha256(content).hexdigest())
    assert answers() == {("1", prediction(good))}
    file.write_bytes(content)
    until(lambda: answers() == {("2", prediction(better))})


def test_a_service_survives_the_deletion_of_its_models_folder_and_follows_a_new_one(
    registry: Registry, start_service: StartService
) -> None:
    old, new = small_model(seed=0), small_model(seed=1)
    serve(registry, old)
    service = start_service(workers=2)
    until(lambda: [entry["message"] for entry in service.log()].count("serving version 1") == 2)
    shutil.rmtree(service.models)
    for _ in range(20):
        assert service.predict(ROW).json()["prediction"] == prediction(old)
    assert service.get("/readyz").status_code == 200
    serve(registry, new)
    for _ in range(20):
        assert service.predict(ROW).json()["prediction"] == prediction(new)


def test_a_service_without_a_model_serves_the_first_training(start_service: StartService) -> None:
    service = start_service(workers=2)
    assert not service.models.exists()
    answer = service.predict(ROW)
    document = assert_problem(answer.status_code, answer.content, answer.headers, expected=503)
    assert int(answer.headers["Retry-After"]) > 0
    assert service.get("/livez").status_code == 200
    assert service.get("/readyz").status_code == 503
    script = document["detail"].partition("run ")[2].partition(" ")[0]
    assert script == "trainer/train.py"
    subprocess.run(
        [sys.executable, script, "--samples", "200", "--epochs", "2"],
        cwd=ROOT,
        env=os.environ | {"NUMNET_MODELS": str(service.models)},
        check=True,
        capture_output=True,
    )
    for _ in range(10):
        assert service.predict(ROW).json()["version"] == "1"
    assert service.get("/readyz").status_code == 200
