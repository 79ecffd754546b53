"""Axes: the range of values that a side of a figure shows, and its ticks."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from export.report.figures.numerals import power_label, tick_label

MOST = 8e307  # larger values are drawn at this one, so that every difference is finite
_LEAST_SPAN = 1e-12  # relative to the values
_SMALLEST = 1e-300  # smaller distances cannot be divided into steps
_STEPS = ((1.5, 1.0), (3.5, 2.0), (7.5, 5.0), (10.0, 10.0))  # limits, and the steps up to them
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = (1 / 24, 0.125, 0.25, 0.5, 1.0, 2.0, 7.0, 14.0)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000)


@dataclass(frozen=True)
class Axis:
    """A side of a figure.

    Attributes
    ----------
    least, greatest : the ends; least < greatest
    ticks : positions and labels
    is_log : whether powers of ten have equal distances
    """

    least: float
    greatest: float
    ticks: tuple[tuple[float, str], ...]
    is_log: bool = False

    def share(self, value: float) -> float:
        """Return where a value is, from 0 at the least to 1 at the greatest; never outside."""
        least, greatest = self.least, self.greatest
        if self.is_log:
            value = max(value, least)
            value, least, greatest = math.log10(value), math.log10(least), math.log10(greatest)
        value = min(max(value, least), greatest)
        return (value / 2 - least / 2) / (greatest / 2 - least / 2)


def linear_axis(values: Iterable[float], ticks: int = 6, *, margin: float = 0.03) -> Axis:
    """Return an axis for values, with ticks at round numbers.

    Parameters
    ----------
    ticks : about how many
    margin : on both sides, relative to the span of the values
    """
    least, greatest = _ends(values)
    extra = margin * (greatest / 2 - least / 2) * 2
    least, greatest = max(least - extra, -MOST), min(greatest + extra, MOST)
    step = _round_step(greatest / ticks - least / ticks)
    first, last = math.ceil(least / step), math.floor(greatest / step)
    places = [index * step for index in range(first, last + 1)]
    largest = max(map(abs, places), default=0.0)
    return Axis(least, greatest, tuple((x, tick_label(x, step, largest)) for x in places))


def log_axis(values: Iterable[float]) -> Axis:
    """Return an axis with equal distances between powers of ten, for values above 0."""
    found = [min(max(value, _SMALLEST), MOST) for value in values] or [1.0]
    last = min(max(math.ceil(math.log10(max(found))), math.floor(math.log10(min(found))) + 1), 307)
    first = min(math.floor(math.log10(min(found))), last - 1)
    every = max(1, -(-(last - first) // 6))
    exponents = range(-(-first // every) * every, last + 1, every)
    ticks = tuple((10.0**exponent, power_label(exponent)) for exponent in exponents)
    return Axis(10.0**first, 10.0**last, ticks, is_log=True)


def date_axis(days: Iterable[float], ticks: int = 4) -> Axis:
    """Return an axis for dates in days since 1970-01-01, with ticks at days, months or years."""
    least, greatest = _ends(days)
    step = (greatest - least) / ticks
    if not -700_000 < least < greatest < 2_900_000:  # no date of the calendar
        return linear_axis([least, greatest], ticks, margin=0.0)
    if step <= _DAYS[-1]:
        days_apart = next(each for each in _DAYS if step <= each)
        first = math.ceil(least / days_apart)
        places = [n * days_apart for n in range(first, math.floor(greatest / days_apart) + 1)]
    else:
        months = next((each for each in _MONTHS if step <= 30.44 * each), _MONTHS[-1])
        places = [day for day in _month_starts(least, greatest, months) if day >= least]
    pattern = "%H:%M" if step < 0.5 else "%Y-%m-%d" if step <= 60 else "%Y-%m"
    if places and places[-1] - places[0] >= 365 * (len(places) - 1) and step > 330:
        pattern = "%Y"
    labels = ((day, (_EPOCH + timedelta(days=day)).strftime(pattern)) for day in places)
    return Axis(least, greatest, tuple(labels))


def category_axis(labels: Sequence[str]) -> Axis:
    """Return an axis with the categories at 0, 1, 2, …"""
    return Axis(-0.5, len(labels) - 0.5, tuple((float(k), text) for k, text in enumerate(labels)))


def _month_starts(least: float, greatest: float, months: int) -> Iterable[float]:
    start = _EPOCH + timedelta(days=least)
    number = (start.year * 12 + start.month - 1) // months * months
    while True:
        year, month = divmod(number, 12)
        if not 1 <= year <= 9999:
            return
        day = (datetime(year, month + 1, 1, tzinfo=UTC) - _EPOCH) / timedelta(days=1)
        if day > greatest:
            return
        yield day
        number += months


def _ends(values: Iterable[float]) -> tuple[float, float]:
    """Return the least and the greatest value; with some distance between them."""
    found = [min(max(value, -MOST), MOST) for value in values] or [0.0]
    least, greatest = min(found), max(found)
    size = max(abs(least), abs(greatest))
    if greatest / 2 - least / 2 <= max(_LEAST_SPAN * size, _SMALLEST):
        extra = 0.05 * size if size > _SMALLEST else 1.0
        least, greatest = max(least - extra, -MOST), min(greatest + extra, MOST)
    return least, greatest


def _round_step(step: float) -> float:
    """Return the nearest 1, 2 or 5 times a power of ten."""
    power = 10.0 ** max(math.floor(math.log10(step)), -307)
    return next(factor for limit, factor in _STEPS if step <= limit * power * (1 + 1e-9)) * power
