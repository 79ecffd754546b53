"""The data of the page on which predictions are tried."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from network import Column, Model
from network.explanation.typical_row import typical_row
from registry import Registry
from tests.service.conftest import MakeClient
from tests.service.small_models import (
    publish,
    serve,
    small_model,
    some_calibration,
    table_model,
)
from trainer.data.synthetic import synthetic_table
from trainer.training.recipe import Recipe
from trainer.training.training import train


def test_features_are_described_by_kind(make_client: MakeClient, models: Path) -> None:
    serve(Registry.local(models / "house"), table_model())
    features = make_client().get("/try.json?model=house").get_json()["features"]
    size, colour, new, sold = features
    assert size == {
        "name": "size",
        "kind": "number",
        "may_be_missing": True,
        "unit": "",
        "least": -1.0,
        "greatest": 1.0,
        "typical": 0.0,
    }
    assert (colour["values"], colour["typical"]) == (["red", "blue", "sea: green"], "red")
    assert (new["values"], new["typical"]) == (["no", "yes"], False)
    assert (sold["least"], sold["greatest"], sold["has_time"]) == (19_723.0, 20_088.0, False)
    assert sold["typical"] == "2024-01-01"


def test_typical_row_is_valid_for_a_request(make_client: MakeClient, models: Path) -> None:
    client = make_client()
    times = Column("at", "datetime")
    model = table_model((times, Column("kind", "category", ("b", "a"))))
    moved = Model(
        **{
            name: getattr(model, name)
            for name in ("architecture", "theta", "feature_scaling", "target_scaling")
        },
        columns=model.columns,
        targets=model.targets,
        feature_range=model.feature_range + np.array([[0.25, 0.0], [0.5, 0.0]]),
        encoding=model.encoding,
    )
    serve(Registry.local(models / "times"), moved)
    document = client.get("/try.json?model=times").get_json()
    assert document["features"][0]["has_time"] is True
    # browsers empty a field for a time with microseconds, or without a time
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", document["features"][0]["typical"])
    row = {each["name"]: each["typical"] for each in document["features"]}
    answer = client.post("/models/times/predict", json=row)
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["extrapolating"] == []


@pytest.mark.slow
def test_typical_row_has_the_means_of_the_training_rows() -> None:
    table = synthetic_table(400, 0)
    recipe = Recipe(layers=(3,), solver="l-bfgs", epochs=2)
    for model in (train(table, recipe).model, train(table, Recipe(max_seconds=2)).model):
        np.testing.assert_allclose(typical_row(model), table.X.mean(axis=0), atol=0.1)


@pytest.mark.parametrize(("query", "version"), [("", "2"), ("?version=1", "1")])
def test_version_is_the_current_one_or_the_asked_one(
    make_client: MakeClient, registry: Registry, query: str, version: str
) -> None:
    client = make_client()
    publish(registry, small_model(("a", "b")))
    serve(registry, small_model(), some_calibration())
    document: dict[str, Any] = client.get(f"/try.json{query}").get_json()
    assert document["version"] == version
    assert (document["current"], document["versions"]) == ("2", ["2", "1"])
    assert len(document["features"]) == (4 if version == "2" else 2)
    assert document["levels"] == ([0.5, 0.8, 0.9, 0.95] if version == "2" else [])


def test_unknown_version_is_not_found(make_client: MakeClient, registry: Registry) -> None:
    client = make_client()
    serve(registry, small_model())
    assert client.get("/try.json?version=7").status_code == 404
    assert client.get("/try?version=x").status_code == 404


def test_without_a_version_the_page_says_so(make_client: MakeClient) -> None:
    answer = make_client().get("/try", headers={"Accept": "text/html"})
    assert answer.status_code == 503
    assert "No model" in answer.text
