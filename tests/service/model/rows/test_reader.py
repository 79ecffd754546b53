"""Which rows are accepted; the fast paths accept no more than the schema does."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import event, given, settings
from marshmallow import ValidationError

from service.model.rows.reader import RowReader
from service.web.errors import InvalidInput
from service.web.fields import FiniteNumber
from tests.service import near_valid
from tests.service.small_models import AWKWARD_FEATURES, small_model

ODD = RowReader(small_model(near_valid.FEATURES))
PLAIN = RowReader(small_model())


def slow_values(inputs: RowReader, body: bytes) -> list[float] | None:
    """Return the values of a one-row body by the schema; None if it refuses them."""
    try:
        return inputs.row(orjson.loads(body), body)
    except (orjson.JSONDecodeError, InvalidInput):
        return None


@pytest.mark.slow
@given(near_valid.one_row_bodies())
@settings(max_examples=500)
def test_both_paths_accept_only_rows_that_the_standard_library_parses(body: bytes) -> None:
    expected = near_valid.valid_values(body)
    slow, fast = slow_values(ODD, body), ODD.plain_row(body)
    event(f"valid: {expected is not None}, fast: {fast is not None}")
    assert slow == expected
    assert fast in (None, expected)
    for values in (slow, fast):
        assert values is None or all(type(value) is float for value in values)


@pytest.mark.slow
@given(near_valid.one_row_bodies())
@settings(max_examples=200)
def test_many_rows_accept_the_same_rows_as_one_row(body: bytes) -> None:
    expected = near_valid.valid_values(body)
    many = b'{"instances":[%s,[1,2,3,4],%s]}' % (body, body)
    try:
        rows = ODD.rows(orjson.loads(many), many).tolist()
    except (orjson.JSONDecodeError, InvalidInput):
        rows = None
    assert rows == (None if expected is None else [expected, [1.0, 2.0, 3.0, 4.0], expected])


@pytest.mark.parametrize(
    "body",
    [
        b'{"x1":1,"a:b":2,"\xc3\xa9":3,"load":4}',
        b' { "load" : 4e0 , "\xc3\xa9" : 3 , "a:b" : 2.0 , "x1" : 1 } \n',
        b'{"x\\u0031":1,"a:b":2,"\xc3\xa9":3,"l\\u006fad":4}',
    ],
)
def test_white_space_order_and_escapes_do_not_matter(body: bytes) -> None:
    assert slow_values(ODD, body) == [1.0, 2.0, 3.0, 4.0]


def test_plain_row_accepts_the_common_case() -> None:
    assert PLAIN.plain_row(b'{"x1": 0.1, "x2": -2, "x3": 3e-3, "x4": 0}') == [0.1, -2.0, 0.003, 0.0]


@pytest.mark.parametrize(
    "body",
    [
        b'{"a:b":1,"a:b":2,"load":3}',
        b'{"a\\u003ab":1,"a\\u003ab":2,"load":3}',
        b'{"a\\u003Ab":1,"a\\u003ab":2,"load":3}',
        b'{"a:b":{"deep":[":"]},"a\\u003ab":2,"load":3}',
    ],
)
def test_repeated_name_is_found_with_any_escapes(body: bytes) -> None:
    inputs = RowReader(small_model(("a:b", "load")))
    assert inputs.plain_row(body) is None
    with pytest.raises(InvalidInput) as refused:
        inputs.row(orjson.loads(body), body)
    assert refused.value.errors == [
        {"pointer": "", "detail": '"a:b" appears twice in one object'},
    ]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"instances":[[9,9,9,9]],"instances":[[1,2,3,4]]}', "instances"),
        (b'{"instances":[{"x1":1,"x2":2,"x1":3,"x3":3,"x4":4}]}', "x1"),
        (b'{"instances":[[1,2,3,4],{"x1":1,"x2":2,"x3":3,"x4":4,"x4":4}]}', "x4"),
    ],
)
def test_repeated_name_is_found_in_many_rows(body: bytes, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        PLAIN.rows(orjson.loads(body), body)
    assert [error["detail"] for error in refused.value.errors] == [
        f'"{name}" appears twice in one object'
    ]


def test_deep_value_of_a_repeated_name_is_refused() -> None:
    deep = b"[" * 1000 + b"]" * 1000
    body = b'{"instances":%s,"instances":[[1,2,3,4]]}' % deep
    with pytest.raises(InvalidInput, match="1 values are wrong") as refused:
        PLAIN.rows(orjson.loads(body), body)
    assert refused.value.errors[0]["detail"] == "is nested too deeply"


@pytest.mark.parametrize("value", [True, None, "1", "", [], [1.0], {}, float("nan"), float("inf")])
def test_finite_number_accepts_only_json_numbers(value: Any) -> None:
    with pytest.raises(ValidationError, match="must be a finite number, got"):
        FiniteNumber().deserialize(value)


def test_bounds_are_in_range_and_values_beyond_are_not() -> None:
    assert PLAIN.out_of_range([-1.0, 1.0, 0.0, 0.5]) == []
    beyond = float(np.nextafter(1.0, 2.0))
    assert PLAIN.out_of_range([-beyond, 1.0, beyond, 0.5]) == ["x1", "x3"]


@pytest.mark.parametrize("numbers", [(2**53 + 1, 1), (2**64 - 1, -1), (10**300, -(2**63))])
def test_integers_become_the_nearest_floats_on_both_paths(numbers: tuple[int, int]) -> None:
    model = small_model(("a", "b"), feature_range=(-float(2**53), float(2**53)))
    inputs = RowReader(model)
    body = orjson.dumps({"a": 0, "b": 0}).replace(b":0", b":%d") % numbers
    fast, slow = inputs.plain_row(body), slow_values(inputs, body)
    assert fast == slow == [float(number) for number in numbers]
    assert fast is not None
    assert inputs.out_of_range(fast) == inputs.out_of_range(slow)
    assert model.predict_row(fast) == model.predict([fast])[0].tolist()


def test_example_is_zero_or_the_nearest_value_in_range() -> None:
    assert PLAIN.example == dict.fromkeys(("x1", "x2", "x3", "x4"), 0.0)
    model = replace(small_model(("a", "b")), feature_range=np.array([[2.0, -9.0], [5.0, -3.0]]))
    assert RowReader(model).example == {"a": 2.0, "b": -3.0}


@pytest.mark.parametrize("feature", AWKWARD_FEATURES)
def test_awkward_feature_names_are_escaped_in_pointers(feature: str) -> None:
    inputs = RowReader(small_model(AWKWARD_FEATURES))
    row: dict[str, Any] = dict.fromkeys(AWKWARD_FEATURES, 0.5)
    assert slow_values(inputs, orjson.dumps(row)) == [0.5] * len(AWKWARD_FEATURES)
    assert slow_values(inputs, json.dumps(row).encode()) == [0.5] * len(AWKWARD_FEATURES)
    place = "/" + feature.replace("~", "~0").replace("/", "~1")
    for wrong, detail in (
        (row | {feature: "abc"}, 'must be a finite number, got "abc"'),
        ({name: 0.5 for name in row if name != feature}, "is missing"),
    ):
        body = orjson.dumps(wrong)
        with pytest.raises(InvalidInput) as refused:
            inputs.row(wrong, body)
        assert refused.value.errors == [{"pointer": place, "detail": detail}]


@pytest.mark.parametrize("unknown", ["_schema", "a/b~c", "", "instances", "feature_0"])
def test_unknown_names_have_pointers(unknown: str) -> None:
    row = {"x1": 1, "x2": 2, "x3": 3, "x4": 4, unknown: 5}
    with pytest.raises(InvalidInput) as refused:
        PLAIN.row(row, orjson.dumps(row))
    place = "/" + unknown.replace("~", "~0").replace("/", "~1")
    assert refused.value.errors == [
        {"pointer": place, "detail": "is not a feature; expected x1, x2, x3, x4"}
    ]


@pytest.mark.parametrize("count", [1, 19, 20, 21, 500])
def test_at_most_twenty_errors_are_listed(count: int) -> None:
    document = {"instances": [[0, 0, 0, "abc"]] * count + [[0, 0, 0, 0]]}
    with pytest.raises(InvalidInput) as refused:
        PLAIN.rows(document, orjson.dumps(document))
    assert [error["pointer"] for error in refused.value.errors] == [
        f"/instances/{row}/3" for row in range(min(count, 20))
    ]
    assert refused.value.complete == (count < 20)


def test_long_values_are_shortened_in_messages() -> None:
    row: dict[str, Any] = {"x1": "a" * 1000, "x2": [[]] * 1000, "x3": 3, "x4": 4}
    with pytest.raises(InvalidInput) as refused:
        PLAIN.row(row, orjson.dumps(row))
    assert [len(error["detail"]) for error in refused.value.errors] == [69, 69]
    assert all(error["detail"].endswith("…") for error in refused.value.errors)


def test_feature_called_instances_is_a_feature_unless_it_is_a_list() -> None:
    inputs = RowReader(small_model(("instances", "a")))
    assert not inputs.has_many_rows({"instances": 0.5, "a": 1.0})
    assert not inputs.has_many_rows({"instances": "abc", "a": 1.0})
    assert inputs.has_many_rows({"instances": [[0.5, 1.0]]})
    assert PLAIN.has_many_rows({"instances": 0.5})
    assert not PLAIN.has_many_rows({"x1": 0.5})
