"""`/retrain`: submit, list, show and cancel jobs. No trainer runs, so jobs stay queued."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import numpy as np
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from registry import Registry
from service.api.retrain import RetrainBody
from service.services import services_of
from service.web.tokens.wrong_tokens import FREE_ATTEMPTS
from tests.patience import DEADLINE_SECONDS
from tests.service.conftest import ADMIN, MakeClient
from tests.service.problem_shape import assert_problem
from tests.service.small_models import FEATURES, promote, publish, serve, small_model
from trainer.jobs import Job
from trainer.solvers import SOLVERS

ROOT = Path(__file__).resolve().parents[3]

EVERYTHING: dict[str, Any] = {
    "model": "plant",
    "data": "tables/plant.csv",
    "targets": ["y", "z"],
    "features": ["a", "b"],
    "weights": "w",
    "encoding": "cp1252",
    "categories": ["a"],
    "missing": "refuse",
    "layers": [4],
    "activation": "silu",
    "solver": "adam",
    "loss": "huber",
    "huber_delta": 0.5,
    "penalty": 0.001,
    "starts": 2,
    "learning_rate": 0.01,
    "schedule": "constant",
    "batch_size": 32,
    "epochs": 100,
    "patience": 10,
    "seed": 7,
    "max_seconds": 1.5,
    "target_mse": 0.01,
    "test_fraction": 0.2,
    "every": "0 3 * * 1-5",
    "promote": False,
    "force": True,
}


def submit(client: FlaskClient, **arguments: Any) -> TestResponse:
    return client.post("/retrain", headers=ADMIN | arguments.pop("headers", {}), **arguments)


@contextmanager
def submitted(client: FlaskClient, **arguments: Any) -> Iterator[dict[str, Any]]:
    """Submit a job, and cancel it at the end."""
    answer = submit(client, **arguments)
    assert answer.status_code == 202, answer.data
    yield answer.get_json()
    assert (
        client.delete(urljoin("/retrain", answer.headers["Location"]), headers=ADMIN).status_code
        == 200
    )


def problem(answer: TestResponse, expected: int) -> dict[str, Any]:
    document = assert_problem(
        answer.status_code, answer.data, dict(answer.headers), expected=expected
    )
    assert ("Link" in answer.headers) == ("job" in document)
    return document


def errors(client: FlaskClient, document: Any) -> list[tuple[str, str]]:
    """Return the errors of a refused body."""
    body = json.dumps(document)
    found = problem(submit(client, data=body, content_type="application/json"), 422)
    assert submit(client, json=found["example"]).status_code == 202
    return [(error["pointer"], error["detail"]) for error in found["errors"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [{}, {"json": {}}, {"data": b""}, {"data": b"", "content_type": "text/plain"}],
)
def test_empty_body_uses_the_defaults(client: FlaskClient, arguments: dict[str, Any]) -> None:
    answer = submit(client, **arguments)
    assert answer.status_code == 202
    job = answer.get_json()
    assert re.fullmatch(r"\d{8}T\d{6}-[0-9a-f]{8}", job["id"])
    assert urljoin("/retrain", answer.headers["Location"]) == f"/retrain/{job['id']}"
    assert client.get(f"/retrain/{job['id']}").get_json() == job
    assert datetime.fromisoformat(job.pop("created_at")).tzinfo
    assert job == {
        "id": job["id"],
        "state": "queued",
        "by": "POST /retrain",
        "model": "numnet",
        "request": {
            "data": "synthetic",
            "targets": [],
            "features": [],
            "weights": None,
            "encoding": None,
            "categories": [],
            "missing": "impute",
            "samples": 5_000,
            "recipe": {},
            "promote": True,
            "force": False,
            "current": None,
        },
        "started_at": None,
        "finished_at": None,
    }


def test_every_option_is_accepted(client: FlaskClient) -> None:
    assert EVERYTHING.keys() == set(RetrainBody().fields) - {"samples", "quantile"}
    with submitted(client, json=EVERYTHING) as job:
        request = job["request"]
        assert request.pop("samples") is request.pop("current") is None
        assert request.pop("recipe") | request == EVERYTHING
    with submitted(client, json={"samples": 200, "loss": "quantile", "quantile": 0.9}) as job:
        assert job["request"]["samples"] == 200
        assert job["request"]["recipe"] == {"loss": "quantile", "quantile": 0.9}


@pytest.mark.parametrize("solver", ["auto", *SOLVERS])
def test_every_solver_is_accepted(client: FlaskClient, solver: str) -> None:
    with submitted(client, json={"solver": solver}) as job:
        assert job["request"]["recipe"]["solver"] == solver


def test_omitted_options_are_those_of_the_current_version(
    registry: Registry, client: FlaskClient
) -> None:
    asked = {"layers": [4], "solver": "adam", "learning_rate": 0.1, "seed": 3}
    version = registry.publish(
        small_model(),
        {"recipe": {"asked": asked}, "data": {"source": "synthetic", "rows": {"training": 300}}},
        np.zeros((2, len(FEATURES))),
    )
    promote(registry, version.number)
    with submitted(client) as job:
        assert (job["request"]["recipe"], job["request"]["samples"]) == (asked, 300)
    with submitted(client, json={"seed": 4, "solver": "l-bfgs"}) as job:
        assert job["request"]["recipe"] == {"layers": [4], "solver": "l-bfgs", "seed": 4}


WRONG_KINDS: dict[str, list[Any]] = {
    "model": ["", "a/b", "3", "promotions", 1, True, None, ["plant"]],
    "data": ["", 1, True, None, [], {}],
    "targets": ["y", 1, None, {}, True],
    "features": ["a", 1, None, {}, True],
    "weights": ["", 1, None, ["w"], False],
    "encoding": ["", 1, None, ["cp1252"]],
    "categories": ["a", 1, None, {}, True],
    "missing": ["", "drop", 1, None],
    "samples": ["200", 200.0, True, None, 9, 100_000_001, -200, [200]],
    "layers": ["4", 4, None, {}, True],
    "activation": ["", "step", "TANH", 1, None, ["tanh"]],
    "solver": ["", "newton", 0, None, True],
    "loss": ["", "absolute", 1, None],
    "huber_delta": ["1", True, None, 0, -1, [1]],
    "quantile": ["0.5", True, None, 0, 1, 2, -0.5],
    "penalty": ["0", False, None, -1e-9],
    "starts": ["1", 1.0, True, None, 0, 1_001],
    "learning_rate": ["1", True, None, 0, -1],
    "schedule": ["", "step", 1, None],
    "batch_size": ["1", 1.5, True, None, 0, 2**53 + 1],
    "epochs": ["1", 1.0, True, None, 0, 2**53 + 1],
    "patience": ["1", 1.0, True, None, 0, 2**53 + 1],
    "seed": ["1", 1.0, True, None, -1, 2**53 + 1],
    "max_seconds": ["1", True, None, 0, -1, [1]],
    "target_mse": ["1", True, None, 0, -1],
    "test_fraction": ["0.1", True, None, 0, 1, [0.1]],
    "every": ["", 1, True, None, ["never"]],
    "promote": ["true", 0, 1, None, []],
    "force": ["true", 0, 1, None, []],
}


def test_wrong_types_are_tested_for_every_field() -> None:
    assert WRONG_KINDS.keys() == RetrainBody().fields.keys()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param(field, value, id=f"{field}={value!r}")
        for field, values in WRONG_KINDS.items()
        for value in values
    ],
)
def test_value_of_a_wrong_type_is_422_with_a_pointer(
    client: FlaskClient, field: str, value: Any
) -> None:
    answer = submit(client, json={"promote": False, field: value})
    (error,) = problem(answer, 422)["errors"]
    assert error["pointer"] == f"/{field}"
    assert error["detail"].startswith("must be ")
    assert f", got {json.dumps(value, separators=(',', ':'))}" in error["detail"]


def test_every_wrong_value_is_listed(client: FlaskClient) -> None:
    found = errors(
        client,
        {"layers": [4, 4.0, True, None, "4", 0], "targets": [1, ""], "sede": 1, "a/b~c": 2},
    )
    assert {pointer for pointer, _ in found} == {
        *(f"/layers/{index}" for index in range(1, 6)),
        "/targets/0",
        "/targets/1",
        "/sede",
        "/a~1b~0c",
    }
    assert ("/sede", "is unknown; did you mean seed?") in found
    assert ("/a~1b~0c", "is unknown") in found
    assert ("/layers/1", "must be a whole number from 1 to 10,000,000, got 4.0") in found


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("target", "targets"),
        ("Data", "data"),
        ("learningRate", "learning_rate"),
        ("max_second", "max_seconds"),
    ],
)
def test_unknown_field_is_answered_with_the_similar_one(
    client: FlaskClient, name: str, meant: str
) -> None:
    document = problem(submit(client, json={name: "Revenue", "xyz": 1, "t" * 50: 1}), 422)
    assert {error["pointer"]: error["detail"] for error in document["errors"]} == {
        f"/{name}": f"is unknown; did you mean {meant}?",
        "/xyz": "is unknown",
        f"/{'t' * 50}": "is unknown",
    }
    assert document["example"].keys() >= {"data", "targets"}


def test_at_most_twenty_wrong_values_are_listed(client: FlaskClient) -> None:
    document = problem(submit(client, json={f"field{n}": n for n in range(30)}), 422)
    assert len(document["errors"]) == 20
    assert document["detail"] == "at least 20 values are wrong"


@pytest.mark.parametrize("document", [None, [], [{}], "text", 1, True])
def test_body_that_is_not_an_object_is_422(client: FlaskClient, document: Any) -> None:
    ((pointer, detail),) = errors(client, document)
    assert (pointer, detail[:23]) == ("", "must be an object, got ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("document", "pointer", "words"),
    [
        ({"batch_size": 32}, "/batch_size", "applies to solver sgd, momentum, nesterov, adam"),
        ({"learning_rate": 0.1, "solver": "bfgs"}, "/learning_rate", "not to bfgs"),
        ({"schedule": "cosine"}, "/schedule", "applies to solver"),
        ({"huber_delta": 1}, "/huber_delta", "applies to loss huber"),
        ({"quantile": 0.9, "loss": "huber"}, "/quantile", "applies to loss quantile"),
        ({"loss": "huber", "solver": "levenberg-marquardt"}, "/loss", "must be squared"),
        ({"penalty": 1, "solver": "bayesian-regularization"}, "/penalty", "must be 0"),
        ({"layers": [4] * 100}, "", "101 layers of weights are too many"),
        ({"layers": [100_000] * 2}, "", "the limit is 10,000,000"),
        ({"every": "daily"}, "/every", "must be never, or five fields, minute hour day"),
        ({"every": "0 0 30 2 *"}, "/every", "of a time that exists"),
        ({"targets": ["y"]}, "", "apply to a file, not to synthetic data"),
        ({"weights": "w"}, "", "apply to a file, not to synthetic data"),
        ({"data": "plant.csv"}, "/targets", "targets is missing"),
        ({"data": "plant.csv", "targets": []}, "/targets", "targets is missing"),
        ({"data": "plant.csv", "targets": ["y"], "samples": 200}, "/samples", "not to a file"),
    ],
    ids=str,
)
def test_invalid_combination_of_options_is_422(
    client: FlaskClient, document: dict[str, Any], pointer: str, words: str
) -> None:
    ((found, detail),) = errors(client, document)
    assert found == pointer
    assert words in detail


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "//etc/passwd",
        "..",
        "../secret.csv",
        "tables/../../secret.csv",
        "tables/..",
        ".",
        "./",
        "/",
        "a\0b.csv",
    ],
)
def test_data_outside_its_folder_is_422(client: FlaskClient, path: str) -> None:
    ((pointer, detail),) = errors(client, {"data": path, "targets": ["y"]})
    assert (pointer, detail) == (
        "/data",
        f"data must be a file inside the data folder, got {path!r}",
    )


@pytest.mark.parametrize("body", [b'{"max_seconds": NaN}', b'{"seed": 1e400}', b"{", b"seed=1"])
def test_invalid_json_is_400(client: FlaskClient, body: bytes) -> None:
    problem(submit(client, data=body, content_type="application/json"), 400)


def test_unsupported_media_type_is_415(client: FlaskClient) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", None):
        problem(submit(client, data=b'{"seed": 1}', content_type=content_type), 415)


@pytest.mark.parametrize(
    ("root", "path", "location"),
    [
        ("", "/retrain", "retrain/{}"),
        ("", "/retrain/", "{}"),
        ("/models/plant", "/retrain", "/models/plant/retrain/{}"),
    ],
)
def test_references_hold_behind_a_proxy_that_strips_a_prefix(
    client: FlaskClient, root: str, path: str, location: str
) -> None:
    for _ in range(2):
        answer = client.post(path, headers=ADMIN, environ_overrides={"SCRIPT_NAME": root})
        job = answer.get_json()
        job_id = job.get("id") or job["job"].rpartition("/")[2]
        reference = answer.headers.get("Location") or answer.headers["Link"]
        assert reference.removeprefix("<").removesuffix('>; rel="related"') == location.format(
            job_id
        )
        assert urljoin(f"http://a.example/models/plant{path}", location.format(job_id)) == (
            f"http://a.example/models/plant/retrain/{job_id}"
        )
    client.delete(f"/retrain/{job_id}", headers=ADMIN)


def test_second_job_is_409_with_a_link_to_the_first(client: FlaskClient) -> None:
    with submitted(client) as job:
        document = problem(submit(client, json={"seed": 1}), 409)
        assert document["type"] == "/problems/job-active"
        assert document["job"] == f"/retrain/{job['id']}"
        assert document["detail"].startswith(f"job {job['id']} is queued")
    with submitted(client):
        pass


def test_same_idempotency_key_returns_the_same_job(client: FlaskClient) -> None:
    for key in ("k", "x" * 255, "é", "a b"):
        headers = {"Idempotency-Key": key}
        with submitted(client, headers=headers, json={"seed": 1}) as job:
            again = submit(client, headers=headers, json={"seed": 1})
            assert (again.status_code, again.get_json()["id"]) == (200, job["id"])
            assert again.headers["Location"] == f"retrain/{job['id']}"
        done = submit(client, headers=headers, json={"seed": 1})
        assert (done.status_code, done.get_json()["state"]) == (200, "cancelled")
    assert len(client.get("/retrain").get_json()["jobs"]) == 4


def test_same_idempotency_key_with_another_body_is_422(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k"}
    with submitted(client, headers=headers, json={"seed": 1}) as job:
        for body in ({"seed": 2}, {}, {"seed": 1, "promote": True}):
            (error,) = problem(submit(client, headers=headers, json=body), 422)["errors"]
            assert error["parameter"] == "Idempotency-Key"
            assert job["id"] in error["detail"]


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_idempotency_key_of_invalid_length_is_422(client: FlaskClient, key: str) -> None:
    (error,) = problem(submit(client, headers={"Idempotency-Key": key}), 422)["errors"]
    assert error == {"parameter": "Idempotency-Key", "detail": "must have 1 to 255 characters"}
    assert client.get("/retrain").get_json() == {"jobs": []}


@pytest.mark.parametrize("job_id", ["none", "0", "%00", "é", "x" * 2_000, "' OR 1=1 --", "a%2Fb"])
def test_unknown_job_is_404(client: FlaskClient, job_id: str) -> None:
    for answer in (
        client.get(f"/retrain/{job_id}"),
        client.get(f"/retrain/{job_id}/events"),
        client.delete(f"/retrain/{job_id}", headers=ADMIN),
    ):
        problem(answer, 404)


def test_jobs_are_listed(client: FlaskClient) -> None:
    assert client.get("/retrain").get_json() == {"jobs": []}
    with submitted(client, json={"seed": 1}) as first:
        pass
    with submitted(client, json={"seed": 2}) as second:
        jobs = client.get("/retrain").get_json()["jobs"]
    assert {job["id"]: job["state"] for job in jobs} == {
        first["id"]: "cancelled",
        second["id"]: "queued",
    }


def test_queued_job_can_be_cancelled(client: FlaskClient) -> None:
    path = urljoin("/retrain", submit(client).headers["Location"])
    for _ in range(2):
        answer = client.delete(path, headers=ADMIN)
        assert (answer.status_code, answer.get_json()["state"]) == (200, "cancelled")
    job = client.get(path).get_json()
    assert job["state"] == "cancelled"
    assert datetime.fromisoformat(job["finished_at"]).tzinfo


def test_text_of_cells_is_shown_to_administrators_alone(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with submitted(client) as document:
        pass
    failed = Job(
        *("a-job", "failed", 7),
        document=document
        | {"id": "a-job", "state": "failed", "error": "line 2: expected a number"},
        whole_error="line 2: expected a number, got 'hunter2'",
    )
    jobs = services_of(client.application).jobs
    monkeypatch.setattr(jobs, "newest", lambda limit, model: [failed])
    monkeypatch.setattr(jobs, "get", lambda job_id: failed)
    for path in ("/retrain", "/retrain/a-job", "/retrain/a-job/events"):
        for headers in ({}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer wrong"}):
            answer = client.get(path, headers=headers)
            assert (answer.status_code, "expected a number" in answer.text) == (200, True)
            assert "hunter2" not in answer.text
        assert "hunter2" in client.get(path, headers=ADMIN).text


def test_wrong_admin_token_for_the_text_of_cells_counts_as_a_guess(client: FlaskClient) -> None:
    for _ in range(FREE_ATTEMPTS):
        assert client.get("/retrain", headers={"Authorization": "Bearer wrong"}).status_code == 200
    assert client.get("/retrain", headers=ADMIN).status_code == 200  # as without a token
    assert client.delete("/retrain/a-job", headers=ADMIN).status_code == 429


def test_job_without_a_running_trainer_has_a_note(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with submitted(client) as job:
        path = f"/retrain/{job['id']}"
        assert "note" not in client.get(path).get_json()
        jobs = services_of(client.application).jobs
        now = jobs._now
        monkeypatch.setattr(jobs, "_now", lambda: now() + 60.0)
        assert "is one running (python -m trainer.worker)?" in client.get(path).get_json()["note"]


@pytest.mark.parametrize("fault", ["a file for a folder", "no database", "no server"])
def test_unusable_database_is_503_and_predictions_continue(
    registry: Registry,
    make_client: MakeClient,
    tmp_path: Path,
    fault: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    serve(registry, small_model())
    state = tmp_path / "useless"
    if fault == "a file for a folder":
        state.touch()
    else:
        state.mkdir()
        (state / "jobs.sqlite").write_bytes(b"no database" * 1000)
    url = "postgresql://somebody:secret@127.0.0.1:1/numnet" if fault == "no server" else ""
    client = make_client(state=state, database_url=url)
    for answer in (
        client.get("/retrain"),
        client.get("/retrain/none"),
        client.get("/retrain/none/events"),
        client.delete("/retrain/none", headers=ADMIN),
        submit(client),
    ):
        document = problem(answer, 503)
        assert int(answer.headers["Retry-After"]) > 0
        for hidden in (str(tmp_path), "127.0.0.1", "secret"):
            assert hidden not in str(document)
    assert "unavailable: the job database cannot be used: " in caplog.text
    assert "secret" not in caplog.text
    row = dict.fromkeys(FEATURES, 0.5)
    assert client.post("/predict", json=row).status_code == 200
    assert client.get("/models").status_code == 200


def test_restored_database_is_used_by_the_next_request(
    make_client: MakeClient, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    state.touch()
    client = make_client()
    problem(client.get("/retrain"), 503)
    state.unlink()
    assert client.get("/retrain").get_json() == {"jobs": []}


@pytest.mark.slow
def test_dbos_is_imported_by_the_first_request_for_jobs(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from registry import Registry
from config import Settings
from service.app import create_app
from tests.service.small_models import FEATURES, serve, small_model

def heavy():
    return {"dbos", "sqlalchemy"} & set(sys.modules)

folder = Path(sys.argv[1])
serve(Registry.local(folder / "models"), small_model())
settings = Settings(models=folder / "models", state=folder / "state", admin_token="t" * 16)
client = create_app(settings).test_client()
admin = {"Authorization": "Bearer " + "t" * 16}
assert client.post("/predict", json=dict.fromkeys(FEATURES, 0.5)).status_code == 200
assert client.get("/models").status_code == 200
assert client.post("/models/1/promote", headers=admin).status_code == 200
assert client.post("/retrain").status_code == 401
assert client.post("/retrain", headers=admin, json={"seed": "1"}).status_code == 422
assert heavy() == set(), heavy()
assert not settings.state.exists()
assert client.get("/retrain").get_json() == {"jobs": []}
assert heavy() == {"dbos", "sqlalchemy"}
"""
    subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(tmp_path)],
        cwd=ROOT,
        check=True,
        timeout=DEADLINE_SECONDS,
    )


def test_version_without_a_recipe_is_retrained_with_the_defaults(
    registry: Registry, client: FlaskClient
) -> None:
    promote(registry, publish(registry, small_model()))
    with submitted(client) as job:
        assert job["request"]["recipe"] == {}
