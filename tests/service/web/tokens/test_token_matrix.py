"""Every endpoint with every kind of token: what a token without a right is refused.

The paths come from the routes, so that a new endpoint needs a decision here and in `scopes`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from registry import Registry
from service.web.tokens.authorization import OPEN_PATHS, is_open_to_all
from service.web.tokens.scopes import SCOPES
from tests.service.conftest import ADMIN, TOKEN, MakeClient
from tests.service.small_models import serve, small_model
from tests.service.web.tokens.token_files import line

READ_TOKEN = "a-read-t0ken-of-tests"
# a token: its rights and models in the file
BOUND = {
    "pump-read-t0ken": ("read", "pump"),
    "pump-observe-t0ken": ("observe", "pump"),
    "pump-admin-t0ken": ("admin", "pump"),
    "valve-admin-t0ken": ("admin", "valve,spare-*"),
    "default-read-t0ken": ("read,observe", "numnet"),
    "default-admin-t0ken": ("admin", "numnet"),
    "all-observe-t0ken": ("observe", "*"),
    "all-read-t0ken": ("read", "*"),
    "all-admin-t0ken": ("admin", "*"),
}
GLOBAL = {READ_TOKEN: ("read", "*"), TOKEN: ("admin", "*")}

ANY = "any token"
# What an endpoint without a name in its path is about: a model, all of them, or nothing of a model.
SUBJECTS = {
    "POST /predict": "numnet",
    "POST /invocations": "numnet",
    "GET /health": ANY,
    "GET /version": ANY,
    "GET /models": ANY,
    "GET /models/1": "numnet",
    "GET /models/1/weights.npz": "numnet",
    "GET /models/1/evaluation": "numnet",
    "GET /models/1/model.onnx": "numnet",
    "GET /models/1/report": "numnet",
    "POST /models/1/promote": "numnet",
    "POST /models/rollback": "numnet",
    "POST /retrain": "numnet",
    "GET /retrain": ANY,
    "GET /retrain/JOB": "numnet",
    "GET /retrain/JOB/events": "numnet",
    "DELETE /retrain/JOB": "numnet",
    "GET /data": ANY,
    "GET /data/a.csv": ANY,
    "GET /data/a.csv/report": ANY,
    "POST /data/a.csv": ANY,
    "PUT /data/a.csv": ANY,
    "DELETE /data/a.csv": "*",
    "GET /metrics": "*",
    "GET /openapi.json": "numnet",
    "GET /docs": ANY,
    "GET /docs/start.js": ANY,
    "GET /docs/swagger-ui.css": ANY,
    "GET /": "numnet",
    "GET /now.json": "numnet",
    "GET /now/traffic.json": "numnet",
    "GET /retraining": "numnet",
    "GET /retraining.json": "numnet",
    "GET /retraining/JOB": "numnet",
    "GET /retraining/JOB.json": "numnet",
    "GET /try": "numnet",
    "GET /try.json": "numnet",
    "GET /versions": "numnet",
    "GET /versions.json": "numnet",
    "GET /versions/1": "numnet",
    "GET /versions/1.json": "numnet",
    "GET /versions/compare": "numnet",
    "GET /versions/compare.json": "numnet",
    "GET /v2": ANY,
    "GET /v2/health/live": ANY,
    "GET /v2/health/ready": ANY,
    "GET /v2/models/stats": ANY,
    "POST /v2/repository/index": ANY,
}
ADMIN_ONLY = re.compile("DELETE .*|.* /data.*|POST (/retrain|.*/(promote|rollback|load|unload))")


@pytest.fixture
def client(
    make_client: MakeClient, models: Path, registry: Registry, tmp_path: Path
) -> FlaskClient:
    """A client of a service with the models numnet and pump, and with all kinds of tokens."""
    for each in (registry, Registry.local(models / "pump")):
        serve(each, small_model())
    lines = [line(token, *granted) for token, granted in BOUND.items()]
    (tmp_path / "tokens").write_text("".join(lines))
    return make_client(tokens_file=str(tmp_path / "tokens"), read_token=READ_TOKEN)


@pytest.fixture
def job(client: FlaskClient) -> str:
    """The id of a job of the default model, which is cancelled."""
    found = client.post("/retrain", headers=ADMIN).get_json()["id"]
    assert client.delete(f"/retrain/{found}", headers=ADMIN).status_code == 200
    return str(found)


def requests(app: Flask) -> Iterator[tuple[str, str, Rule]]:
    """Yield method, path and rule of every endpoint that needs a token; the model is pump."""
    values = {
        "name": "pump",
        "version": "1",
        "job_id": "JOB",
        "table": "a.csv",
        "file": "swagger-ui.css",
        "suffix": "onnx",
    }
    for rule in app.url_map.iter_rules():
        if is_open_to_all(app.view_functions[rule.endpoint]):
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values[found[1]], rule.rule)
        if path not in OPEN_PATHS:
            for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
                yield method, path, rule


def allows(granted: tuple[str, str], right: str, subject: str) -> bool:
    rights, models = granted[0].split(","), granted[1].split(",")
    if subject == ANY:
        return right == "read" or "admin" in rights
    return bool({right, "admin"} & set(rights)) and bool({subject, "*"} & set(models))


@pytest.mark.slow
@pytest.mark.parametrize("token", [*BOUND, *GLOBAL])
def test_endpoint_needs_a_right_for_what_it_is_about(
    token: str, client: FlaskClient, job: str
) -> None:
    granted = (BOUND | GLOBAL)[token]
    for method, path, rule in requests(client.application):
        subject = "pump" if "name" in rule.arguments else SUBJECTS[f"{method} {path}"]
        right = "admin" if ADMIN_ONLY.fullmatch(f"{method} {path}") else "read"
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.open(path.replace("JOB", job), method=method, headers=headers)
        expected = allows(granted, right, subject)
        hides_job = "JOB" in path and not allows(granted, "read", subject)
        if hides_job:
            assert answer.status_code == 404
            assert answer.get_json()["detail"] == f"there is no job {job}"
        else:
            assert (answer.status_code not in (401, 403)) == expected, (method, path)
        if answer.status_code == 403:
            whose = "all models (*)" if subject == "*" else f"model {subject}"
            expected_text = f"the token lacks the right {right} for {whose}"
            if subject == ANY or (path == "/retrain" and "admin" not in granted[0]):  # for no model
                expected_text = "the token lacks the right admin"
            assert expected_text in answer.text
        answer.close()


def test_every_endpoint_refuses_requests_without_a_token_and_with_an_unknown_one(
    client: FlaskClient,
) -> None:
    for number, (method, path, _) in enumerate(requests(client.application)):
        assert client.open(path, method=method).status_code == 401, path
        assert client.options(path).status_code == 401, path
        address = {"REMOTE_ADDR": f"192.0.2.{number}"}
        unknown = {"Authorization": "Bearer an-unknown-t0ken"}
        answer = client.open(path, method=method, headers=unknown, environ_base=address)
        assert answer.status_code == 403, path
        assert "the token is unknown" in answer.text
    for path in OPEN_PATHS:
        assert client.get(path).status_code == 200
    assert client.get("/nowhere").status_code == 401


def test_every_endpoint_without_a_name_in_its_path_has_a_decision(client: FlaskClient) -> None:
    app = client.application
    nameless = {each.endpoint for each in app.url_map.iter_rules() if "name" not in each.arguments}
    assert nameless == SCOPES.keys()
    decided = {
        f"{method} {path}" for method, path, rule in requests(app) if "name" not in rule.arguments
    }
    assert decided == SUBJECTS.keys()


def test_endpoint_without_a_decision_is_about_all_models(client: FlaskClient) -> None:
    client.application.add_url_rule("/new", "new.endpoint", lambda: "new")
    for token, granted in (BOUND | GLOBAL).items():
        answer = client.get("/new", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code == 200) == allows(granted, "read", "*"), token


def job_status(client: FlaskClient, token: str, method: str, path: str = "", **body: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return client.open(f"/retrain{path}", method=method, headers=headers, json=body).status_code


def test_job_is_submitted_with_the_right_for_the_model_that_it_names(client: FlaskClient) -> None:
    for token, model, expected in (
        ("pump-read-t0ken", "pump", 403),
        ("valve-admin-t0ken", "pump", 403),
        ("default-admin-t0ken", "pump", 403),
        ("pump-admin-t0ken", "numnet", 403),
        ("pump-admin-t0ken", "nomad", 403),
        ("valve-admin-t0ken", "spare-1", 422),  # nothing says what to train it on
        ("pump-admin-t0ken", "pump", 202),
        (TOKEN, "numnet", 202),
    ):
        assert job_status(client, token, "POST", model=model) == expected, (token, model)
    jobs = client.get("/retrain", headers=ADMIN).get_json()["jobs"]
    assert sorted(each["model"] for each in jobs) == ["numnet", "pump"]


def test_job_is_seen_and_cancelled_with_a_right_for_its_model(client: FlaskClient) -> None:
    assert job_status(client, TOKEN, "POST", model="numnet") == 202
    assert job_status(client, TOKEN, "POST", model="pump") == 202
    jobs = client.get("/retrain", headers=ADMIN).get_json()["jobs"]
    path = {each["model"]: f"/{each['id']}" for each in jobs}["pump"]
    for token, seen, cancelled in (
        ("pump-observe-t0ken", 404, 404),
        ("default-admin-t0ken", 404, 404),
        ("pump-read-t0ken", 200, 403),
        ("pump-admin-t0ken", 200, 200),
    ):
        assert job_status(client, token, "GET", path) == seen
        assert job_status(client, token, "GET", f"{path}/events") == seen
        assert job_status(client, token, "DELETE", path) == cancelled
    for token, models in (
        ("pump-read-t0ken", ["pump"]),
        ("valve-admin-t0ken", []),
        ("all-read-t0ken", ["numnet", "pump"]),
    ):
        headers = {"Authorization": f"Bearer {token}"}
        jobs = client.get("/retrain", headers=headers).get_json()["jobs"]
        assert sorted(each["model"] for each in jobs) == models


def test_error_about_what_to_train_on_names_no_hidden_model(client: FlaskClient) -> None:
    headers = {"Authorization": "Bearer valve-admin-t0ken"}
    answer = client.post("/retrain", headers=headers, json={"model": "spare-1"})
    assert answer.status_code == 422
    assert "there is no model spare-1" in answer.text
    assert "pump" not in answer.text
    assert "numnet" not in answer.text
