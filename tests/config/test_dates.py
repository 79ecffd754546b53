"""Dates in text."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.dates import days_since_1970, format_date


@pytest.mark.parametrize(
    ("text", "date_format", "days"),
    [
        ("1970-01-01", "", 0.0),
        ("1969-12-31", "", -1.0),
        (" 2024-05-31T12:00 ", "", 19874.5),
        ("2024-05-31 12:00:00Z", "", 19874.5),
        ("2024-05-31T12:00:00+06:00", "", 19874.25),
        ("31/05/2024", "%d/%m/%Y", 19874.0),
        ("31.5.2024 6:00", "%d.%m.%Y %H:%M", 19874.25),
        ("06:00", "%H:%M", 0.25),
        ("31/05/2024", "", None),
        ("05/31/2024", "%d/%m/%Y", None),
        ("2024-02-30", "", None),
        ("", "", None),
        ("", "%d/%m/%Y", None),
    ],
)
def test_dates_are_days_since_1970(text: str, date_format: str, days: float | None) -> None:
    assert days_since_1970(text, date_format) == days


@given(st.timedeltas(timedelta(-60_000), timedelta(80_000)))
def test_formatted_dates_are_the_same_when_parsed(since_1970: timedelta) -> None:
    days = since_1970 / timedelta(days=1)
    assert days_since_1970(format_date(days)) == days
    day = float(since_1970.days)
    assert days_since_1970(format_date(day, "%d/%m/%Y"), "%d/%m/%Y") == day
