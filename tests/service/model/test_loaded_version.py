"""Loaded versions: cards of any origin."""

from typing import Any

import pytest

from registry import Version
from service.model.loaded_version import LoadedVersion
from tests.service.small_models import TABLE_COLUMNS, table_model


@pytest.mark.parametrize(
    "data",
    [
        *(None, "x", [], {"reading": "x"}, {"reading": {"left_out": 3}}, {"weights": ["a"]}),
        *({"reading": {"left_out": [1]}}, {"reading": {"left_out": [{"column": []}]}}),
    ],
)
def test_card_with_other_data_names_the_targets_alone(data: Any) -> None:
    model = table_model(TABLE_COLUMNS)
    card = {"targets": list(model.targets), "data": data}
    loaded = LoadedVersion.from_file(1, Version(1, model, card, "", 0))
    assert loaded.reader.others == {*model.targets}


def test_card_names_the_other_columns_of_the_training_table() -> None:
    model = table_model(TABLE_COLUMNS)
    data = {"reading": {"left_out": [{"column": "id"}]}, "weights": "w"}
    card = {"targets": list(model.targets), "data": data}
    loaded = LoadedVersion.from_file(1, Version(1, model, card, "", 0))
    assert loaded.reader.others == {*model.targets, "id", "w"}
