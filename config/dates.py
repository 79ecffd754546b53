"""One grammar for dates and times in text, shared by table cells and requests."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_DATE_DIRECTIVES = ("%d", "%m", "%b", "%B", "%Y", "%y")
_YEAR_1, _YEAR_9999 = -719_162.0, 2_932_896.0  # the first and the last day
ISO_TIMES = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f")  # formats of a time without a date


def has_date(date_format: str) -> bool:
    """Return whether texts in a format have a date, not only a time."""
    return not date_format or any(each in date_format for each in _DATE_DIRECTIVES)


def days_since_1970(text: str, date_format: str = "") -> float | None:
    """Parse a date, a time or both.

    Parameters
    ----------
    date_format : as `datetime.strptime` takes it; empty for ISO 8601

    Returns
    -------
    days : since 1970-01-01, in UTC unless the text has a time zone; for a time without a date the
        fraction of the day; None if the text is not in the format
    """
    text = text.strip()
    try:
        if date_format:
            moment = datetime.strptime(text, date_format)  # noqa: DTZ007  # the zone is below
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not has_date(date_format):
        moment = moment.replace(year=1970, month=1, day=1)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) / _DAY


def format_date(days: float, date_format: str = "") -> str:
    """Return the text that `days_since_1970` parses to these days, to the microsecond."""
    moment = _EPOCH + timedelta(days=days)
    if date_format:
        return moment.strftime(date_format)
    moment = moment.replace(tzinfo=None)
    return moment.date().isoformat() if float(days).is_integer() else moment.isoformat()


def example_of_date(days: float, date_format: str = "") -> str:
    """Return a date in a format, or in ISO 8601 if the format has not all of it.

    With two digits of the year, "%y", dates before 1969 would be read as a century later.
    """
    days = min(max(days, _YEAR_1), _YEAR_9999)
    text = format_date(days, date_format)
    parsed = days_since_1970(text, date_format)
    return text if parsed is not None and abs(parsed - days) < 1 else format_date(days)
