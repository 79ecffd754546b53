"""Filters of the templates: numbers, times and lists as people read them."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint
from markupsafe import Markup

from export.report.figures.numerals import numeral

_FILE = re.compile(r"[^\s:]+\.[A-Za-z0-9]+(?=[\s:,;]|$)")
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def register(blueprint: Blueprint) -> None:
    """Add the filters to the templates."""
    for function in (number, whole, percent, duration, moment, listed, sentence, kind, exact):
        blueprint.add_app_template_filter(function)


def number(value: Any, digits: int = 4) -> str:
    """Return a number with significant digits; a dash for anything else."""
    return numeral(float(value), digits) if type(value) in (int, float) else "–"


def whole(value: Any) -> str:
    """Return a whole number with thin spaces between thousands; a dash for anything else."""
    return f"{value:,}".replace(",", "\u2009") if type(value) is int else "–"


def percent(value: Any) -> str:
    """Return a share as a percentage; a dash for anything that is no number."""
    return f"{number(100.0 * value, 3)} %" if type(value) in (int, float) else "–"


def duration(seconds: Any) -> str:
    """Return a time in its two largest units: `2 hours 5 minutes`; a dash for no number."""
    if type(seconds) not in (int, float):
        return "–"
    if seconds < 10:
        return f"{number(float(seconds), 2)} seconds"
    left, words = round(seconds), []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {unit}{'s' if count > 1 else ''}")
    return " ".join(words[:2])


def moment(text: Any) -> Markup | str:
    """Return a time element that says how long ago an ISO 8601 date was."""
    try:
        at = datetime.fromisoformat(text)
        seconds = (datetime.now(UTC) - at).total_seconds()
        exact = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (TypeError, ValueError, OverflowError):
        return "–"
    unit_seconds, unit = next((each for each in _UNITS if seconds >= each[0]), (1, "second"))
    count = max(0, int(seconds // unit_seconds))
    ago = f"{count} {unit}{'' if count == 1 else 's'} ago"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(text, exact, ago)


def listed(names: Iterable[Any], most: int = 12) -> str:
    """Return a list in words: `a, b and c`; the end of a long one is counted."""
    words = [str(each) for each in names]
    if len(words) > most:
        words = [*words[: most - 1], f"{len(words) - most + 1} more"]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def sentence(text: str) -> str:
    """Return a text with a capital letter, unless it begins with a file's name, and a full stop."""
    if not _FILE.match(text):
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def kind(name: str) -> str:
    """Return the kind of a column in plain words, as the preview of a table has them."""
    return {"boolean": "yes or no", "datetime": "date"}.get(name, name)


def exact(text: Any) -> Markup | str:
    """Return a time element with an ISO 8601 date as it is, for a page that stays open."""
    try:
        at = datetime.fromisoformat(text).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return "–"
    return Markup('<time datetime="{}">{}</time>').format(text, f"{at:%Y-%m-%d %H:%M} UTC")
