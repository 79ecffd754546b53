"""marshmallow fields accept JSON's own types only."""

from typing import Any

import pytest
from marshmallow import RAISE, Schema, ValidationError, fields

from service.web.field_errors import flatten, shown
from service.web.fields import FiniteNumber, Flag, Number, Several, Text, Whole


def load(field: fields.Field[Any], value: Any) -> Any:
    return Schema.from_dict({"field": field})(unknown=RAISE).load({"field": value})["field"]


def refusal(field: fields.Field[Any], value: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        load(field, value)
    (entry,) = flatten(refused.value, "")
    assert entry["pointer"] == "/field"
    return entry["detail"]


TAKEN: list[tuple[fields.Field[Any], list[Any]]] = [
    (FiniteNumber(), [0, -1, 1.5, 1e308, 5e-324, 2**63]),
    (Number(), [1, 0.5, 1e308, 5e-324]),
    (Number(zero=True), [0, 0.0, -0.0, 1]),
    (Number(below=1), [0.5, 0.999999]),
    (Whole(1, 5), [1, 5]),
    (Flag(), [True, False]),
    (Text(), ["a", " ", "é", "\0"]),
    (Text("a", "b"), ["a", "b"]),
    (Several(Whole(1, 5), "numbers"), [[], [1], [5, 1, 5]]),
]

NO_NUMBERS = ["1", "", True, False, None, [], {}, [1], float("nan"), float("inf"), -float("inf")]

REFUSED: list[tuple[fields.Field[Any], str, list[Any]]] = [
    (FiniteNumber(), "must be a finite number", NO_NUMBERS),
    (Number(), "must be a finite number", NO_NUMBERS),
    (Number(), "must be above 0", [0, -0.0, -1, -5e-324]),
    (Number(zero=True), "must be 0 or more", [-1, -5e-324]),
    (Number(below=1), "must be above 0 and below 1", [0, 1, 1.0, 7]),
    (
        Whole(1, 5),
        "must be a whole number from 1 to 5",
        [*NO_NUMBERS, 0, 6, -1, 1.0, 2.5, 10**30],
    ),
    (Flag(), "must be true or false", [0, 1, "true", "", None, [], {}, 1.0]),
    (Text(), "must be a string that is not empty", ["", 0, 1.5, True, None, [], {}, ["a"]]),
    (Text("a", "b"), "must be one of a, b", ["", "c", "A", "a ", None, 1, ["a"]]),
    (Several(Whole(1, 5), "numbers"), "must be a list of numbers", ["", "12", 1, None, {}, True]),
]


def cases(table: list[Any]) -> list[Any]:
    return [
        pytest.param(*row[:-1], value, id=f"{type(row[0]).__name__}-{value!a}")
        for row in table
        for value in row[-1]
    ]


@pytest.mark.parametrize(("field", "value"), cases(TAKEN))
def test_valid_value_is_accepted_unchanged(field: fields.Field[Any], value: Any) -> None:
    assert load(field, value) == value


@pytest.mark.parametrize(("field", "expected", "value"), cases(REFUSED))
def test_invalid_value_is_refused_with_what_was_expected(
    field: fields.Field[Any], expected: str, value: Any
) -> None:
    detail = refusal(field, value)
    assert detail.startswith(f"{expected}, got ")
    if type(value) is str:
        assert detail.endswith(f', got "{value}"')


def test_number_becomes_a_float_and_whole_stays_an_int() -> None:
    assert type(load(Number(), 2)) is float
    assert type(load(Whole(1, 5), 2)) is int


def test_each_wrong_item_of_a_list_has_its_own_pointer() -> None:
    schema = Schema.from_dict({"a/b~c": Several(Whole(1, 5), "numbers"), "d": Flag()})
    with pytest.raises(ValidationError) as refused:
        schema(unknown=RAISE).load({"a/b~c": [1, "2", 3, 4.0], "d": 1})
    assert [entry["pointer"] for entry in flatten(refused.value, "/here")] == [
        "/here/a~1b~0c/1",
        "/here/a~1b~0c/3",
        "/here/d",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", '"a"'),
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ({"a": [1]}, '{"a":[1]}'),
        ("x" * 100, '"' + "x" * 38 + "…"),
        (10**30, "int"),
        (1j, "complex"),
    ],
    ids=repr,
)
def test_value_is_shown_as_json_and_shortened(value: Any, text: str) -> None:
    assert shown(value) == text


def test_value_too_deep_for_json_is_shown_as_its_type() -> None:
    deep: list[Any] = []
    for _ in range(1000):
        deep = [deep]
    assert shown(deep) == "list"
