"""Retrainings, from the request to the version that is served, with a service and a trainer."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from registry import Registry
from tests.e2e.conftest import ADMIN, ROOT, Service, StartService
from tests.e2e.jobs.watching import Watching
from tests.patience import DEADLINE_SECONDS, until
from tests.service.problem_shape import assert_problem
from tests.service.small_models import FEATURES, publish, serve, small_model

ROW = dict.fromkeys(FEATURES, 0.5)
QUICK = {"samples": 200, "layers": [4], "epochs": 20, "max_seconds": 2}
ENDLESS = {  # except for its time limit
    "samples": 200,
    "layers": [4],
    "solver": "adam",
    "epochs": 10**9,
    "patience": 10**9,
    "max_seconds": 3600,
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service of two processes with a trainer; tests leave no active job behind."""
    folder = tmp_path_factory.mktemp("retrain")
    running = Service(folder / "models", folder / "out", workers=2)
    running.start()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMNET_")}
    with (folder / "trainer.log").open("wb") as log:
        trainer = subprocess.Popen(
            [sys.executable, "-m", "trainer.worker"],
            cwd=ROOT,
            env={
                **kept,
                "NUMNET_MODELS": str(running.models),
                "NUMNET_STATE": str(running.output / "state"),
                "NUMNET_DATA": str(folder / "data"),
            },
            stderr=log,
        )
    yield running
    trainer.send_signal(signal.SIGTERM)
    assert trainer.wait(DEADLINE_SECONDS) == 0, (folder / "trainer.log").read_text()
    assert running.stop() == 0
    assert [entry for entry in running.log() if entry["level"] == "ERROR"] == []


def submit(service: Service, body: dict[str, Any]) -> str:
    answer = requests.post(
        f"{service.url}/retrain", json=body, headers=ADMIN, timeout=DEADLINE_SECONDS
    )
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"].removeprefix("retrain/")


def job(service: Service, job_id: str) -> dict[str, Any]:
    document: dict[str, Any] = service.get(f"/retrain/{job_id}").json()
    return document


def ended(service: Service, job_id: str) -> dict[str, Any]:
    """Wait until a job has ended, and return it."""
    with Watching(service, job_id) as watching:
        *_, (_, document) = watching.events()
    assert document == job(service, job_id)
    return document


def test_a_retraining_can_be_watched_until_its_version_is_served(service: Service) -> None:
    assert service.predict(ROW).status_code == 503
    job_id = submit(service, ENDLESS | {"max_seconds": 3})
    with Watching(service, job_id) as watching:
        events = list(watching.events())
    numbers = [number for number, _ in events]
    assert numbers == sorted(set(numbers))
    jobs = [document for _, document in events]
    states = [document["state"] for document in jobs]
    assert states == sorted(states, key=["queued", "running", "promoted"].index)
    assert states.count("running") >= 2
    fractions = [document["fraction_done"] for document in jobs if "fraction_done" in document]
    assert fractions == sorted(fractions)
    last = jobs[-1]
    assert (last["state"], last["result"]["version"]) == ("promoted", 1)
    assert last["created_at"] <= last["started_at"] <= last["finished_at"]
    assert last["loss_history"]
    assert service.predict(ROW).json()["version"] == "1"
    (listed,) = service.get("/retrain").json()["jobs"]
    assert listed == {key: value for key, value in last.items() if key != "loss_history"}
    (version,) = service.get("/models").json()["versions"]
    assert version["job"] == job_id

    with Watching(service, job_id, f"Last-Event-ID: {numbers[-1]}") as again:
        assert again.status == 204
    with Watching(service, job_id, f"Last-Event-ID: {numbers[0]}") as again:
        assert list(again.events()) == [events[-1]]
    answer = requests.delete(
        f"{service.url}/retrain/{job_id}", headers=ADMIN, timeout=DEADLINE_SECONDS
    )
    problem = assert_problem(answer.status_code, answer.content, answer.headers, expected=409)
    assert problem["type"] == "/problems/job-finished"
    assert problem["job"] == f"/retrain/{job_id}"

    answer = service.get("/models/1/weights.npz")
    with np.load(io.BytesIO(answer.content), allow_pickle=False) as arrays:
        assert arrays["weights_0"].shape == (4, 4)


def test_a_worse_version_is_kept_back_with_a_verdict(service: Service) -> None:
    document = ended(service, submit(service, QUICK | {"epochs": 1, "solver": "sgd"}))
    assert document["state"] == "kept_back"
    assert document["result"]["verdict"]["reason"]
    assert service.predict(ROW).json()["version"] == "1"
    number = document["result"]["version"]
    answer = requests.post(
        f"{service.url}/models/{number}/promote", headers=ADMIN, timeout=DEADLINE_SECONDS
    )
    assert answer.json()["previous"] == "1"
    assert service.predict(ROW).json()["version"] == str(number)
    answer = requests.post(
        f"{service.url}/models/rollback", headers=ADMIN, timeout=DEADLINE_SECONDS
    )
    assert answer.json()["version"] == "1"
    assert service.predict(ROW).json()["version"] == "1"


