"""Numbers, times and lists as the pages write them."""

from datetime import UTC, datetime, timedelta

import pytest

from service.dashboard import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0371577, "0.03716"),
        (-0.0024067, "−0.002407"),
        (1.5e-9, "1.5·10⁻⁹"),
        (7, "7"),
        (None, "–"),
        ("7", "–"),
        (True, "–"),
    ],
)
def test_number(value: object, text: str) -> None:
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.25, "0.25 seconds"),
        (59.9, "1 minute"),
        (125, "2 minutes 5 seconds"),
        (90_061, "1 day 1 hour"),
        (None, "–"),
    ],
)
def test_duration(seconds: object, text: str) -> None:
    assert words.duration(seconds) == text


def test_moment_has_the_exact_time_besides() -> None:
    at = datetime.now(UTC) - timedelta(hours=3, minutes=10)
    made = words.moment(at.isoformat())
    assert ">3 hours ago</time>" in made
    assert at.strftime("%Y-%m-%d %H:%M:%S UTC") in made
    assert words.moment("yesterday") == words.moment(None) == "–"
    assert words.moment("0001-01-01T00:00:00+10:00") == "–"  # in UTC, before the year 1


def test_time_in_the_future_is_now() -> None:
    made = words.moment((datetime.now(UTC) + timedelta(days=1)).isoformat())
    assert ">0 seconds ago</time>" in made


def test_list() -> None:
    assert words.listed([]) == ""
    assert words.listed(["a"]) == "a"
    assert words.listed("abc") == "a, b and c"
    assert words.listed(range(20), most=4) == "0, 1, 2 and 17 more"


def test_share_and_count() -> None:
    assert words.percent(0.9982) == "99.8 %"
    assert words.whole(4000) == "4\u2009000"
    assert words.percent(None) == words.whole(None) == "–"


def test_sentence() -> None:
    assert words.sentence("the token is unknown") == "The token is unknown."
    assert words.sentence("Why?") == "Why?"
    assert words.sentence("rent.csv was read") == "rent.csv was read."
    assert words.sentence("rent.csv: few rows") == "rent.csv: few rows."
    assert words.sentence("e.g. this") == "E.g. this."


def test_kind() -> None:
    assert [words.kind(each) for each in ("boolean", "datetime", "number")] == [
        "yes or no",
        "date",
        "number",
    ]


def test_exact_time() -> None:
    assert words.exact("2026-03-01T12:30:45+02:00") == (
        '<time datetime="2026-03-01T12:30:45+02:00">2026-03-01 10:30 UTC</time>'
    )
    assert words.exact(None) == words.exact("soon") == "–"
