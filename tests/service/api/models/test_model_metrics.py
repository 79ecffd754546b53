"""`GET /metrics` of several models."""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from registry import Models, Registry, StorageError
from service.services import services_of
from service.telemetry.model_labels import MOST_MODELS
from service.telemetry.telemetry import Telemetry
from tests.service.conftest import MakeClient
from tests.service.small_models import FEATURES, promote, publish, serve, small_model

ROW = dict.fromkeys(FEATURES, 0.5)


def by_model(client: FlaskClient, name: str) -> dict[str, float]:
    """Return a metric's samples by the label `model`."""
    return {
        sample.labels["model"]: sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
        if sample.name == name
    }


def number_of_models(client: FlaskClient) -> float:
    [line] = [
        each
        for each in client.get("/metrics").text.splitlines()
        if each.startswith("numnet_models ")
    ]
    return float(line.split()[1])


@pytest.fixture
def many(models: Path, registry: Registry) -> Callable[[int], list[str]]:
    """Copy one model until there are as many as asked, with the default. Return their names."""
    serve(registry, small_model())
    serve(Registry.local(models / "m000"), small_model(seed=1))

    def copy(count: int) -> list[str]:
        names = [f"m{number:03}" for number in range(count - 1)]
        for name in names[1:]:
            shutil.copytree(models / names[0], models / name)
        return ["numnet", *names]

    return copy


def test_every_model_has_gauges_of_its_own(
    client: FlaskClient, registry: Registry, models: Path
) -> None:
    pump = Registry.local(models / "pump")
    created = {"numnet": "2026-01-01T00:00:00+00:00", "pump": "2026-01-01T00:00:01+00:00"}
    for name, of in (("numnet", registry), ("pump", pump)):
        card = {"created_at": created[name]}
        promote(of, of.publish(small_model(), card, np.zeros((2, 4))).number)
    serve(pump, small_model(seed=1))
    promote(pump, 1)
    publish(Registry.local(models / "unpromoted"), small_model())
    assert by_model(client, "numnet_model_loaded") == {"numnet": 1, "pump": 1, "unpromoted": 0}
    assert by_model(client, "numnet_model_version") == {"numnet": 1, "pump": 1}
    times = by_model(client, "numnet_model_created_timestamp_seconds")
    assert times == {"numnet": 1767225600, "pump": 1767225601}
    promoted = by_model(client, "numnet_model_promoted_timestamp_seconds")
    assert promoted == {
        name: datetime.fromisoformat(of.history()[-1].at).timestamp()
        for name, of in (("numnet", registry), ("pump", pump))
    }
    ages = by_model(client, "numnet_model_age_seconds")
    assert ages["numnet"] - ages["pump"] == pytest.approx(1, abs=1e-3)


def test_scrape_loads_no_model(client: FlaskClient, many: Callable[[int], list[str]]) -> None:
    names = many(3)
    assert by_model(client, "numnet_model_version") == dict.fromkeys(names, 1)
    assert services_of(client.application).models.others() == []
    assert by_model(client, "numnet_model_loads_total") == {"numnet": 1, "m000": 0, "m001": 0}


def test_promotion_and_deletion_of_a_model_show(
    client: FlaskClient, many: Callable[[int], list[str]], models: Path
) -> None:
    many(3)
    assert by_model(client, "numnet_model_version") == {"numnet": 1, "m000": 1, "m001": 1}
    serve(Registry.local(models / "m000"), small_model(seed=2))
    assert by_model(client, "numnet_model_version") == {"numnet": 1, "m000": 2, "m001": 1}
    (models / "m000" / "2.npz").write_bytes(b"damaged")
    shutil.rmtree(models / "m001")
    assert by_model(client, "numnet_model_version") == {"numnet": 1, "m000": 1}
    assert by_model(client, "numnet_model_loaded") == {"numnet": 1, "m000": 1}


def test_up_to_100_models_are_shown_before_their_first_request(
    client: FlaskClient, many: Callable[[int], list[str]]
) -> None:
    names = many(MOST_MODELS)
    for gauge in ("numnet_model_loaded", "numnet_model_version"):
        assert by_model(client, gauge) == dict.fromkeys(names, 1)
    assert by_model(client, "numnet_model_refusals_total") == dict.fromkeys(names, 0)


def test_of_more_than_100_models_the_first_that_are_asked_are_shown(
    client: FlaskClient, many: Callable[[int], list[str]]
) -> None:
    names = many(MOST_MODELS + 3)
    assert number_of_models(client) == MOST_MODELS + 3
    assert by_model(client, "numnet_model_loaded") == {"numnet": 1}
    asked = names[:0:-1]  # the last one first
    for name in asked:
        assert client.post(f"/models/{name}/predict", json=ROW).status_code == 200
    own = asked[: MOST_MODELS - 1]
    assert by_model(client, "numnet_model_loaded").keys() == {"numnet", *own}
    assert by_model(client, "numnet_model_loads_total") == {
        **dict.fromkeys(["numnet", *own], 1),
        "other": 3,
    }


def test_every_process_shows_the_same_models(
    make_client: MakeClient, telemetry: Telemetry, many: Callable[[int], list[str]], models: Path
) -> None:
    names = many(MOST_MODELS + 3)
    telemetry.counters.allocate(1)
    one = make_client(telemetry)
    other = make_client(Telemetry.in_slot(telemetry.counters, 1))
    for client, name in ((one, names[7]), (other, names[5])):
        assert client.post(f"/models/{name}/predict", json=ROW).status_code == 200
    for client in (one, other):
        for gauge in ("numnet_model_loaded", "numnet_model_version"):
            assert by_model(client, gauge) == dict.fromkeys(["numnet", names[5], names[7]], 1)


@pytest.mark.parametrize("default", ["numnet", "other"])
def test_model_named_other_is_not_mixed_with_the_rest(
    make_client: MakeClient, registry: Registry, models: Path, default: str
) -> None:
    serve(registry, small_model())
    if default != "other":
        serve(Registry.local(models / "other"), small_model(seed=1))
    client = make_client(model_name=default)
    assert client.post("/models/other/predict", json=ROW).status_code == 200
    expected = {default, "other"} - {"other"} | {"other (model)"}
    for name in ("numnet_model_loaded", "numnet_model_version", "numnet_model_loads_total"):
        assert by_model(client, name) == dict.fromkeys(expected, 1)


def test_models_that_cannot_be_listed_leave_the_default(
    client: FlaskClient, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(models: Models) -> list[str]:
        raise StorageError("the disk fails")

    serve(registry, small_model())
    monkeypatch.setattr(Models, "others", fail)
    assert by_model(client, "numnet_model_version") == {"numnet": 1}
    assert "numnet_models " not in client.get("/metrics").text


def test_refused_promotions_are_counted_by_model(
    client: FlaskClient, many: Callable[[int], list[str]], models: Path
) -> None:
    many(3)
    serve(Registry.local(models / "m001"), small_model(seed=3))
    (models / "m001" / "2.npz").write_bytes(b"damaged")
    for _ in range(2):
        assert client.post("/models/m001/predict", json=ROW).status_code == 200
    counted = by_model(client, "numnet_model_refusals_total")
    assert counted == {"numnet": 0, "m000": 0, "m001": 1}
