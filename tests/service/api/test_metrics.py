"""`GET /metrics`: the counts of all server processes, and the state of model, jobs and memory."""

import dataclasses
import os
import sqlite3
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from config import VERSION
from registry import Registry
from service.api import metrics
from service.services import services_of
from service.telemetry.meter import Meter
from service.telemetry.metric_families import BUCKET_BOUNDS, REFUSAL_REASONS
from service.telemetry.request_context import RequestContext
from service.telemetry.telemetry import Telemetry
from tests.random_ensembles import make_ensemble, make_familiarity
from tests.service.conftest import MakeClient
from tests.service.small_models import publish, serve, small_model, table_model

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def series(text: str, parse: Any = plain) -> Series:
    """Return all samples by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def value(found: Series, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


@pytest.fixture
def client(make_client: MakeClient, telemetry: Telemetry) -> FlaskClient:
    """A client of an application whose requests are counted, each as if it took 0.25 s."""
    client = make_client(telemetry)
    application = client.application.wsgi_app

    def serve(environ: Any, start_response: Any) -> Any:
        statuses = []

        def start(status: str, *rest: Any) -> Any:
            statuses.append(int(status[:3]))
            return start_response(status, *rest)

        answer = application(environ, start)
        telemetry.meter.observe(RequestContext.from_environ(environ), statuses[0], 0.25)
        return answer

    client.application.wsgi_app = serve  # type: ignore[method-assign]
    return client


@pytest.fixture
def meter(telemetry: Telemetry) -> Meter:
    return telemetry.meter


def answered(
    meter: Meter,
    *,
    method: str = "POST",
    route: str | None = "/predict",
    status: int = 200,
    seconds: float = 0.1,
) -> None:
    meter.observe(RequestContext(method, "", "", "", route=route), status, seconds)


def test_requests_are_counted_by_route_dialect_and_status(
    meter: Meter, client: FlaskClient
) -> None:
    for route, status, times in (
        ("/predict", 200, 3),
        ("/predict", 422, 2),
        ("/v2/models/<name>/infer", 200, 1),
        ("/v1/models/<name>:predict", 200, 4),
        ("/invocations", 400, 5),
        (None, 404, 6),
    ):
        for _ in range(times):
            answered(meter, route=route, status=status)
    found = series(client.get("/metrics").text)
    counted = {
        tuple(dict(labels)[name] for name in ("method", "route", "dialect", "status")): number
        for (name, labels), number in found.items()
        if name == "numnet_requests_total" and dict(labels)["method"] == "POST"
    }
    assert counted == {
        ("POST", "/predict", "native", "200"): 3,
        ("POST", "/predict", "native", "422"): 2,
        ("POST", "/v2/models/<name>/infer", "v2", "200"): 1,
        ("POST", "/v1/models/<name>:predict", "tf-serving", "200"): 4,
        ("POST", "/invocations", "mlflow", "400"): 5,
        ("POST", "other", "other", "404"): 6,
    }


def test_exposed_histogram_buckets_are_cumulative(meter: Meter, client: FlaskClient) -> None:
    for seconds in (0.0001, 0.0002, 0.003, 60.0):
        answered(meter, seconds=seconds)
    found = series(client.get("/metrics").text)
    where = {"method": "POST", "route": "/predict", "dialect": "native", "model": ""}
    name = "numnet_request_duration_seconds"
    buckets = [value(found, f"{name}_bucket", le=str(bound), **where) for bound in BUCKET_BOUNDS]
    assert buckets == [1, 2, 2, 2, 2, *[3] * 11]
    assert value(found, f"{name}_bucket", le="+Inf", **where) == 4
    assert value(found, f"{name}_count", **where) == 4
    assert value(found, f"{name}_sum", **where) == pytest.approx(60.0033)


def test_clients_cannot_create_time_series(meter: Meter, client: FlaskClient) -> None:
    client.get("/metrics")
    before = series(client.get("/metrics").text).keys()
    for number in range(50):
        client.open(f"/x{number}", method="GET")
        answered(meter, method=f"M{number}", status=405)
    added = series(client.get("/metrics").text).keys() - before
    assert {dict(labels)["method"] for _, labels in added} == {"GET", "other"}
    assert len([name for name, _ in added if name == "numnet_requests_total"]) == 2


V2_INPUT = {"name": "input", "shape": [1, 4], "datatype": "FP64", "data": [9, 0, 0, -9]}


@pytest.mark.parametrize(
    "sent",
    [
        ("/predict", '{"x1": 9, "x2": 0, "x3": 0, "x4": -9}', "application/json"),
        ("/predict", '{"instances": [[9, 0, 0, -9], [0, 0, 0, 0]]}', "application/json"),
        ("/predict", "x1,x2,x3,x4\n9,0,0,-9\n0,0,0,0\n", "text/csv"),
        ("/invocations", '{"instances": [[9, 0, 0, -9], [0, 0, 0, 0]]}', "application/json"),
        ("/v1/models/numnet:predict", '{"instances": [[9, 0, 0, -9]]}', "application/json"),
        (
            "/v2/models/numnet/infer",
            orjson.dumps({"inputs": [V2_INPUT]}),
            "application/json",
        ),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/csv", "*/*; q=0.9"])
def test_values_out_of_range_are_counted_once_per_feature(
    client: FlaskClient,
    registry: Registry,
    sent: tuple[str, str | bytes, str],
    accept: str,
) -> None:
    path, body, content_type = sent
    serve(registry, small_model())
    headers = {"Content-Type": content_type, "Accept": accept}
    answer = client.post(path, data=body, headers=headers)
    assert answer.status_code == 200
    found = series(client.get("/metrics").text)
    counted = {
        dict(labels)["feature"]: number
        for (name, labels), number in found.items()
        if name == "numnet_out_of_range_values_total" and number
    }
    assert counted == {"x1": 1, "x4": 1}


def test_unseen_categories_are_counted_by_feature(client: FlaskClient, registry: Registry) -> None:
    serve(registry, table_model())
    row = {"size": 0.5, "colour": "mauve", "new": True, "sold": "2024-01-01"}
    for body in (row, {"instances": [row, row]}, {"instances": [row | {"colour": "red"}]}):
        assert client.post("/predict", json=body).status_code == 200
    found = series(client.get("/metrics").text)
    assert value(found, "numnet_unseen_categories_total", model="numnet", feature="colour") == 3


def test_unfamiliar_rows_are_counted(client: FlaskClient, registry: Registry) -> None:
    serve(registry, make_ensemble(familiarity=make_familiarity()))
    known, far = [0.5, 0.5, 0.5], [90.0, -90.0, 90.0]
    row = dict(zip(("x1", "x2", "x3"), far, strict=True))
    for body in (row, {"instances": [known, far, far]}, {"instances": [known]}):
        assert client.post("/predict", json=body).status_code == 200
    found = series(client.get("/metrics").text)
    assert value(found, "numnet_unfamiliar_rows_total", model="numnet") == 3


def test_predictions_are_counted_by_version_and_outcome(
    client: FlaskClient, registry: Registry
) -> None:
    serve(registry, small_model())
    for body in ('{"instances": [[0, 0, 0, 0], [1, 1, 1, 1]]}', '{"x1": 0}', "no JSON"):
        client.post("/predict", data=body, content_type="application/json")
    client.get("/models/1")
    found = series(client.get("/metrics").text)
    asked = {"model": "numnet", "version": "1"}
    assert value(found, "numnet_predictions_total", outcome="success", **asked) == 1
    assert value(found, "numnet_predictions_total", outcome="fail", **asked) == 1
    assert value(found, "numnet_prediction_seconds_total", outcome="fail", **asked) == 0.25
    assert value(found, "numnet_predicted_rows_total", **asked) == 2


def test_prediction_without_a_version_is_counted_by_model(
    client: FlaskClient, models: Path
) -> None:
    publish(Registry.local(models / "pump"), small_model())
    for path, status in (("pump/predict", 503), ("absent/predict", 404)):
        assert client.post(f"/models/{path}", json={}).status_code == status
    found = series(client.get("/metrics").text)
    counted = {
        (dict(labels)["model"], dict(labels)["status"])
        for name, labels in found
        if name == "numnet_requests_total" and dict(labels)["method"] == "POST"
    }
    assert counted == {("pump", "503"), ("", "404")}
    assert not [name for name, _ in found if name == "numnet_predictions_total"]


def test_refusals_and_requests_in_flight_of_all_processes(
    telemetry: Telemetry, client: FlaskClient
) -> None:
    counters = telemetry.counters
    telemetry.meter.count_refusal("overloaded")
    telemetry.meter.set_in_flight(3)
    counters.allocate(1)
    Telemetry.in_slot(counters, 1).meter.set_in_flight(4)
    found = series(client.get("/metrics").text)
    assert value(found, "numnet_requests_in_flight") == 7
    counted = {
        each: value(found, "numnet_requests_refused_total", reason=each) for each in REFUSAL_REASONS
    }
    assert counted == {**dict.fromkeys(REFUSAL_REASONS, 0), "overloaded": 1}
    counters.release(1)
    assert value(series(client.get("/metrics").text), "numnet_requests_in_flight") == 3


def test_current_version_and_its_age(client: FlaskClient, registry: Registry) -> None:
    found = series(client.get("/metrics").text)
    assert value(found, "numnet_model_loaded", model="numnet") == 0
    assert ("numnet_model_version", frozenset({("model", "numnet")})) not in found
    serve(registry, small_model())
    serve(registry, small_model(seed=1))
    found = series(client.get("/metrics").text)
    assert value(found, "numnet_model_loaded", model="numnet") == 1
    assert value(found, "numnet_model_version", model="numnet") == 2
    promoted = registry.current()
    assert promoted is not None
    assert value(found, "numnet_model_promoted_timestamp_seconds", model="numnet") > 1.7e9
    assert value(found, "numnet_model_loads_total", model="numnet") == 1


def test_refused_promotion_is_counted_once(
    client: FlaskClient, registry: Registry, models: Path
) -> None:
    serve(registry, small_model())
    client.get("/readyz")
    serve(registry, small_model(seed=1))
    (models / "2.npz").write_bytes(b"damaged")
    for _ in range(3):
        found = series(client.get("/metrics").text)
    assert value(found, "numnet_model_version", model="numnet") == 1
    assert value(found, "numnet_model_refusals_total", model="numnet") == 1


def test_jobs_are_counted_by_state_without_importing_dbos(
    make_client: MakeClient, tmp_path: Path
) -> None:
    client = make_client()
    found = series(client.get("/metrics").text)
    assert value(found, "numnet_jobs", state="failed") == 0
    assert value(found, "numnet_jobs_database_up") == 1
    assert not vars(services_of(client.application).jobs).get("_client")
    (tmp_path / "state").mkdir()
    with sqlite3.connect(tmp_path / "state" / "jobs.sqlite") as database:
        database.execute("CREATE TABLE workflow_status (no INTEGER)")
    database.close()
    found = series(client.get("/metrics").text)
    assert value(found, "numnet_jobs_database_up") == 0
    assert ("numnet_jobs", frozenset({("state", "failed")})) not in found


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"no database" * 1_000),
        lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(8_000)),
        lambda path: path.mkdir(),
        os.mkfifo,
        lambda path: path.symlink_to(path.name),
    ],
    ids=["garbage", "header alone", "folder", "pipe", "link to itself"],
)
def test_unusable_job_database_leaves_the_other_metrics(
    make_client: MakeClient, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    client = make_client()
    (tmp_path / "state").mkdir()
    damage(tmp_path / "state" / "jobs.sqlite")
    response = client.get("/metrics")
    assert response.status_code == 200
    found = series(response.text)
    assert value(found, "numnet_model_loaded", model="numnet") == 0
    assert value(found, "numnet_workers") == 1


@pytest.mark.parametrize(
    ("source", "name"),
    [("model", "models"), ("jobs", "jobs"), ("counters", "telemetry")],
)
def test_failing_source_leaves_the_other_metrics(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, source: str, name: str
) -> None:
    ours = services_of(client.application)
    broken: dict[str, Any] = {name: types.SimpleNamespace(counters=None)}
    changed = dataclasses.replace(ours, **broken)
    monkeypatch.setattr(metrics, "services", lambda: changed)
    response = client.get("/metrics")
    assert response.status_code == 200
    found = series(response.text)
    assert value(found, "numnet_metrics_up", source=source) == 0
    assert ("numnet_build_info", frozenset({("version", VERSION)})) in found


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="no /proc")
def test_memory_of_every_process(telemetry: Telemetry, client: FlaskClient) -> None:
    found = series(client.get("/metrics").text)
    assert value(found, "numnet_workers") == 1
    resident = value(found, "numnet_process_resident_memory_bytes", process="worker-0")
    assert 20e6 < resident < 4e9
    assert 10e6 < value(found, "numnet_memory_bytes") < resident * 1.2


@pytest.mark.slow
def test_openmetrics_and_text_format_have_the_same_samples(
    client: FlaskClient, registry: Registry
) -> None:
    awkward = ('say "x"', "a\\b", "é\n")
    serve(registry, small_model(awkward))
    body = {"instances": [[9.0, -9.0, 9.0]]}
    assert client.post("/predict", json=body).status_code == 200
    text = client.get("/metrics")
    assert text.content_type == "text/plain; version=0.0.4; charset=utf-8"
    accept = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3"
    other = client.get("/metrics", headers={"Accept": accept})
    assert other.content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    one, same = series(text.text), series(other.text, openmetrics)
    moving = ("numnet_model_age", "numnet_memory", "numnet_process")
    steady = {key: number for key, number in one.items() if not key[0].startswith(moving)}
    assert steady == {key: same[key] for key in steady}
    features = {dict(labels)["feature"] for name, labels in one if name.startswith("numnet_out_of")}
    assert features == set(awkward)


def test_metrics_need_no_token_and_allow_any_host(make_client: MakeClient) -> None:
    client = make_client(hosts=("plant.example",))
    assert client.get("/metrics", headers={"Host": "10.0.0.7:8000"}).status_code == 200
    assert "t0ken" not in client.get("/metrics", headers={"Host": "10.0.0.7:8000"}).text
