"""The values that a declared option accepts, and how they are described."""

import math
from typing import Any

import pytest

from trainer.training.option import Choice, Integer, Integers, Number, Option, Times, Values


@pytest.mark.parametrize(
    ("values", "accepted", "refused"),
    [
        (Choice(("a", "b")), ["a", "b"], ["c", "", None, 1, ["a"]]),
        (Integer(1, 3), [1, 2, 3], [0, 4, 2.0, "2", None]),
        (Integers(Integer(1, 3)), [(), (1,), (3, 1)], [(0,), (1, 4), (1.0,), [1], 1, None]),
        (Number(), [1e-300, 1, 1e300], [0, 0.0, -1, math.inf, math.nan, "1", None]),
        (Number(zero=True), [0, 0.0, 1], [-1e-300, math.inf, math.nan]),
        (Number(below=1), [0.1, 0.999], [0, 1, 1.0, math.nan]),
        (Number(zero=True, below=1), [0, 0.5], [-0.1, 1]),
        (
            Times(),
            ["never", "0 3 * * *", "*/5 * * * mon-fri", "1,2 3 4 * *", f"{'0,' * 90}0 * * * *"],
            [
                *("", "daily", "0 3 * *", "0 3 * * * *", "61 * * * *", "0 0 30 2 *", "@daily"),
                *(None, 3, ["never"], "Never", f"{'0,' * 100}0 * * * *"),
            ],
        ),
    ],
    ids=str,
)
def test_values_are_accepted_within_their_range(
    values: Values, accepted: list[Any], refused: list[Any]
) -> None:
    assert [value for value in [*accepted, *refused] if value in values] == accepted


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (Choice(("a", "b")), "one of a, b"),
        (Integer(1, 1000), "a whole number from 1 to 1,000"),
        (Integers(Integer(1, 9)), "whole numbers from 1 to 9"),
        (Number(), "a finite number above 0"),
        (Number(zero=True), "a finite number not below 0"),
        (Number(below=1), "a number above 0 and below 1"),
        (Number(zero=True, below=1), "a number not below 0 and below 1"),
        (
            Times(),
            (
                "never, or five fields, minute hour day month weekday, of a time that exists, "
                "for example 0 3 * * *"
            ),
        ),
    ],
)
def test_values_describe_what_is_expected(values: Values, expected: str) -> None:
    assert values.expected == expected


@pytest.mark.parametrize("default", [None, 2])
def test_none_is_accepted_only_as_the_default(default: int | None) -> None:
    assert Option(Integer(1, 3), "", default).accepts(None) == (default is None)
