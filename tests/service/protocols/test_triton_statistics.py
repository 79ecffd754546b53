"""`/v2/models/…/stats` of several models, which are counted across all protocols."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from registry import Registry
from service.telemetry.model_labels import MOST_MODELS
from service.telemetry.request_context import RequestContext
from service.telemetry.telemetry import Telemetry
from tests.service.conftest import MakeClient
from tests.service.small_models import serve, small_model


@pytest.fixture
def client(
    make_client: MakeClient, telemetry: Telemetry, registry: Registry, models: Path
) -> FlaskClient:
    """A client of an application with a default model and `pump` and `fan`."""
    for of in (registry, Registry.local(models / "pump"), Registry.local(models / "fan")):
        serve(of, small_model())
    return make_client(telemetry)


def predicted(
    telemetry: Telemetry, model: str, version: str, rows: int, *, status: int = 200
) -> None:
    context = RequestContext("POST", "", "", "", route="/x", model=model, version=version)
    context.rows = rows if status == 200 else None
    telemetry.meter.observe(context, status, 0.5)


def stats(client: FlaskClient, path: str = "") -> list[tuple[Any, ...]]:
    """Return name, version, rows, successes and failures of each entry."""
    return [
        (
            each["name"],
            each["version"],
            each["inference_count"],
            each["inference_stats"]["success"]["count"],
            each["inference_stats"]["fail"]["ns"],
        )
        for each in client.get(f"/v2/models{path}/stats").get_json()["model_stats"]
    ]


def test_all_models_that_were_asked_have_statistics(
    client: FlaskClient, telemetry: Telemetry
) -> None:
    predicted(telemetry, "pump", "10", 3)
    predicted(telemetry, "pump", "9", 4)
    predicted(telemetry, "pump", "9", 0, status=422)
    predicted(telemetry, "fan", "1", 5)
    of_pump = [("pump", "9", 4, 1, 500_000_000), ("pump", "10", 3, 1, 0)]
    of_default = ("numnet", "1", 0, 0, 0)
    assert stats(client) == [of_default, ("fan", "1", 5, 1, 0), *of_pump]
    assert stats(client, "/numnet") == [of_default]
    assert stats(client, "/pump") == [("pump", "1", 0, 0, 0), *of_pump]
    assert stats(client, "/pump/versions/1") == [("pump", "1", 0, 0, 0)]
    assert stats(client, "/fan/versions/1") == [("fan", "1", 5, 1, 0)]


def test_models_that_are_counted_together_have_no_statistics(
    client: FlaskClient, telemetry: Telemetry
) -> None:
    for number in range(MOST_MODELS - 2):
        telemetry.meter.start_model(f"m{number}")
    predicted(telemetry, "fan", "1", 5)
    predicted(telemetry, "pump", "1", 3)
    assert stats(client) == [("numnet", "1", 0, 0, 0), ("fan", "1", 5, 1, 0)]
    assert stats(client, "/pump") == stats(client, "/pump/versions/1") == []


def test_model_named_other_has_statistics_of_its_own(
    client: FlaskClient, telemetry: Telemetry, models: Path
) -> None:
    serve(Registry.local(models / "other"), small_model())
    predicted(telemetry, "other", "1", 2)
    assert stats(client, "/other") == [("other", "1", 2, 1, 0)]
    assert stats(client)[1:] == [("other", "1", 2, 1, 0)]