def test_a_failed_job_has_the_reason(service: Service) -> None:
    document = ended(service, submit(service, {"data": "missing.csv", "targets": ["y"]}))
    assert document["state"] == "failed"
    assert document["error"] == "the data folder does not exist: set NUMNET_DATA"


def test_a_running_job_can_be_cancelled_and_another_one_submitted(service: Service) -> None:
    job_id = submit(service, ENDLESS)
    until(lambda: job(service, job_id).get("epoch"))
    answer = requests.post(f"{service.url}/retrain", headers=ADMIN, timeout=DEADLINE_SECONDS)
    problem = assert_problem(answer.status_code, answer.content, answer.headers, expected=409)
    assert problem["job"] == f"/retrain/{job_id}"
    versions = len(service.get("/models").json()["versions"])
    with Watching(service, job_id) as watching:
        watching.next()
        answer = requests.delete(
            f"{service.url}/retrain/{job_id}", headers=ADMIN, timeout=DEADLINE_SECONDS
        )
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        *_, (last, document) = watching.events()  # the job alone would take an hour
        assert document["state"] == "cancelled"
    assert ended(service, submit(service, QUICK))["state"] in ("promoted", "kept_back")
    assert len(service.get("/models").json()["versions"]) == versions + 1
    with Watching(service, job_id, f"Last-Event-ID: {last}") as again:
        assert again.status == 204


def test_simultaneous_retrainings_are_refused_except_one(service: Service) -> None:
    def ask(number: int) -> requests.Response:
        return requests.post(
            f"{service.url}/retrain",
            json=QUICK | {"seed": number},
            headers=ADMIN,
            timeout=DEADLINE_SECONDS,
        )

    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(ask, range(8)))
    assert sorted(answer.status_code for answer in answers) == [202, *[409] * 7]
    (path,) = {f"/{answer.headers['Location']}" for answer in answers if answer.status_code == 202}
    assert {answer.json()["job"] for answer in answers if answer.status_code == 409} == {path}
    ended(service, path.removeprefix("/retrain/"))


def test_simultaneous_first_requests_create_one_database(
    start_service: StartService,
) -> None:
    service = start_service(workers=2)
    with ThreadPoolExecutor(12) as clients:
        answers = list(clients.map(lambda _: service.get("/retrain"), range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert [entry for entry in service.log() if entry["level"] != "INFO"] == []


def test_a_service_with_a_read_only_state_folder_predicts(
    start_service: StartService, tmp_path: Path
) -> None:
    serve(Registry.local(tmp_path / "models"), small_model())
    state = tmp_path / "state"
    state.mkdir(mode=0o555)
    # root may write anywhere, unless it drops the capability
    wrapper = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    settings = {"NUMNET_STATE": str(state), "NUMNET_ADMIN_TOKEN": ""}
    service = start_service(wrapper=wrapper, settings=settings)
    assert service.predict(ROW).status_code == 200
    for method, path in (("POST", "/retrain"), ("POST", "/models/1/promote"), ("GET", "/retrain")):
        answer = requests.request(
            method, service.url + path, headers=ADMIN, timeout=DEADLINE_SECONDS
        )
        problem = assert_problem(answer.status_code, answer.content, answer.headers, expected=503)
        assert method == "GET" or "set NUMNET_ADMIN_TOKEN" in problem["detail"]
    assert service.predict(ROW).status_code == 200
    assert list(state.iterdir()) == []


def test_every_process_serves_a_promotion_once_it_is_answered(
    start_service: StartService, tmp_path: Path
) -> None:
    registry = Registry.local(tmp_path / "models")
    for seed in range(3):
        publish(registry, small_model(seed=seed))
    serve(registry, small_model(seed=3))
    service = start_service(workers=2)
    with ExitStack() as open_:
        sessions: list[requests.Session] = []

        def ask(session: requests.Session) -> tuple[str, str]:
            """Return the version that was used, and the process that answered."""
            answer = session.post(f"{service.url}/predict", json=ROW, timeout=DEADLINE_SECONDS)
            return answer.json()["version"], answer.headers["X-Request-ID"].partition("-")[0]

        def one_more() -> bool:
            sessions.append(open_.enter_context(requests.Session()))
            return len(sessions) > 8 and len({process for _, process in map(ask, sessions)}) == 2

        until(one_more)

        def served() -> set[str]:
            return {version for version, _ in map(ask, sessions)}

        assert served() == {"4"}
        for turn in range(12):
            for action in ("1/promote", "2/promote", "rollback", "3/promote"):
                session = sessions[turn % len(sessions)]
                answer = session.post(
                    f"{service.url}/models/{action}", headers=ADMIN, timeout=DEADLINE_SECONDS
                )
                assert served() == {answer.json()["version"]}
