"""The grammar of numbers in text."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.numbers import parse_number, parse_numbers

NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0.0),
        ("-0", -0.0),
        ("+2e0", 2.0),
        ("100E-2", 1.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("007", 7.0),
        (" 1.5\t", 1.5),
        ("\u00a01.5", 1.5),
        ("1e308", 1e308),
        ("1e-400", 0.0),
        ("1e400", math.inf),
    ],
)
def test_number_is_parsed(text: str, number: float) -> None:
    parsed = parse_number(text)
    assert parsed == number
    assert math.copysign(1.0, parsed) == math.copysign(1.0, number)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "text", "TRUE", "nan", "NaN", "inf", "-Infinity"),
        *("1_000", "1,5", "1 000", "1\0", "0x10", "1.0.0", "1e", "e5", ".", "+", "--1", "1d5"),
        *("\u0661", "1\uff15", "\u00bd"),  # digits of other scripts
    ],
)
def test_other_text_is_not_a_number(text: str) -> None:
    assert parse_number(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_python_repr_of_a_float_round_trips(number: float) -> None:
    assert parse_number(repr(number)) == number


@given(st.text(alphabet="0123456789+-.eE_ nNaAiIfF\u0661") | st.text())
def test_accepted_texts_are_those_of_the_grammar(text: str) -> None:
    assert (parse_number(text) is not None) == (NUMBER.fullmatch(text.strip()) is not None)


@given(st.lists(st.text(alphabet="0123456789+-.eE_ nNaAiIfF\u0661", max_size=5), max_size=4))
def test_many_numbers_are_those_of_one_at_a_time(texts: list[str]) -> None:
    expected = [parse_number(text) for text in texts]
    assert parse_numbers(texts) == (None if None in expected else expected)
