"""The evaluation of a version, of this release and of earlier ones, and of any origin."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from export.report.evaluation import Coverage, LossCurve, evaluate_version
from network import Rows
from registry import HeldOut

EPOCHS = [
    {"epoch": 1, "train_loss": 1.0, "validation_loss": 2.0},
    {"epoch": 5, "train_loss": 0.5, "validation_loss": 0.6},
]
NETWORK: dict[str, Any] = {
    "targets": ["y"],
    "data": {"rows": {"train": 48, "test": 6}},
    "metrics": {
        "test": {"mse": 0.25, "rmse": 0.5},
        "calibration": {"coverage_of_validation_rows": {"0.5": {"y": 0.6}, "0.9": {"y": 1}}},
    },
    "test_report": {"y": {"actual": [1.0, 2], "predicted": [1.5, 2.0]}},
    "importance": {"increases": {"y": {"a": 1.5, "b": 0}}},
    "training": {"history": EPOCHS, "best_epoch": 5},
}
HELD_OUT = HeldOut.of(
    Rows(np.zeros((3, 2)), np.array([[1.0], [2.0], [4.0]])),
    np.array([7, 3, 5]),
    np.array([[1.5], [2.0], [3.0]]),
)


def test_a_version_of_an_earlier_release_has_the_rows_of_its_card() -> None:
    found = evaluate_version(NETWORK, None)
    assert (found.judged_on, found.judged_rows, found.metrics["rmse"]) == ("test", 6, 0.5)
    assert found.pairs["y"].residuals == (0.5, 0.0)
    assert found.rows == ()
    assert found.coverage == {"y": Coverage((0.5, 0.9), (0.6, 1.0))}
    assert found.losses == (LossCurve("", (1, 5), (1.0, 0.5), (2.0, 0.6), 5),)
    assert found.importance == {"y": {"a": 1.5, "b": 0.0}}


def test_held_out_rows_come_first() -> None:
    found = evaluate_version(NETWORK, HELD_OUT)
    assert found.pairs["y"].actual == (1.0, 2.0, 4.0)
    assert found.rows == (7, 3, 5)


def test_coverage_at_many_levels_comes_first() -> None:
    by_level = {"rows": 5, "levels": [0.1, 0.2], "targets": {"y": [0.1, 0.3]}}
    card = NETWORK | {"metrics": {"calibration": {"coverage_by_level": by_level}}}
    assert evaluate_version(card, None).coverage == {"y": Coverage((0.1, 0.2), (0.1, 0.3))}


def test_each_kind_of_an_ensembles_networks_has_a_curve() -> None:
    history = {
        "plain": [{"train": 1.0, "held_out": 0.5}],
        "other": [{"train": 2.0, "held_out": 1.0}],
    }
    card = NETWORK | {
        "metrics": {"out_of_fold": {"rmse": 0.1, "rows": 60}},
        "out_of_fold_report": {"y": {"actual": [1.0], "predicted": [2.0]}},
        "training": {"history": history, "best_epochs": {"plain": 1}},
    }
    found = evaluate_version(card, None)
    assert (found.judged_on, found.judged_rows) == ("out_of_fold", 60)
    assert [(each.name, each.best_epoch) for each in found.losses] == [
        ("plain", 1),
        ("other", None),
    ]
    assert found.pairs["y"].predicted == (2.0,)


def test_a_card_without_anything_is_an_empty_evaluation() -> None:
    found = evaluate_version({"targets": ["y"]}, None)
    assert (found.judged_on, found.metrics, found.losses, found.pairs) == (None, {}, (), {})


@pytest.mark.parametrize(
    "odd", [None, 7, "x", [], {}, [1], {"y": 3}, {"y": {"actual": [None]}}], ids=str
)
@pytest.mark.parametrize("key", ["metrics", "test_report", "importance", "training", "data"])
def test_members_of_another_form_are_ignored(key: str, odd: Any) -> None:
    found = evaluate_version(NETWORK | {key: odd}, None)
    assert found.as_json().keys() >= {"judged_on", "pairs"}


@pytest.mark.parametrize(
    "history",
    [
        [{}],
        [{"epoch": True}],
        {"plain": [{}]},
        {"plain": 3},
        [{"epoch": 1, "train_loss": "x"}],
        [3],
    ],
    ids=str,
)
def test_a_history_of_another_form_is_ignored(history: Any) -> None:
    assert evaluate_version(NETWORK | {"training": {"history": history}}, None).losses == ()


def test_pairs_of_different_lengths_are_ignored() -> None:
    report = {"y": {"actual": [1.0], "predicted": [1.0, 2.0]}}
    assert evaluate_version(NETWORK | {"test_report": report}, None).pairs == {}


def test_the_json_document_has_plain_values() -> None:
    document = replace(evaluate_version(NETWORK, HELD_OUT), metrics={}).as_json()
    assert document["pairs"]["y"] == {"actual": (1.0, 2.0, 4.0), "predicted": (1.5, 2.0, 3.0)}
