import ast
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export import write
from network import Column
from tests.export.json_document import reader
from tests.export.models import EXAMPLES, LEVEL, Example
from tests.export.onnx.runtime import source
from tests.service.small_models import TABLE_COLUMNS, small_model, table_model

OUTPUTS = ("prediction", "lower", "upper")
ROWS = 8


def document_of(example: Example, level: float | None = LEVEL) -> Any:
    return json.loads(write(source(example, level), "json"))


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> Example:
    return EXAMPLES[request.param]


def test_a_reader_of_the_document_predicts_as_the_model(example: Example) -> None:
    document = document_of(example)
    found = [reader.predict(document, example.cells(row)) for row in range(ROWS)]
    for name, expected in zip(OUTPUTS, example.expected(LEVEL), strict=True):
        example.assert_close(np.array([each[name] for each in found]), expected[:ROWS])


def test_the_reader_imports_nothing_of_numnet() -> None:
    tree = ast.parse(Path(reader.__file__).read_text())
    modules = {
        each.module if isinstance(each, ast.ImportFrom) else each.names[0].name
        for each in ast.walk(tree)
        if isinstance(each, ast.Import | ast.ImportFrom)
    }
    assert modules == {"math", "datetime", "itertools", "operator", "typing"}


def test_the_example_is_what_a_reader_computes(example: Example) -> None:
    document = document_of(example)
    shown = document["example"]
    found = reader.predict(document, shown["row"])
    assert found.keys() == {*OUTPUTS}
    for name in OUTPUTS:
        expected = np.array([shown[name][target] for target in document["targets"]])
        example.assert_close(np.array(found[name]), expected)
    numbers = [reader.number(each, shown["row"][each["name"]]) for each in document["features"]]
    assert numbers == shown["numbers"]


def test_without_a_level_there_is_only_the_prediction(example: Example) -> None:
    document = document_of(example, None)
    assert [*document["outputs"]] == ["prediction"]
    assert document["example"].keys() == {"row", "numbers", "prediction"}
    assert "interval" not in document


@pytest.mark.parametrize(
    "ends", [(0.300001, 0.300001), (-1.7e308, 1.7e308), (1.7976931e308, 1.7976931e308)]
)
def test_the_example_is_in_the_range_of_training(ends: tuple[float, float]) -> None:
    model = small_model(feature_range=ends)
    document = document_of(replace(EXAMPLES["network tanh"], model=model), None)
    for number in document["example"]["numbers"]:
        assert ends[0] <= number <= ends[1]
    assert document["example"]["prediction"]["y"] is not None


def test_every_operation_and_name_is_explained(example: Example) -> None:
    document = document_of(example)
    assert {each["operation"] for each in document["steps"]} == document["operations"].keys()
    known: list[str] = []
    for step in document["steps"]:
        assert {*step["from"]} <= {*known}
        known.append(step["name"])
    assert {*document["outputs"].values()} <= {*known}


def test_features_are_described_as_their_users_write_them() -> None:
    columns = (
        replace(TABLE_COLUMNS[0], unit="m²"),
        *TABLE_COLUMNS[1:3],
        Column("agreed", "boolean"),
        *TABLE_COLUMNS[3:],
        Column("built", "datetime"),
    )
    model = table_model(columns)
    example = replace(EXAMPLES["network tanh"], model=model)
    document = document_of(example)
    size, colour, new, agreed, sold, built = (
        {name: value for name, value in each.items() if name not in {"name", "as_a_number"}}
        for each in document["features"]
    )
    assert size == {
        "kind": "number",
        "unit": "m²",
        "range_in_training": [-1.0, 1.0],
        "may_be_missing": True,
    }
    assert colour == {
        "kind": "category",
        "values": ["red", "blue", "sea: green"],
        "may_be_missing": False,
    }
    assert new == {"kind": "boolean", "values": ["no", "yes"], "may_be_missing": False}
    assert agreed == {"kind": "boolean", "may_be_missing": False}
    assert sold["date_format"] == "%d/%m/%Y"
    assert sold["range_in_training"] == ["01/01/2024", "31/12/2024"]
    assert built["date_format"] == "ISO 8601"
    assert document["example"]["row"] == {
        "size": 0.0,
        "colour": "red",
        "new": "yes",
        "agreed": True,
        "sold": "01/07/2024",
        "built": "2024-07-01",
    }
    found = reader.predict(document, document["example"]["row"])
    assert found["prediction"] == pytest.approx([*document["example"]["prediction"].values()])


def test_a_range_of_dates_may_be_beyond_the_calendar() -> None:
    model = table_model((Column("sold", "datetime"),))
    model = replace(model, feature_range=np.array([[-1e9], [1e9]]))
    [sold] = document_of(replace(EXAMPLES["network tanh"], model=model))["features"]
    assert sold["range_in_training"] == ["0001-01-01", "9999-12-31"]


def test_a_line_of_the_file_is_a_member_a_feature_or_a_step() -> None:
    example = EXAMPLES["network of mixed columns"]
    lines = write(source(example), "json").decode().splitlines()
    document = document_of(example)
    brackets = 6
    assert len(lines) == brackets + len(document) - 2 + sum(
        len(document[name]) for name in ("features", "steps")
    )
