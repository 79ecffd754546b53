"""Alert rules and the dashboard query metrics and labels that exist."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from config import Settings
from registry import Registry
from service.app import create_app
from service.telemetry.metric_families import FAMILIES
from tests.documents import ROOT, sections
from tests.service.small_models import promote, small_model

OPERATIONS = "docs/operations.md"
TARGET_LABELS = {"instance", "job"}  # added by Prometheus
OUR_LABELS = {
    "numnet_build_info": {"version"},
    "numnet_jobs": {"state"},
    "numnet_metrics_up": {"source"},
    "numnet_process_resident_memory_bytes": {"process"},
    "numnet_model_loaded": {"model"},
    "numnet_model_version": {"model"},
    "numnet_model_age_seconds": {"model"},
    "numnet_model_created_timestamp_seconds": {"model"},
    "numnet_model_promoted_timestamp_seconds": {"model"},
}
_SELECTOR = re.compile(r"\b(numnet_\w+)(?:\{([^}]*)\})?")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the metrics of a service with a model."""
    folder = tmp_path_factory.mktemp("monitored")
    registry = Registry.local(folder / "models")
    card = {"created_at": "2026-01-01T00:00:00+00:00"}
    version = registry.publish(small_model(), card, np.zeros((2, 4)))
    promote(registry, version.number)
    app = create_app(Settings(models=folder / "models", state=folder / "state"))
    return app.test_client().get("/metrics").text


@pytest.fixture(scope="module")
def exposed(page: str) -> set[str]:
    """Return the names of all metrics, as queries use them."""
    suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
    return {
        family.name + suffix
        for family in text_string_to_metric_families(page)
        for suffix in suffixes.get(family.type, [""])
    }


def blocks() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the scrape configuration and the alert rules."""
    scrape, rules = [
        yaml.safe_load(code)
        for language, code in sections(OPERATIONS)["Monitoring"]
        if language == "yaml"
    ]
    return scrape, rules


def dashboard() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "deploy/grafana-dashboard.json").read_text())
    return document


def expressions() -> Iterator[str]:
    for group in blocks()[1]["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]
    board = dashboard()
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for annotation in board["annotations"]["list"]:
        yield annotation["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["definition"]


def labels_of(metric: str) -> set[str]:
    """Return the labels of a metric."""
    for suffix in ("_total", "_bucket", "_sum", "_count"):
        if family := FAMILIES.get(metric.removesuffix(suffix)):
            return {*family.labels, *(["le"] if suffix == "_bucket" else [])}
    return OUR_LABELS.get(metric, set())


def test_every_queried_metric_exists(exposed: set[str]) -> None:
    queried = {name for each in expressions() for name, _ in _SELECTOR.findall(each)}
    assert len(queried) > 15
    assert queried <= exposed


def test_every_queried_label_exists() -> None:
    for expression in expressions():
        known = set(TARGET_LABELS)
        for metric, matchers in _SELECTOR.findall(expression):
            known |= labels_of(metric)
            matched = set(re.findall(r"(\w+)\s*[=!]", matchers))
            assert matched <= labels_of(metric) | TARGET_LABELS, expression
        for names in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression):
            assert {name.strip() for name in names.split(",")} <= known, expression


def test_samples_have_the_labels_that_queries_may_use(page: str) -> None:
    samples = [
        sample for family in text_string_to_metric_families(page) for sample in family.samples
    ]
    assert {sample.name for sample in samples} > OUR_LABELS.keys()
    for sample in samples:
        assert sample.labels.keys() == labels_of(sample.name), sample


def test_labels_of_every_metric_are_documented() -> None:
    rows = re.findall(r"^\| (`numnet_\w+`[^|]*)\|([^|]*)\|", (ROOT / OPERATIONS).read_text(), re.M)
    documented = {
        name: set(re.findall(r"`(\w+)`", labels))
        for names, labels in rows
        for name in re.findall(r"`(numnet_\w+)`", names)
    }
    assert documented == {name: labels_of(name) for name in documented}


def test_alert_names_only_labels_that_its_expression_has() -> None:
    named = set[str]()
    for rule in blocks()[1]["groups"][0]["rules"]:
        expression = rule["expr"]
        metrics = [name for name, _ in _SELECTOR.findall(expression)]
        kept = re.search(r"\bby \(([^)]*)\)", expression)
        labels = (
            {name.strip() for name in kept[1].split(",")}
            if kept
            else TARGET_LABELS.union(*map(labels_of, metrics))
        )
        used = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        assert used <= labels, expression
        if "model" in labels:
            assert "model" in used, expression  # several models may fail in the same way
            named.add(rule["alert"])
    assert {"NumnetVersionRefused", "NumnetModelErrors", "NumnetModelOld"} <= named


def test_panels_show_the_chosen_models_alone() -> None:
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            for metric, matchers in _SELECTOR.findall(target["expr"]):
                chosen = 'model=~"$model"' in matchers
                assert chosen == ("model" in labels_of(metric)), target["expr"]


def test_every_metric_is_documented(exposed: set[str]) -> None:
    text = (ROOT / OPERATIONS).read_text()
    explained = set(re.findall(r"`(numnet_\w+)`", text))
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in exposed} == explained


def test_rules_and_scrape_configuration_are_complete() -> None:
    scrape, rules = blocks()
    [job] = scrape["scrape_configs"]
    assert job["static_configs"][0]["targets"] == [f"127.0.0.1:{Settings().port}"]
    [group] = rules["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(set(names)) == len(names) > 10
    for rule in group["rules"]:
        assert rule.keys() <= {"alert", "expr", "for", "annotations"}
        assert rule["annotations"]["summary"]
        assert f'job="{job["job_name"]}"' in rule["expr"] or "numnet_" in rule["expr"]


def test_dashboard_has_what_grafana_needs() -> None:
    board = dashboard()
    assert (board["title"], board["uid"]) == ("numnet", "numnet")
    assert board["schemaVersion"] >= 36
    assert "id" not in board  # Grafana assigns one
    source, instance, model = board["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    assert instance["datasource"] == model["datasource"] == chosen
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 10
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["title"]
        assert panel["type"] in {"stat", "timeseries"}
        assert panel["fieldConfig"]["defaults"]["unit"]
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == sorted(set(letters))
        assert all(each["datasource"] == chosen for each in (panel, *panel["targets"]))
        place = panel["gridPos"]
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken
        taken |= cells


def test_dashboard_shows_every_metric(exposed: set[str]) -> None:
    text = Path(ROOT / "deploy/grafana-dashboard.json").read_text()
    missing = {
        name for name in exposed if name not in text and not name.endswith(("_sum", "_count"))
    }
    assert missing == {
        "numnet_model_created_timestamp_seconds",  # its age is shown
        "numnet_model_loaded",  # without a model, no version is shown
    }
