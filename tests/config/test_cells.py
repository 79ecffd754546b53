"""The cells of tables in text."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.cells import format_date, is_missing, parse_boolean, parse_date, parse_quantity


@pytest.mark.parametrize(
    "text", ["", "  ", "NA", "n/a", "NaN", "null", "None", "#N/A", " nan ", "?"]
)
def test_words_for_missing(text: str) -> None:
    assert is_missing(text)


@pytest.mark.parametrize("text", ["0", "no", "missing", "nano", "--"])
def test_other_words_are_values(text: str) -> None:
    assert not is_missing(text)


@pytest.mark.parametrize("text", ["?", "-"])
def test_placeholders_may_be_values(text: str) -> None:
    assert is_missing(text)
    assert not is_missing(text, placeholders=False)


@pytest.mark.parametrize(
    ("text", "unit", "number"),
    [
        ("3504", "", 3504.0),
        ("3504", "kg", 3504.0),
        ("3504 kg", "kg", 3504.0),
        ("$3,504", "$", 3504.0),
        ("-$1,234,567.5", "$", -1234567.5),
        ("$ -2", "$", -2.0),
        ("12 %", "%", 12.0),
        ("3,504", "", None),
        ("3504 lb", "kg", None),
        ("$3,50", "$", None),
        ("$$3", "$", None),
        ("$", "$", None),
        ("kg", "kg", None),
        ("1_000 kg", "kg", None),
    ],
)
def test_numbers_with_a_unit(text: str, unit: str, number: float | None) -> None:
    assert parse_quantity(text, unit) == number


@pytest.mark.parametrize(
    ("text", "words", "value"),
    [
        ("true", (), 1.0),
        ("FALSE", (), 0.0),
        ("1", (), 1.0),
        (" Yes ", ("no", "yes"), 1.0),
        ("NO", ("no", "yes"), 0.0),
        ("False", ("no", "yes"), 0.0),
        ("1", ("1", "2"), 0.0),
        ("yes", (), None),
        ("", (), None),
        ("2", (), None),
    ],
)
def test_words_for_booleans(text: str, words: tuple[str, ...], value: float | None) -> None:
    assert parse_boolean(text, words) == value


@pytest.mark.parametrize(
    ("text", "date_format", "days"),
    [
        ("1970-01-01", "", 0.0),
        ("1969-12-31", "", -1.0),
        ("2024-05-31", "", 19874.0),
        (" 2024-05-31T12:00 ", "", 19874.5),
        ("2024-05-31 12:00:00Z", "", 19874.5),
        ("2024-05-31T12:00:00+06:00", "", 19874.25),
        ("31/05/2024", "%d/%m/%Y", 19874.0),
        ("2024-05-31", "%d/%m/%Y", 19874.0),
        ("31.5.2024 6:00", "%d.%m.%Y %H:%M", 19874.25),
        ("31/05/2024", "", None),
        ("05/31/2024", "%d/%m/%Y", None),
        ("2024-02-30", "", None),
        ("2024", "", None),
        ("", "", None),
        ("", "%d/%m/%Y", None),
    ],
)
def test_dates_are_days_since_1970(text: str, date_format: str, days: float | None) -> None:
    assert parse_date(text, date_format) == days


@given(st.timedeltas(timedelta(-60_000), timedelta(80_000)))
def test_formatted_dates_are_the_same_when_parsed(since_1970: timedelta) -> None:
    days = since_1970 / timedelta(days=1)
    assert parse_date(format_date(days)) == days
    day = float(int(days))
    assert parse_date(format_date(day, "%d/%m/%Y"), "%d/%m/%Y") == day
