"""One grammar for the cells of tables in text, shared by training files and request bodies."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from config.numbers import parse_number

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_MISSING = frozenset(
    ("", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "null", "none", "#n/a n/a")
)
_PLACEHOLDERS = frozenset(("?", "-"))
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", re.ASCII)


def is_missing(text: str, *, placeholders: bool = True) -> bool:
    """Return whether a cell says that its value is missing: empty, NA, NaN, null, none and so on.

    Parameters
    ----------
    placeholders : whether `?` and `-` say so, too, as in a column of numbers
    """
    word = text.strip().lower()
    return word in _MISSING or (placeholders and word in _PLACEHOLDERS)


def parse_quantity(text: str, unit: str = "") -> float | None:
    """Parse a number with or without its unit, before or after it.

    With a unit, commas between groups of three digits are ignored: "$3,504". None if the text is
    no number; see `parse_number`.
    """
    number = parse_number(text)
    if number is None and unit:
        bare = text.strip()
        sign = bare[:1] if bare[:1] in ("-", "+") else ""
        bare = bare.removeprefix(sign).lstrip()
        bare = bare.removesuffix(unit) if bare.endswith(unit) else bare.removeprefix(unit)
        bare = sign + bare.strip()
        number = parse_number(bare.replace(",", "") if _THOUSANDS.fullmatch(bare) else bare)
    return number


def parse_boolean(text: str, words: Sequence[str] = ()) -> float | None:
    """Parse a word for false, 0.0, or true, 1.0, in any case; None if the text is neither.

    Parameters
    ----------
    words : for false and for true, besides the words false and true, and 0 and 1
    """
    word = text.strip().lower()
    own = [each.lower() for each in words]
    if word in own:
        return float(own.index(word))
    return {"false": 0.0, "0": 0.0, "true": 1.0, "1": 1.0}.get(word)


def parse_date(text: str, date_format: str = "") -> float | None:
    """Parse a date or time; return the days since 1970-01-01, in UTC if the text has no time zone.

    Parameters
    ----------
    date_format : as `strptime` takes it. ISO 8601 is always accepted, besides.

    Returns
    -------
    days : None if the text has neither form
    """
    text = text.strip()
    date = _parsed(text, date_format) if date_format else None
    if date is None:
        try:
            date = datetime.fromisoformat(text)
        except ValueError:
            return None
    return ((date if date.tzinfo else date.replace(tzinfo=UTC)) - _EPOCH) / _DAY


def format_date(days: float, date_format: str = "") -> str:
    """Return the text that `parse_date` takes for days since 1970-01-01, to the microsecond."""
    date = (_EPOCH + timedelta(days=days)).replace(tzinfo=None)
    if date_format:
        return date.strftime(date_format)
    return date.date().isoformat() if float(days).is_integer() else date.isoformat()


def _parsed(text: str, date_format: str) -> datetime | None:
    try:
        return datetime.strptime(text, date_format)  # noqa: DTZ007  # the caller adds the time zone
    except ValueError:
        return None
