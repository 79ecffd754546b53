import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.dates import days_since_1970
from export.javascript import javascript_module
from network import Array
from tests.export.javascript.node import run_module, run_script
from tests.export.models import EXAMPLES, LEVEL, Example
from tests.export.sources import (
    HOSTILE,
    example_of_words,
    hostile_example,
    json_rows,
    more_rows,
    source_of,
    valid_rows,
    with_dates_in_text,
)

MIXED = EXAMPLES["ensemble of mixed columns and two targets"]
ROW = json_rows(MIXED)[0]


def values_of(value: Any) -> list[float]:
    """Return the numbers of the targets."""
    return list(value.values()) if isinstance(value, dict) else [value]


def check(example: Example, folder: Path, level: float | None = LEVEL) -> None:
    example = with_dates_in_text(example)
    found = run_module(source_of(example, level), json_rows(example), folder)
    valid = valid_rows(example)
    assert [each.get("error") for each in found] == [
        None if each else "InvalidInput" for each in valid
    ]
    names = ["prediction", "lower", "upper"] if level else ["prediction"]
    for name, expected in zip(names, example.expected(level), strict=True):
        got = [values_of(each[name]) for each in found if "error" not in each]
        example.assert_close(np.array(got), expected[valid])
    for each, x in zip(found, example.X, strict=True):
        if "error" not in each:
            assert {"lower", "upper", "level"} & each.keys() == (
                {"lower", "upper", "level"} if level else set()
            )
            assert each["extrapolating"] == marked(example, example.model.outside(x[None])[0])
            assert each["unseen"] == marked(example, example.model.unseen(x[None])[0])


def marked(example: Example, which: Array) -> list[str]:
    return [name for name, each in zip(example.model.features, which.tolist(), strict=True) if each]


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_module_predicts_as_its_model(name: str, tmp_path: Path) -> None:
    check(EXAMPLES[name], tmp_path)


def test_a_module_without_intervals_predicts(tmp_path: Path) -> None:
    check(MIXED, tmp_path, None)


@pytest.mark.parametrize("name", [name for name in EXAMPLES if "mixed" in name])
def test_a_module_predicts_random_rows(name: str, tmp_path: Path) -> None:
    check(replace(EXAMPLES[name], X=more_rows(EXAMPLES[name], 300)), tmp_path)


def test_hostile_names_and_texts_change_nothing(tmp_path: Path) -> None:
    example = hostile_example()
    check(example, tmp_path)
    module = javascript_module(source_of(example))
    assert not re.search("</script|<!--|-->", module)
    exported = run_script(
        'import { FEATURES, TARGETS } from "./model.mjs";\n'
        "console.log(JSON.stringify([FEATURES, TARGETS]));",
        tmp_path,
    )
    assert [each["name"] for each in exported[0]] == list(HOSTILE)
    assert exported[0][-1]["values"] == list(HOSTILE)
    assert exported[1] == list(HOSTILE)


@pytest.mark.parametrize(
    ("changes", "pointer", "detail"),
    [
        ({"select": "abc"}, "/select", 'must be a finite number, got "abc"'),
        ({"select": None}, "/select", "must be a finite number, got null"),
        ({"select": True}, "/select", "must be a finite number, got true"),
        ({"bright ness/%": [1]}, "/bright ness~1%", "must be a finite number, got [1]"),
        ({"colour": 1}, "/colour", 'must be text, such as red, it\'s "blue", '),
        ({"1st": "maybe"}, "/1st", 'must be true or false, yes or no, got "maybe"'),
        ({"1st": 1}, "/1st", "must be true or false, yes or no, got 1"),
        ({"day": 19_000}, "/day", "must be a date like "),
        ({"day": "2023-02-30"}, "/day", "must be a date like "),
        ({"day": "2023-02-28T24:00"}, "/day", "must be a date like "),
        ({"day": "0000-01-01"}, "/day", "must be a date like "),
        ({"colours": "red"}, "/colours", "is not a feature; expected bright ness/%, colour, "),
        ({"toString": 1}, "/toString", "is not a feature; expected bright ness/%, colour, "),
    ],
)
def test_wrong_cells_are_named(
    changes: dict[str, Any], pointer: str, detail: str, tmp_path: Path
) -> None:
    (found,) = run_module(source_of(MIXED), [ROW | changes], tmp_path)
    (error,) = found["errors"]
    assert found["error"] == "InvalidInput"
    assert error["pointer"] == pointer
    assert error["detail"].startswith(detail)
    assert found["message"] == f"{pointer} {error['detail']}"


