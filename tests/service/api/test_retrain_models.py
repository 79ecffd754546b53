"""`/retrain` with several models. No trainer runs, so jobs stay queued."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config.model_names import EXPECTED
from registry import Models
from tests.service.conftest import ADMIN, MakeClient
from tests.service.problem_shape import assert_problem
from tests.service.small_models import FEATURES, promote, small_model
from tests.trainer.installation import age_database

ASKED = {"layers": [4], "seed": 3}


@pytest.fixture
def plant(models: Path) -> None:
    """A model `plant`, trained on a table, and an unpromoted one `pump`."""
    for name in ("plant", "pump"):
        registry = Models.local(models, "numnet").registry(name)
        card = {"recipe": {"asked": ASKED}, "data": {"source": f"{name}.csv"}}
        version = registry.publish(small_model(), card, np.zeros((2, len(FEATURES))))
        if name == "plant":
            promote(registry, version.number)


def submit(client: FlaskClient, **asked: Any) -> TestResponse:
    return client.post("/retrain", headers=ADMIN, json=asked)


def submitted(client: FlaskClient, **asked: Any) -> dict[str, Any]:
    answer = submit(client, **asked)
    assert answer.status_code == 202, answer.data
    document: dict[str, Any] = answer.get_json()
    return document


def refusal(client: FlaskClient, **asked: Any) -> tuple[str, str]:
    """Return the pointer and the detail of the one error."""
    answer = submit(client, **asked)
    document = assert_problem(answer.status_code, answer.data, dict(answer.headers), expected=422)
    [error] = document["errors"]
    return error["pointer"], error["detail"]


@pytest.mark.usefixtures("plant")
def test_omitted_options_are_those_of_the_named_model(client: FlaskClient) -> None:
    job = submitted(client, model="plant")
    assert job["model"] == job["request"]["model"] == "plant"
    assert (job["request"]["data"], job["request"]["recipe"]) == ("plant.csv", ASKED)
    assert job["request"]["current"] == 1
    default = submitted(client)
    assert (default["model"], "model" in default["request"]) == ("numnet", False)
    assert (default["request"]["data"], default["request"]["recipe"]) == ("synthetic", {})


def test_name_of_the_default_means_the_default(make_client: MakeClient) -> None:
    client = make_client(model_name="main")
    job = submitted(client, model="main")
    assert (job["model"], "model" in job["request"]) == ("main", False)
    assert submit(client).status_code == 409
    again = client.post("/retrain", headers=ADMIN | {"Idempotency-Key": "k"}, json={})
    assert again.status_code == 409
    assert client.delete(f"/retrain/{job['id']}", headers=ADMIN).get_json()["model"] == "main"


def test_key_of_a_request_for_another_model_is_another_key(client: FlaskClient) -> None:
    keyed = ADMIN | {"Idempotency-Key": "k"}
    body = {"model": "plant", "data": "plant.csv", "targets": ["y"]}
    assert client.post("/retrain", headers=keyed, json=body).status_code == 202
    assert client.post("/retrain", headers=keyed, json=body).status_code == 200
    for other in (body | {"model": "pump"}, body | {"model": "numnet"}):
        assert client.post("/retrain", headers=keyed, json=other).status_code == 202


def test_model_that_does_not_exist_is_made_if_its_data_are_given(client: FlaskClient) -> None:
    pointer, detail = refusal(client, model="plnat", layers=[4])
    assert pointer == "/model"
    assert detail == (
        "there is no model plnat; there is numnet; give data to train its first version"
    )
    job = submitted(client, model="plnat", data="plant.csv", targets=["y"])
    assert (job["model"], job["request"]["current"]) == ("plnat", None)
    submitted(client, model="example", data="synthetic")


@pytest.mark.usefixtures("plant")
def test_refusal_names_the_models_there_are(client: FlaskClient) -> None:
    _, detail = refusal(client, model="plnat")
    assert "there are numnet, plant, pump; give data" in detail


@pytest.mark.usefixtures("plant")
def test_model_without_a_current_version_needs_data(client: FlaskClient) -> None:
    assert refusal(client, model="pump") == (
        "/model",
        "model pump has no current version; give data to train its first version",
    )
    assert submitted(client, model="pump", data="pump.csv", targets=["y"])["model"] == "pump"


@pytest.mark.parametrize("name", ["../models", "a b", "7", "é", "x" * 65])
def test_what_cannot_be_a_name_is_refused(client: FlaskClient, name: str) -> None:
    pointer, detail = refusal(client, model=name, data="a.csv", targets=["y"])
    assert pointer == "/model"
    assert detail.startswith(f"must be {EXPECTED}, got ")


def test_without_a_token_no_name_is_looked_up(client: FlaskClient) -> None:
    assert client.post("/retrain", json={"model": "plant"}).status_code == 401


@pytest.mark.usefixtures("plant")
def test_each_model_has_one_active_job(client: FlaskClient) -> None:
    plant, default = submitted(client, model="plant"), submitted(client)
    for asked, job in (({"model": "plant"}, plant), ({}, default), ({"model": "numnet"}, default)):
        answer = submit(client, **asked)
        document = assert_problem(
            answer.status_code, answer.data, dict(answer.headers), expected=409
        )
        assert document["job"] == f"/retrain/{job['id']}"
        assert f"job {job['id']} is queued, and only one job of a model" in document["detail"]
    client.delete(f"/retrain/{plant['id']}", headers=ADMIN)
    assert submitted(client, model="plant")["id"] != plant["id"]
    assert submit(client).status_code == 409


@pytest.mark.usefixtures("plant")
def test_list_is_filtered_by_model(client: FlaskClient) -> None:
    jobs = [submitted(client, model="plant"), submitted(client)]

    def listed(path: str) -> set[str]:
        return {job["id"] for job in client.get(path).get_json()["jobs"]}

    plant, default = ({job["id"]} for job in jobs)
    assert listed("/retrain") == listed("/retrain?other=x") == plant | default
    assert listed("/retrain?model=plant") == plant
    assert listed("/retrain?model=numnet") == default
    assert listed("/retrain?model=pump") == listed("/retrain?model=") == set()
    assert client.get(f"/retrain/{jobs[0]['id']}").get_json()["model"] == "plant"
    events = client.get(f"/retrain/{jobs[0]['id']}/events")
    assert b'"model":"plant"' in next(iter(events.response))
    events.close()


def test_jobs_stored_by_earlier_releases_are_the_default_models(
    make_client: MakeClient, tmp_path: Path
) -> None:
    client = make_client(model_name="main")
    job = submitted(client)
    age_database(tmp_path / "state" / "jobs.sqlite")
    stored = client.get(f"/retrain/{job['id']}").get_json()
    assert (stored["model"], "model" in stored["request"]) == ("main", False)
    assert [each["id"] for each in client.get("/retrain?model=main").get_json()["jobs"]] == [
        job["id"]
    ]
    assert submit(client).status_code == 409


def test_model_in_the_query_is_refused_when_a_job_is_submitted(client: FlaskClient) -> None:
    answer = client.post("/retrain?model=plant", headers=ADMIN)
    assert answer.status_code == 422
    assert answer.get_json()["errors"] == [
        {"parameter": "model", "detail": "is a member of the body here"}
    ]
