"""How a column writes its numbers: decimal mark, thousands marks, and the unit around them."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from config.numbers import parse_number

_CURRENCIES = (
    r"(?:US|CA|C|A|AU|NZ|R|HK|S)?\$|[€£¥₹₩₽₺₪฿]|"
    r"(?:USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|BRL|MXN|ZAR)(?![A-Za-z])"
)
_CELL = re.compile(
    rf"""(?P<open>\()?\s?(?P<sign>[+-]?)\s?(?P<prefix>{_CURRENCIES})?\s?(?P<inner>[+-]?)
    (?P<digits>[0-9.,'\x20]*[0-9][.,]?(?:[eE][+-]?[0-9]+)?)
    \s?(?P<suffix>(?:[%‰°²³€£¥₹$]|[^\W\d_])[^0-9()\n]{{0,14}})?(?P<close>\))?""",
    re.VERBOSE,
)
_SAME = str.maketrans({"\u2212": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'"})
_MARKS = tuple(
    (decimal, thousands)
    for decimal in ".,"
    for thousands in ("", ",", ".", "'", " ")
    if decimal != thousands
)


@dataclass(frozen=True)
class NumberFormat:
    """A grammar for the numbers of a column.

    Attributes
    ----------
    decimal, thousands : one character; `thousands` is empty if there are no such marks
    prefix, suffix : the unit around each number, such as "$" and "kg"
    parentheses : whether "(5)" is −5
    """

    decimal: str = "."
    thousands: str = ""
    prefix: str = ""
    suffix: str = ""
    parentheses: bool = False

    def parse(self, text: str) -> float | None:
        """Return the number, infinite if it is too large; None if the text is not in the format."""
        if self == PLAIN:
            return parse_number(text.replace("\u2212", "-"))
        cell = _CELL.fullmatch(text.translate(_SAME).strip())
        if cell is None or not self._has_unit(cell):
            return None
        digits = cell["digits"].strip()
        if not self._digits.fullmatch(digits):
            return None
        digits = digits.replace(self.thousands or "\0", "").replace(self.decimal, ".")
        negative = "-" in (cell["sign"], cell["inner"]) or cell["open"] is not None
        return -float(digits) if negative else float(digits)

    def _has_unit(self, cell: re.Match[str]) -> bool:
        return (
            (cell["prefix"] or "") == self.prefix
            and (cell["suffix"] or "").strip() == self.suffix
            and (cell["open"] is None) == (cell["close"] is None)
            and (self.parentheses or cell["open"] is None)
            and not (cell["sign"] and cell["inner"])
        )

    @cached_property
    def _digits(self) -> re.Pattern[str]:
        point, mark = re.escape(self.decimal), re.escape(self.thousands)
        grouped = rf"[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+(?:{point}[0-9]*)?|" if mark else ""
        return re.compile(
            rf"(?:{grouped}[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
        )

    @property
    def unit(self) -> str:
        """Return the text around each number."""
        return self.prefix or self.suffix


PLAIN = NumberFormat()


@dataclass(frozen=True)
class Found:
    """The format that fits most cells.

    Attributes
    ----------
    share : of the cells that it fits, from 0 to 1
    assumed : what the cells leave open, as a sentence; empty if they leave nothing open
    decides : whether the cells prove which character is the decimal mark
    """

    format: NumberFormat
    share: float
    assumed: str = ""
    decides: bool = False

    @classmethod
    def of(cls, texts: Mapping[str, int], comma_is_decimal: bool | None) -> Self:
        """Return the format of a column.

        Parameters
        ----------
        texts : the different cells that are not missing, and how often each occurs
        comma_is_decimal : whether other columns of the file write a decimal comma; None if they do
            not tell
        """
        total = sum(texts.values())
        base, bodies = _with_unit(texts, total)
        scores = {
            marks: sum(count for text, count in bodies.items() if each.parse(text) is not None)
            for marks in _MARKS
            for each in [replace(base, decimal=marks[0], thousands=marks[1])]
        }
        best = max(scores.values())
        fitting = [marks for marks in _MARKS if scores[marks] == best]
        marks, assumed = _choose(fitting, bodies, comma_is_decimal)
        found = replace(base, decimal=marks[0], thousands=marks[1])
        decides = len({decimal for decimal, _ in fitting}) == 1
        return cls(found, best / total, assumed, decides)


def _with_unit(texts: Mapping[str, int], total: int) -> tuple[NumberFormat, dict[str, int]]:
    """Return the unit that every cell has, and the cells that may be numbers with it."""
    cells = {
        text: (cell, count)
        for text, count in texts.items()
        if (cell := _CELL.fullmatch(text.translate(_SAME).strip()))
    }
    units: Counter[tuple[str, str]] = Counter()
    for cell, count in cells.values():
        units[cell["prefix"] or "", (cell["suffix"] or "").strip()] += count
    unit, count = units.most_common(1)[0] if units else (("", ""), 0)
    if count < total:
        unit = ("", "")
    parentheses = any(cell["open"] for cell, _ in cells.values())
    return NumberFormat(prefix=unit[0], suffix=unit[1], parentheses=parentheses), {
        text: count for text, (_, count) in cells.items()
    }


def _choose(
    fitting: list[tuple[str, str]], texts: Mapping[str, int], comma_is_decimal: bool | None
) -> tuple[tuple[str, str], str]:
    """Return one of the marks that fit equally well, and what had to be assumed."""
    if (".", "") in fitting:
        if comma_is_decimal and (",", ".") in fitting and any("." in text for text in texts):
            return (",", "."), "a point is taken as a thousands mark"
        return (".", ""), ""
    if not {(",", ""), (".", ",")} <= set(fitting):
        return fitting[0], ""
    if comma_is_decimal is None:  # every comma has three digits after it
        comma_is_decimal = any(
            parse_number(text) is not None and len(text.strip(" +-")) > 3 for text in texts
        )
    if comma_is_decimal:
        return (",", ""), "a comma is taken as the decimal mark"
    return (".", ","), "a comma is taken as a thousands mark"
