"""Tokens that are bound to models: what they show, and what a change of the file does."""

from pathlib import Path

import orjson
import pytest
from flask import Response
from flask.testing import FlaskClient

from registry import Registry
from service.api.retrain import LISTED
from service.app import Application
from service.services import services_of
from service.telemetry.request_context import RequestContext
from service.web.errors import Forbidden
from service.web.tokens import token_file
from service.web.tokens.authorization import authorization_of, check_admin, is_admin, may_read
from service.web.tokens.bound_tokens import BoundTokens
from service.web.tokens.wrong_tokens import FREE_ATTEMPTS
from tests.service.conftest import ADMIN, MakeClient
from tests.service.small_models import FEATURES, publish, serve, small_model
from tests.service.web.tokens.token_files import line
from trainer.jobs import Request

ROW = dict.fromkeys(FEATURES, 0.5)
PUMP, PUMPS, PUMP_ADMIN = "pump-read-t0ken", "all-pumps-t0ken", "pump-admin-t0ken"
DEFAULT = "default-read-t0ken"
BOUND = {
    PUMP: ("read", "pump"),
    PUMPS: ("read", "pump*"),
    PUMP_ADMIN: ("admin", "pump"),
    DEFAULT: ("read", "numnet"),
}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of tokens."""
    path = tmp_path / "tokens"
    path.write_text("".join(line(token, *granted) for token, granted in BOUND.items()))
    return path


@pytest.fixture
def client(make_client: MakeClient, models: Path, registry: Registry, path: Path) -> FlaskClient:
    """A client of a service with the models numnet, pump and valve."""
    serve(registry, small_model())
    for name in ("pump", "valve"):
        serve(Registry.local(models / name), small_model())
    return make_client(tokens_file=str(path))


# Which models a token shows


def test_lists_have_the_models_that_the_token_may_read(client: FlaskClient) -> None:
    document = client.get("/models", headers=bearer(PUMP)).get_json()
    assert document == {
        "models": [{"name": "pump", "default": False, "current": "1"}],
        "current": None,
        "versions": [],
        "promotions": [],
    }
    index = client.post("/v2/repository/index", headers=bearer(PUMP)).get_json()
    assert [each["name"] for each in index] == ["pump"]
    for name in ("pump", "valve"):
        context = RequestContext("POST", "", "", "", route="/x", model=name, version="1", rows=1)
        services_of(client.application).telemetry.meter.observe(context, 200, 0.5)
    statistics = client.get("/v2/models/stats", headers=bearer(PUMP)).get_json()["model_stats"]
    assert [each["name"] for each in statistics] == ["pump"]
    everything = client.get("/models", headers=ADMIN).get_json()
    assert [each["name"] for each in everything["models"]] == ["numnet", "pump", "valve"]
    assert len(everything["versions"]) == 1
    index = client.post("/v2/repository/index", headers=ADMIN).get_json()
    assert [each["name"] for each in index] == ["numnet", "pump", "valve"]
    statistics = client.get("/v2/models/stats", headers=ADMIN).get_json()["model_stats"]
    assert [each["name"] for each in statistics] == ["numnet", "pump", "valve"]


def test_jobs_are_listed_of_the_models_that_the_token_may_read(client: FlaskClient) -> None:
    assert client.post("/retrain", headers=ADMIN).status_code == 202
    for token, count in ((PUMP, 0), (DEFAULT, 1)):
        answer = client.get("/retrain", headers=bearer(token))
        assert len(answer.get_json()["jobs"]) == count


def test_newer_jobs_of_other_models_do_not_displace_jobs_from_the_list(
    client: FlaskClient, models: Path
) -> None:
    jobs = services_of(client.application).jobs
    for name in ("pump", *(f"other-{number}" for number in range(LISTED + 1))):
        jobs.submit(Request(model=name), asked={}, by="a test")
    found = client.get("/retrain", headers=bearer(PUMP)).get_json()["jobs"]
    assert [job["model"] for job in found] == ["pump"]
    assert len(client.get("/retrain", headers=ADMIN).get_json()["jobs"]) == LISTED
    of_other = client.get("/retrain?model=other-3", headers=bearer(PUMP)).get_json()
    assert of_other == {"jobs": []}


def test_idempotency_keys_belong_to_a_model(client: FlaskClient) -> None:
    body = {"data": "table.csv", "targets": ["y"]}
    key = {"Idempotency-Key": "nightly"}
    first = client.post("/retrain", json=body | {"model": "valve"}, headers=ADMIN | key)
    other = client.post("/retrain", json=body | {"model": "pump"}, headers=bearer(PUMP_ADMIN) | key)
    assert (first.status_code, other.status_code) == (202, 202)
    assert first.get_json()["id"] != other.get_json()["id"]
    again = client.post("/retrain", json=body | {"model": "valve"}, headers=ADMIN | key)
    assert (again.status_code, again.get_json()["id"]) == (200, first.get_json()["id"])


def test_refusal_does_not_say_whether_a_model_exists(client: FlaskClient) -> None:
    for method, path in (
        ("GET", "/models/{}"),
        ("POST", "/models/{}/predict"),
        ("POST", "/models/{}/rollback"),
        ("GET", "/v2/models/{}"),
        ("GET", "/v1/models/{}"),
    ):
        there, missing = (
            client.open(path.format(name), method=method, headers=bearer(PUMP), json={})
            for name in ("valve", "nomad")
        )
        assert there.status_code == missing.status_code == 403
        assert there.text.replace("valve", "nomad") == missing.text


def test_error_about_a_missing_model_names_those_that_the_token_may_read(
    client: FlaskClient, models: Path
) -> None:
    def detail(token: str) -> str:
        answer = client.get("/models/pump-9", headers=bearer(token))
        assert answer.status_code == 404
        return str(answer.get_json()["detail"])

    assert detail(PUMPS) == "there is no model pump-9; there is pump"
    for number in range(12):
        publish(Registry.local(models / f"valve-{number}"), small_model())
    assert detail(PUMPS) == "there is no model pump-9; there is pump"


def test_header_chooses_the_model_that_needs_the_right(client: FlaskClient) -> None:
    for headers, status in (
        ({"X-Model": "pump"}, 200),
        ({"X-Model": "valve"}, 403),
        ({}, 403),
        ({"X-Model": ""}, 403),
        ({"X-Model": "*"}, 403),
        ({"X-Model": "pump, valve"}, 403),
    ):
        answer = client.post(
            "/invocations", json={"instances": [ROW]}, headers=headers | bearer(PUMP)
        )
        assert answer.status_code == status, headers
    plain = FlaskClient(client.application, Response)  # it takes the header for documented
    answer = plain.post("/predict", json=ROW, headers=bearer(PUMP) | {"X-Model": "pump"})
    assert answer.status_code == 403  # the header is about /invocations


def test_functions_answer_for_the_token_of_the_request(client: FlaskClient) -> None:
    app = client.application
    for token, admin in ((PUMP, False), (PUMP_ADMIN, True)):
        with app.test_request_context("/models/pump", headers=bearer(token)):
            assert app.preprocess_request() is None
            assert is_admin() == admin
            assert [name for name in ("numnet", "pump", "valve") if may_read(name)] == ["pump"]
            with pytest.raises(Forbidden, match="lacks the right admin for model valve"):
                check_admin("valve")
            if admin:
                check_admin("pump")
    with app.test_request_context("/retrain", headers=ADMIN):
        app.preprocess_request()
        assert is_admin()
        assert may_read("valve")
        check_admin("valve")


# Guessing


def test_known_token_without_the_right_is_no_guess(client: FlaskClient) -> None:
    for _ in range(3 * FREE_ATTEMPTS):
        assert client.get("/models/valve", headers=bearer(PUMP)).status_code == 403
    assert client.get("/models/pump", headers=bearer(PUMP)).status_code == 200


def test_unknown_tokens_block_a_known_one_from_the_same_address(client: FlaskClient) -> None:
    for _ in range(FREE_ATTEMPTS):
        assert client.get("/models/pump", headers=bearer("a-guess")).status_code == 403
    assert client.get("/models/pump", headers=bearer(PUMP)).status_code == 429
    assert fast(client, PUMP) is None


@pytest.mark.parametrize("token", ["é", "\xff", PUMP.upper(), f"{PUMP} x", line(PUMP, "", "")[:64]])
def test_other_text_is_no_token(token: str, client: FlaskClient) -> None:
    assert client.get("/models/pump", headers=bearer(token)).status_code == 403


# The event loop


def fast(client: FlaskClient, token: str, path: str = "/models/pump/predict") -> object:
    app = client.application
    assert isinstance(app, Application)
    fields = {
        b"content-type": b"application/json",
        b"authorization": f"Bearer {token}".encode(),
    }
    context = RequestContext("POST", path, "127.0.0.1", "id")
    return app.fast_path(context, b"", fields, orjson.dumps(ROW))


def test_fast_path_answers_tokens_with_the_right_alone(client: FlaskClient) -> None:
    client.post("/models/pump/predict", json=ROW, headers=ADMIN)  # opens the model
    client.post("/models/valve/predict", json=ROW, headers=ADMIN)
    assert fast(client, PUMP) is not None
    assert fast(client, PUMP, "/models/valve/predict") is None
    assert fast(client, PUMP, "/predict") is None
    assert fast(client, PUMP, "/models/numnet/predict") is None
    assert fast(client, "an-unknown-t0ken") is None
    assert fast(client, "") is None


def test_fast_path_leaves_a_token_to_threads_while_the_file_has_to_be_looked_at(
    make_client: MakeClient, models: Path, registry: Registry, path: Path
) -> None:
    """Otherwise a token that the file limits to a model might do for all, as the read token."""
    serve(registry, small_model())
    client = make_client(tokens_file=str(path), read_token=PUMP)
    client.post("/predict", json=ROW, headers=ADMIN)
    tokens = authorization_of(client.application)
    assert isinstance(tokens, BoundTokens)
    client.get("/models", headers=bearer(PUMP))
    assert fast(client, PUMP, "/predict") is None
    tokens._file._check_at = 0.0  # a look is due
    assert fast(client, PUMP, "/predict") is None


def test_fast_path_still_takes_the_read_token(make_client: MakeClient, path: Path) -> None:
    client = make_client(tokens_file=str(path), read_token="a-read-t0ken-of-tests")
    serve(Registry.local(path.with_name("models")), small_model())
    reader = bearer("a-read-t0ken-of-tests")
    assert client.post("/predict", json=ROW, headers=reader).status_code == 200
    assert fast(client, "a-read-t0ken-of-tests", "/predict") is not None


def test_probes_alone_are_answered_on_the_event_loop(client: FlaskClient) -> None:
    app = client.application
    assert isinstance(app, Application)
    assert app.is_quick("/readyz")
    assert not app.is_quick("/v2/health/live")


# The file


def test_changed_file_is_followed(
    make_client: MakeClient,
    models: Path,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(token_file, "CHECK_SECONDS", 0.0)
    serve(Registry.local(models / "valve"), small_model())
    client = make_client(tokens_file=str(path))
    assert client.get("/models/valve", headers=bearer(PUMP)).status_code == 403
    path.write_text(line(PUMP, "read", "valve"))
    assert client.get("/models/valve", headers=bearer(PUMP)).status_code == 200
    assert client.get("/models/pump", headers=bearer(PUMP_ADMIN)).status_code == 403
    path.write_text("a mistake\n")
    assert client.get("/models/valve", headers=bearer(PUMP)).status_code == 200
    assert "line 1: expected three fields" in caplog.text


def test_without_a_good_file_the_global_tokens_alone_work(
    make_client: MakeClient, registry: Registry, path: Path
) -> None:
    serve(registry, small_model())
    path.write_text("a mistake\n")
    client = make_client(tokens_file=str(path), read_token="a-read-t0ken-of-tests")
    for _ in range(2 * FREE_ATTEMPTS):  # which are no guesses
        answer = client.get("/models/pump", headers=bearer(PUMP))
        assert answer.status_code == 503
        assert answer.get_json()["detail"] == (
            "the file of tokens cannot be used; the log has the reason"
        )
    for headers in (ADMIN, bearer("a-read-t0ken-of-tests")):
        assert client.get("/models/1", headers=headers).status_code == 200
    assert client.get("/models/1").status_code == 401


def test_bound_tokens_work_without_an_admin_token(
    make_client: MakeClient, models: Path, path: Path
) -> None:
    serve(Registry.local(models / "pump"), small_model())
    path.with_name("a file").touch()
    client = make_client(tokens_file=str(path), admin_token="", state=path.with_name("a file"))
    answer = client.post("/models/pump/1/promote", headers=bearer(PUMP_ADMIN))
    assert answer.status_code == 200
    assert client.get("/models/pump", headers=bearer("a-guess")).status_code == 403


def test_preflight_needs_no_token(make_client: MakeClient, path: Path) -> None:
    client = make_client(tokens_file=str(path), cors_origins=("https://a.example",))
    headers = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    assert client.options("/predict", headers=headers).status_code == 200


def test_document_says_that_tokens_of_the_file_are_accepted(client: FlaskClient) -> None:
    document = client.get("/openapi.json", headers=ADMIN).get_json()
    schemes = document["components"]["securitySchemes"]
    assert {name: each["description"] for name, each in schemes.items()} == {
        name: f"the {name} token, or a token of `NUMNET_TOKENS_FILE` with the right `{name}` for "
        "the model"
        for name in ("admin", "read")
    }
    assert document["paths"]["/metrics"]["get"]["security"] == [{"read": []}, {"admin": []}]
    of_pump = client.get("/models/pump/openapi.json", headers=bearer(PUMP)).get_json()
    assert of_pump["components"]["securitySchemes"] == schemes
