"""The cells of columns of dates and times."""

import math
import re
from calendar import day_abbr, month_abbr, month_name
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from config.dates import ISO_TIMES, days_since_1970, example_of_date, has_date
from config.words import is_missing
from network import Array, Column
from service.model.rows.cells.cell import Cell

_DIRECTIVES = {
    "%d": "(0?[1-9]|[12][0-9]|3[01])",
    "%m": "(0?[1-9]|1[0-2])",
    "%b": f"({'|'.join(month_abbr[1:])})",
    "%B": f"({'|'.join(month_name[1:])})",
    "%Y": "(?!0000)[0-9]{4}",
    "%y": "[0-9]{2}",
    "%H": "([01]?[0-9]|2[0-3])",
    "%I": "(0?[1-9]|1[0-2])",
    "%M": "[0-5]?[0-9]",
    "%S": "[0-5]?[0-9]",
    "%f": "[0-9]{1,6}",
    "%p": "([AaPp][Mm])",
    "%a": f"({'|'.join(day_abbr)})",
    "%z": "([+-][0-9]{2}:?[0-9]{2}|Z)",
}
_TIME_OF_DAY = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,6})?)?"
_LOCAL_TIME = f"^(?!0000)[0-9]{{4}}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]{_TIME_OF_DAY}$"

_LONGEST = 100  # of a date


class DateCell(Cell):
    """A text: a date or time as in the training file, or in ISO 8601."""

    def __init__(self, column: Column, least: float, greatest: float, no_gaps: str) -> None:
        form = column.date_format
        example, last = example_of_date(least, form), example_of_date(greatest, form)
        about = f"a date or time; seen in training: {example} to {last}"
        formats: list[dict[str, Any]] = [
            {"format": "date"},
            {"format": "date-time"},
            {"pattern": _LOCAL_TIME, "description": "ISO 8601 without a time zone: UTC"},
        ]
        if form:
            own = {"pattern": f"^{_pattern(form)}$"}
            formats.append({**own, "description": f"as in the training file: {form}"})
        schema = {
            "type": "string",
            "description": about,
            "anyOf": formats,
            "examples": [example, last],
        }
        super().__init__(column, f"a date like {example}", example, schema, no_gaps)

    def convert(self, value: Any) -> float | None:
        if type(value) is str:
            return _days(value, self.column.date_format) if len(value) <= _LONGEST else None
        return math.nan if value is None and self.column.has_gaps else None

    def convert_all(self, values: Sequence[Any]) -> Array | None:
        if not set(map(type, values)) <= {str, type(None)}:
            return None
        numbers = {value: self.convert(value) for value in set(values)}
        found = [numbers[value] for value in values]
        return None if None in found else np.array(found, dtype=np.float64)

    def from_text(self, text: str) -> Any:
        return None if self.column.has_gaps and is_missing(text, among_numbers=True) else text


@lru_cache(10_000)  # parsing takes as long as a prediction, and requests repeat dates
def _days(text: str, date_format: str) -> float | None:
    times = () if has_date(date_format) else ISO_TIMES
    found = (days_since_1970(text, each) for each in (date_format, "", *times))
    return next((days for days in found if days is not None), None)


def _pattern(date_format: str) -> str:
    """Return a pattern of the texts in a format; a month may have fewer days than it says."""
    return re.sub(
        r"%[A-Za-z]|[^%]",
        lambda part: _DIRECTIVES.get(part[0], re.escape(part[0])),
        date_format,
    )
