"""The pages on which models are trained: the form's fields, and jobs in words."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from registry import Registry
from service.dashboard.pages.retraining.options import IMPORTANT, fields
from service.dashboard.pages.retraining.published import training_of
from service.dashboard.pages.retraining.words import (
    badge,
    described,
    outcome_in_words,
    state_in_words,
)
from tests.service.conftest import ADMIN
from tests.service.dashboard.test_pages import BROWSER
from tests.service.small_models import serve, small_model
from trainer.jobs import RECIPE_OPTIONS

REQUEST = {"data": "plant.csv", "targets": ["yield"]}


@pytest.fixture
def served(registry: Registry, client: FlaskClient) -> FlaskClient:
    serve(registry, small_model())
    return client


def test_form_has_a_field_for_every_option() -> None:
    found = fields({})
    assert {each["name"] for each in found} == RECIPE_OPTIONS.keys()
    assert tuple(each["name"] for each in found if each["is_important"]) == IMPORTANT
    assert all(each["default"] and each["help"] and each["inherited"] is None for each in found)


def test_fields_say_what_the_current_version_was_trained_with() -> None:
    card = {"recipe": {"asked": {"layers": [4, 2], "max_seconds": 5.0, "starts": None}}}
    inherited = {each["name"]: each["inherited"] for each in fields(card)}
    assert inherited["layers"] == "4, 2"
    assert inherited["max_seconds"] is None  # applies to one training
    assert inherited["starts"] is None


def test_page_has_the_form_and_the_history(served: FlaskClient) -> None:
    job = served.post("/retrain", headers=ADMIN).get_json()["id"]
    text = served.get("/retraining", headers=BROWSER).text
    assert 'name="huber_delta"' in text
    assert f"retraining/{job}" in text
    data = served.get("/retraining.json").get_json()
    assert data["active"]["id"] == job
    assert data["jobs"][0]["words"] == "Waiting for a trainer"
    assert "loss_history" not in data["jobs"][0]
    shown = served.get(f"/retraining/{job}", headers=BROWSER).text
    assert "Cancel the training" in shown
    served.delete(f"/retrain/{job}", headers=ADMIN)
    assert "Cancelled" in served.get(f"/retraining/{job}", headers=BROWSER).text


def test_stored_tables_are_listed_for_an_administrator_alone(served: FlaskClient) -> None:
    table = "a,y\n" + "".join(f"{row % 7},{row * row}\n" for row in range(12))
    served.post("/data/a.csv", data=table, headers=ADMIN, content_type="text/csv")
    assert served.get("/retraining.json").get_json()["tables"] == []
    assert served.get("/retraining.json", headers=ADMIN).get_json()["tables"] == ["a.csv"]


def test_unknown_job_and_model_are_not_found(served: FlaskClient) -> None:
    assert served.get("/retraining/none.json").status_code == 404
    assert served.get("/retraining.json?model=none").status_code == 404


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ({"state": "queued"}, "Waiting for a trainer"),
        ({"state": "running"}, "Training"),
        ({"state": "running", "phase": "judging"}, "Comparing it with the version in use"),
        (
            {"state": "running", "phase": "training", "epoch": 5, "epochs": 9, "eta_seconds": 61.2},
            "Training: epoch 5 of at most 9, about 1 minute 1 second left",
        ),
        (
            {
                "state": "running",
                "phase": "training",
                "eta_seconds": 9.0,
                "request": {"recipe": {}},
            },
            "Training, about 9 seconds left for the model that is tried",
        ),
        ({"state": "kept_back"}, "Kept back: the version in use stays"),
    ],
    ids=["queued", "begun", "judging", "training", "choosing", "kept-back"],
)
def test_state_is_said_in_words(job: dict[str, Any], words: str) -> None:
    assert state_in_words(job) == words


def test_result_is_said_in_words() -> None:
    verdict = {"promote": False, "reason": "worse", "against": 3}
    metrics = {"rmse": 0.5, "r2": 0.9, "mse": 0.25, "mae": None}
    result = {"version": 4, "verdict": verdict, "metrics": metrics}
    found = described({"state": "kept_back", "request": REQUEST, "result": result})
    assert (found["version"], found["against"], found["reason"]) == (4, 3, "worse")
    assert found["metrics"] == {"RMSE": 0.5, "R²": 0.9}
    assert found["data_words"] == "plant.csv → yield"
    assert not found["is_active"]


@pytest.mark.parametrize(
    ("state", "current", "words", "colour"),
    [
        ("kept_back", "3", "Kept back: the version in use stays", "kept_back"),
        (
            "kept_back",
            "4",
            "Kept back by the gate, then promoted: version 4 is in use",
            "promoted",
        ),
        ("promoted", "4", "Promoted: the new version is in use", "promoted"),
        ("promoted", "3", "Promoted, but no longer in use: version 3 is", "kept_back"),
        ("cancelled", "3", "Cancelled", "cancelled"),
    ],
)
def test_result_agrees_with_the_version_in_use(
    state: str, current: str, words: str, colour: str
) -> None:
    result = {"version": 4} if state != "cancelled" else {}
    job = described({"state": state, "request": REQUEST, "result": result})
    assert outcome_in_words(job, current) == words
    assert badge(job, current) == colour


def test_losses_of_an_ensemble_are_those_of_each_kind_of_its_networks() -> None:
    history = {
        "smooth": [{"train": 0.5, "held_out": 0.6}, {"train": 0.3, "held_out": 0.4}],
        "linear": [{"train": 0.7, "held_out": 0.8}],
    }
    training = {"epochs": 2, "seconds": 8.5, "decisions": ["an ensemble"], "history": history}
    found = training_of({"targets": ["y"], "training": training})
    assert found["decisions"] == ["an ensemble"]
    assert (found["epoch"], found["training_seconds"]) == (2, 8.5)
    assert found["best_loss"] == 0.4
    assert [(each["name"], each["epoch"]) for each in found["loss_history"]] == [
        ("smooth", 1),
        ("smooth", 2),
        ("linear", 1),
    ]


def test_best_loss_of_one_network_is_known_although_its_history_is_thinned() -> None:
    history = [
        {"epoch": epoch, "train_loss": 1.0, "validation_loss": 2.0, "best_loss": 0.5}
        for epoch in (1, 9)
    ]
    assert training_of({"targets": ["y"], "training": {"history": history}})["best_loss"] == 0.5