def test_all_wrong_cells_are_named_at_once(tmp_path: Path) -> None:
    (found,) = run_module(source_of(MIXED), [{"day": "never", "x": 1}], tmp_path)
    assert [each["pointer"] for each in found["errors"]] == ["/day", "/select", "/x"]
    assert found["errors"][1]["detail"] == "is missing"


@pytest.mark.parametrize("row", [None, 1, "text", [1, 2]])
def test_a_row_must_be_an_object(row: Any, tmp_path: Path) -> None:
    (found,) = run_module(source_of(MIXED), [row], tmp_path)
    assert found["errors"] == [
        {
            "pointer": "",
            "detail": f"must be an object, got {json.dumps(row, separators=(',', ':'))}",
        }
    ]


def test_an_overflow_is_refused(tmp_path: Path) -> None:
    example = EXAMPLES["network relu"]
    (found,) = run_module(
        source_of(example), [dict.fromkeys(example.model.features, 1e308)], tmp_path
    )
    assert found["error"] == "RangeError"
    assert "the prediction is not finite" in found["message"]


@pytest.mark.parametrize(
    "text",
    [
        "2023-07-08",
        " 2023-07-08T12:34 ",
        "2023-07-08 12:34:56",
        "2023-07-08T12:34:56.789",
        "2023-07-08T12:34:56.789012+02:00",
        "2023-07-08T12:34:56Z",
        "1969-12-31T23:59:59.5-05:30",
        "0001-01-01",
        "9999-12-31T23:59:59.999999",
    ],
)
def test_dates_are_read_as_by_the_service(text: str, tmp_path: Path) -> None:
    example = with_dates_in_text(MIXED)
    days = days_since_1970(text)
    X = example.X[:1].copy()
    X[0, 3] = days
    (found,) = run_module(source_of(MIXED), [ROW | {"day": text}], tmp_path)
    got = np.array([values_of(found["prediction"])])
    example.assert_close(got, example.model.predict(X))


def test_dates_may_be_objects_and_cells_undefined(tmp_path: Path) -> None:
    run_module(source_of(MIXED), [], tmp_path)
    found = run_script(
        'import { predict } from "./model.mjs";\n'
        'const day = new Date("2023-07-08T12:34:56.789Z");\n'
        "const row = { select: 0.1, day, colour: undefined };\n"
        "const wrong = { ...row, day: new Date(NaN) };\n"
        "let error;\n"
        "try { predict(wrong); } catch (thrown) { error = thrown.message; }\n"
        "console.log(JSON.stringify([predict(row).prediction, error]));",
        tmp_path,
    )
    days = days_since_1970("2023-07-08T12:34:56.789")
    assert days
    expected = MIXED.model.predict(np.array([[np.nan, np.nan, np.nan, days, 0.1]]))
    MIXED.assert_close(np.array([values_of(found[0])]), expected)
    assert found[1].startswith("/day must be a date like ")


def test_numbers_words_and_times_stand_for_values(tmp_path: Path) -> None:
    example = example_of_words()
    rows = [
        {"kind": 2.5, "on": " NEIN ", "at": "06:00"},
        {"kind": "2.50", "on": False, "at": "06:00:00"},
        {"kind": " 2.50\t", "on": "nein", "at": "1970-01-01T06:00:00.0Z"},
        {"kind": "2.5", "on": True, "at": "06:00"},
    ]
    found = run_module(source_of(example), rows, tmp_path)
    expected = example.model.predict([[1.0, 0.0, 0.25], [-1.0, 1.0, 0.25]])[[0, 0, 0, 1]]
    example.assert_close(np.array([values_of(each["prediction"]) for each in found]), expected)
    assert [each["unseen"] for each in found] == [[], [], [], ["kind"]]
