"""The first page: what it says about the version in use, and about its requests."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from registry import Registry
from service.dashboard.versions.quality import quality_of
from service.services import services_of
from service.telemetry.request_context import RequestContext
from service.telemetry.telemetry import Telemetry
from tests.service.conftest import MakeClient
from tests.service.dashboard.test_pages import BROWSER
from tests.service.small_models import FEATURES, serve, small_model

OUT_OF_FOLD = {
    "metrics": {
        "out_of_fold": {
            "rmse": 1.0,
            "mae": 0.8,
            "r2": 0.99,
            "rows": 400,
            "rmse_95": [0.9, 1.1],
            "baselines": {"mean": {"rmse": 10.0, "r2": 0.0}, "linear": {"rmse": 5.0, "r2": 0.75}},
        }
    }
}


@pytest.fixture
def served(registry: Registry, client: FlaskClient) -> FlaskClient:
    serve(registry, small_model())
    return client


def test_now_says_what_the_version_predicts_from_what(served: FlaskClient) -> None:
    version = served.get("/now.json").get_json()["version"]
    assert version["number"] == "1"
    assert version["features"] == list(FEATURES)
    assert version["promoted_at"]
    text = served.get("/", headers=BROWSER).text
    assert "predicts" in text
    assert FEATURES[0] in text


def test_errors_are_beside_those_of_simpler_models() -> None:
    found = quality_of(OUT_OF_FOLD)
    assert found is not None
    assert found["rows"] == "each of 400 rows predicted by networks that did not train on it"
    assert [(each["name"], each["rmse"], each["share"]) for each in found["models"]] == [
        ("this version", 1.0, 0.1),
        ("linear model", 5.0, 0.5),
        ("mean", 10.0, 1.0),
    ]
    assert found["rmse_95"] == [0.9, 1.1]


def test_error_of_the_mean_follows_from_r2_if_the_card_has_no_baselines() -> None:
    card = {"metrics": {"test": {"rmse": 1.0, "r2": 0.99}}, "data": {"rows": {"test": 50}}}
    found = quality_of(card)
    assert found is not None
    assert found["rows"] == "50 rows that it was not trained on"
    assert found["models"][1]["name"] == "mean"
    assert found["models"][1]["rmse"] == pytest.approx(10.0)


@pytest.mark.parametrize(
    "card",
    [
        {},
        {"metrics": None},
        {"metrics": {"test": []}},
        {"metrics": {"test": {"rmse": "1"}}},
        {"metrics": {"out_of_fold": {"r2": 0.5}}},
    ],
)
def test_card_without_errors_has_no_quality(card: dict[str, object]) -> None:
    assert quality_of(card) is None


def test_quality_of_an_exact_or_worthless_version_is_finite() -> None:
    for r2, rmse in ((1.0, 0.0), (None, 0.0), (-3.0, 2.0)):
        found = quality_of({"metrics": {"test": {"rmse": rmse, "r2": r2}}})
        assert found is not None
        assert all(0.0 <= each["share"] <= 1.0 for each in found["models"])


def test_traffic_counts_the_requests_of_one_model(
    models: Path, telemetry: Telemetry, make_client: MakeClient
) -> None:
    for name in ("", "pump"):
        serve(Registry.local(models / name), small_model())
    client = make_client(telemetry)

    def answered(model: str | None, status: int, rows: int | None, seconds: float = 0.1) -> None:
        version = None if model is None else "1"
        context = RequestContext("POST", "", "", "", route="/predict", model=model)
        context.version, context.rows = version, rows
        telemetry.meter.observe(context, status, seconds)

    before = client.get("/now/traffic.json").get_json()
    assert (before["requests"], before["rows"], sum(before["durations"])) == (0, 0, 0)
    answered("numnet", 200, 3)
    answered("numnet", 422, None, seconds=100.0)
    answered("pump", 200, 1)
    answered(None, 200, None)
    after = client.get("/now/traffic.json").get_json()
    assert (after["requests"], after["failed"], after["rows"]) == (2, 1, 3)
    durations = dict(zip([*after["bounds"], "longer"], after["durations"], strict=True))
    assert {bound for bound, count in durations.items() if count} == {0.1, "longer"}
    assert after["version"] == "1"
    pump = client.get("/now/traffic.json?model=pump").get_json()
    assert (pump["requests"], pump["failed"], pump["rows"]) == (1, 0, 1)


def test_page_before_the_first_version_says_so(client: FlaskClient) -> None:
    assert client.get("/now.json").get_json()["version"] is None
    text = client.get("/", headers=BROWSER).text
    assert "No version is trained yet" in text
    assert 'id="first-training"' in text


def test_page_without_a_promoted_version_leads_to_the_versions(
    registry: Registry, client: FlaskClient
) -> None:
    serve(registry, small_model())
    for file in (registry_folder(client) / "promotions").iterdir():
        file.unlink()
    assert "There are versions that were not promoted" in client.get("/", headers=BROWSER).text


def registry_folder(client: FlaskClient) -> Path:
    return services_of(client.application).settings.models
