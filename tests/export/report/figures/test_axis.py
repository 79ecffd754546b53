"""Ticks at round numbers, powers of ten and beginnings of months."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.report.figures.axis import MOST, date_axis, linear_axis, log_axis
from export.report.figures.numerals import numeral

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def labels(axis: object) -> list[str]:
    return [label for _, label in axis.ticks]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ((0.0, 10.0), ["0", "2", "4", "6", "8", "10"]),
        ((-1.0, 1.0), ["−1.0", "−0.5", "0", "0.5", "1.0"]),
        ((0.0, 4e-5), ["0", "10⁻⁵", "2·10⁻⁵", "3·10⁻⁵", "4·10⁻⁵"]),
        ((0.0, 2e7), ["0", "5·10⁶", "10⁷", "1.5·10⁷", "2·10⁷"]),
        ((1000.0, 9000.0), ["2\u2009000", "4\u2009000", "6\u2009000", "8\u2009000"]),
    ],
    ids=str,
)
def test_linear_ticks_are_round(ends: tuple[float, float], expected: list[str]) -> None:
    assert labels(linear_axis(ends, 5)) == expected


@given(st.lists(FINITE, max_size=4))
def test_a_linear_axis_contains_its_values(values: list[float]) -> None:
    axis = linear_axis(values)
    assert axis.least < axis.greatest
    assert len(axis.ticks) <= 14
    for value in values:
        assert 0.0 <= axis.share(value) <= 1.0
        if abs(value) < MOST:
            assert axis.least <= value <= axis.greatest


@given(st.lists(st.floats(min_value=0, allow_infinity=False), max_size=4))
def test_a_logarithmic_axis_contains_its_values(values: list[float]) -> None:
    axis = log_axis(values)
    assert 2 <= len(axis.ticks) <= 8
    assert all(0.0 <= axis.share(value) <= 1.0 for value in values)
    assert axis.share(axis.least) == 0.0


def test_logarithmic_ticks_are_powers_of_ten() -> None:
    assert labels(log_axis([2e-6, 0.5])) == ["10⁻⁶", "10⁻⁴", "0.01", "1"] or labels(
        log_axis([2e-6, 0.5])
    ) == ["10⁻⁶", "10⁻⁵", "10⁻⁴", "0.001", "0.01", "0.1", "1"]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((19723.0, 19724.0), ["00:00", "06:00", "12:00", "18:00", "00:00"]),
        (
            (19723.0, 19727.0),
            ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"],
        ),
        ((19723.0, 20088.0), ["2024-01", "2024-04", "2024-07", "2024-10"]),
        ((10957.0, 20088.0), ["2000", "2010", "2020"]),
    ],
    ids=["a day", "days", "a year", "decades"],
)
def test_dates_have_ticks_at_their_own_units(
    days: tuple[float, float], expected: list[str]
) -> None:
    assert labels(date_axis(days)) == expected


@given(st.lists(FINITE, max_size=3))
def test_any_numbers_of_days_have_an_axis(days: list[float]) -> None:
    axis = date_axis(days)
    assert axis.least < axis.greatest
    assert len(axis.ticks) <= 14


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (-0.58489, "−0.5849"),
        (1234.5, "1\u2009234" if round(1234.5) == 1234 else "1\u2009235"),
        (999999.9, "10⁶"),
        (2.5e-7, "2.5·10⁻⁷"),
        (-1e-9, "−10⁻⁹"),
        (math.inf, "inf"),
    ],
)
def test_numerals_have_four_digits(value: float, expected: str) -> None:
    assert numeral(value) == expected


@given(st.floats(-1e308, 1e308))
def test_a_numeral_is_the_number(value: float) -> None:
    text = numeral(value).replace("−", "-").replace("\u2009", "")
    mantissa, _, power = text.partition("10") if "·" in text else (text, "", "")
    if power:
        digits = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
        assert float(f"{mantissa.rstrip('·')}e{power.translate(digits)}") == pytest.approx(
            value, rel=1e-3
        )
