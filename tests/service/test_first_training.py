"""How far the training of a first version is, in errors and on the first page."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.first_training import KEPT_SECONDS, FirstTraining, in_words, retry_seconds
from service.services import services_of
from tests.service.conftest import ADMIN
from tests.service.dashboard.test_pages import BROWSER
from tests.service.problem_shape import assert_problem
from trainer.jobs import Job, JobsUnavailable

RUNNING = {"started_at": "2024-01-01T00:00:00Z", "fraction_done": 0.456, "eta_seconds": 12.3}


def job(**document: Any) -> Job:
    return Job("a-job", "running", 1, {"started_at": None} | document)


class Recorded:
    """Jobs that count how often they are looked up."""

    def __init__(self, *found: Job) -> None:
        self.found, self.calls = list(found), 0

    def newest(self, limit: int, is_wanted: object = None) -> list[Job]:
        self.calls += 1
        return self.found


def test_progress_is_said_in_words() -> None:
    assert in_words(job()) == "it waits for a trainer"
    assert in_words(job(started_at="2024-01-01T00:00:00Z")) == "it has begun"
    assert in_words(job(**RUNNING)) == "46 % done, about 12 s left"


@pytest.mark.parametrize(("eta", "seconds"), [(None, 5), (0.1, 1), (12.3, 12), (900.0, 60)])
def test_client_is_told_when_to_ask_again(eta: float | None, seconds: int) -> None:
    assert retry_seconds(job(**({} if eta is None else {"eta_seconds": eta}))) == seconds


def test_job_is_looked_up_once_in_a_while() -> None:
    now = 0.0
    jobs = Recorded(replace(job(), state="failed"), job(**RUNNING))
    training = FirstTraining(jobs, lambda: now)  # type: ignore[arg-type]
    assert [training.progress("numnet") for _ in range(3)] == [
        ("46 % done, about 12 s left", 12)
    ] * 3
    assert jobs.calls == 1
    now = KEPT_SECONDS
    jobs.found = []
    assert training.progress("numnet") is None
    assert jobs.calls == 2


def test_database_that_is_unavailable_tells_nothing() -> None:
    class Unavailable(Recorded):
        def newest(self, limit: int, is_wanted: object = None) -> list[Job]:
            raise JobsUnavailable("gone")

    assert FirstTraining(Unavailable()).progress("numnet") is None  # type: ignore[arg-type]


def test_error_and_first_page_say_that_a_version_is_being_trained(client: FlaskClient) -> None:
    assert "run trainer/train.py" in client.get("/readyz").get_json()["detail"]
    submitted = client.post("/retrain", headers=ADMIN).get_json()["id"]
    first_training = services_of(client.application).first_training
    first_training._found.clear()
    for answer in (client.get("/readyz"), client.post("/predict", json={"x1": 0.5})):
        problem = assert_problem(
            answer.status_code, answer.data, dict(answer.headers), expected=503
        )
        assert problem["detail"] == (
            "there is no version yet; a version is being trained: it waits for a trainer"
        )
        assert answer.headers["Retry-After"] == "5"
    page = client.get("/", headers=BROWSER).text
    assert "it waits for a trainer" in page
    assert f"retraining/{submitted}" in page
    client.delete(f"/retrain/{submitted}", headers=ADMIN)
    first_training._found.clear()
    assert client.get("/now.json").get_json()["first_training"] is None
