"""Cells that are dates or times."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from config.dates import days_since_1970, format_date, has_date
from config.words import is_missing
from network import Array

_ISO = re.compile(r"\s*[0-9]{4}(?:-[0-9]{2}-[0-9]{2}(?:$|[T ].*)|[0-9]{4}T.*)")
_MAYBE = re.compile(r"\s*(?:[0-9]{1,4}[-./: ]|[0-9]{8}T|[A-Z][a-z]{2})[^\n]{2,40}")
_DATES = (
    *("%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y"),
    *("%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d", "%Y-%m"),
    *("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y"),
    *("%d. %B %Y", "%b %Y", "%B %Y"),
)
_TIMES = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p")
_MAILS = ("%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
_FORMATS = (*_DATES, *_TIMES, *_MAILS, *(f"{date} {time}" for date in _DATES for time in _TIMES))
_TRIED = 5  # texts; no format is looked at further that fits none of them
_REMEMBERED = 100_000
_DAY, _NOON = 19753.0, 19753.5  # examples, 2024-01-31
MIN_SHARE = 0.8  # of the cells, so that a few invalid dates are named


@dataclass
class DateCells:
    """Reads dates in one format.

    Attributes
    ----------
    date_format : as `config.dates.days_since_1970` takes it
    assumed : what the cells leave open, as a sentence
    """

    date_format: str = ""
    assumed: str = ""
    _days: dict[str, float] = field(default_factory=dict)

    @property
    def expected(self) -> str:
        """Return what a cell has to be."""
        has_time = "%H" in self.date_format or "%I" in self.date_format
        what = "date" if has_date(self.date_format) else "time"
        return f"a {what} like {format_date(_NOON if has_time else _DAY, self.date_format)}"

    def fresh(self) -> "DateCells":
        """Return a reader of the same format that has not read anything."""
        return DateCells(self.date_format, self.assumed)

    def read(self, cells: Sequence[str] | Array) -> tuple[Array, list[int]]:
        """Return days since 1970, NaN for missing ones, and the indices of other cells."""
        if isinstance(cells, np.ndarray):
            return cells, list(np.flatnonzero(~np.isnan(cells)))
        if len(self._days) > _REMEMBERED:
            self._days.clear()
        for cell in set(cells).difference(self._days):
            days = days_since_1970(cell, self.date_format)
            if days is None:
                days = np.nan if is_missing(cell, among_numbers=True) else np.inf
            self._days[cell] = days
        days_of_cells = np.fromiter(map(self._days.__getitem__, cells), np.float64, len(cells))
        wrong = np.isinf(days_of_cells)
        days_of_cells[wrong] = np.nan
        return days_of_cells, [int(index) for index in np.flatnonzero(wrong)]


def find_date_format(texts: Mapping[str, int], *, day_first: bool) -> DateCells | None:
    """Return cells of the format that nearly all texts have; None if they have none in common.

    Parameters
    ----------
    texts : the different cells that are not missing, and how often each occurs
    day_first : which order is assumed where every day and month is below 13
    """
    maybe = [text for text in texts if _MAYBE.fullmatch(text)]
    needed = MIN_SHARE * sum(texts.values())
    if sum(texts[text] for text in maybe) < needed:
        return None
    formats = ("", *_FORMATS) if _ISO.match(maybe[0]) else _FORMATS
    scores = {
        date_format: sum(texts[text] for text in maybe if _fits(text, date_format))
        for date_format in formats
        if any(_fits(text, date_format) for text in maybe[:_TRIED])
    }
    best = max(scores.values(), default=0)
    if not scores or best < needed:
        return None
    fitting = [date_format for date_format, score in scores.items() if score == best]
    first = "%d" if day_first or "." in fitting[0] else "%m"
    chosen = next((each for each in fitting if each.startswith(first)), fitting[0])
    if fitting[0] == "" or len(fitting) == 1:
        return DateCells(fitting[0])
    order = "day" if chosen.startswith("%d") else "month"
    return DateCells(chosen, f"the {order} is taken to be first ({chosen})")


def _fits(text: str, date_format: str) -> bool:
    return days_since_1970(text, date_format) is not None
