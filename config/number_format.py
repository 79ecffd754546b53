"""One format of numbers in text, shared by table cells and requests: marks, unit, parentheses."""

import re
from dataclasses import dataclass
from functools import cache

from config.numbers import parse_number

_CURRENCIES = (
    r"(?:US|CA|C|A|AU|NZ|R|HK|S)?\$|[€£¥₹₩₽₺₪฿]|"
    r"(?:USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|BRL|MXN|ZAR)(?![A-Za-z])"
)
_CELL = re.compile(
    rf"""(?P<open>\()?\s?(?P<sign>[+-]?)\s?(?P<prefix>{_CURRENCIES})?\s?(?P<inner>[+-]?)
    (?P<digits>[0-9.,'\x20]*[0-9][.,]?(?:[eE][+-]?[0-9]+)?)
    \s?(?P<suffix>(?:[%‰°²³€£¥₹$]|[^\W\d_])[^0-9()\x00-\x1f\x7f]{{0,14}})?(?P<close>\))?""",
    re.VERBOSE,
)
_SAME = str.maketrans({"\u2212": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2019": "'"})


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
        cell = match_number(text)
        digits = self.digits(cell) if cell else None
        if not cell or not digits or not has_marks(digits, self.decimal, self.thousands):
            return None
        digits = digits.replace(self.thousands or "\0", "").replace(self.decimal, ".")
        negative = "-" in (cell["sign"], cell["inner"]) or cell["open"] is not None
        return -float(digits) if negative else float(digits)

    def digits(self, cell: re.Match[str]) -> str | None:
        """Return the digits and marks of a match of `match_number`; None if its unit is another."""
        return cell["digits"].strip() if self._has_unit(cell) else None

    def _has_unit(self, cell: re.Match[str]) -> bool:
        return (
            (cell["prefix"] or "") == self.prefix
            and (cell["suffix"] or "").strip() == self.suffix
            and (cell["open"] is None) == (cell["close"] is None)
            and (self.parentheses or cell["open"] is None)
            and not (cell["sign"] and cell["inner"])
        )

    @property
    def unit(self) -> str:
        """Return the text around each number."""
        return self.prefix or self.suffix


PLAIN = NumberFormat()


def formats_like(
    decimal: str, thousands: str, unit: str, *, parentheses: bool
) -> list[NumberFormat]:
    """Return the formats of numbers as a known column has them, the most likely one first.

    The unit is after or before the number, or left out. Commas are thousands marks if there is a
    unit and the column has no other use for them. Plain numbers are accepted unless points are
    thousands marks, so that "1.234" is 1234.
    """
    if unit and decimal == "." and not thousands:
        thousands = ","
    found = [
        NumberFormat(decimal, thousands, prefix, suffix, parentheses)
        for prefix, suffix in dict.fromkeys([("", unit), (unit, ""), ("", "")])
    ]
    return found if thousands == "." else [*found, PLAIN]


def has_marks(digits: str, decimal: str, thousands: str) -> bool:
    """Return whether digits are a number with these marks, each of which may be empty."""
    return _grammar(decimal, thousands).fullmatch(digits) is not None


@cache
def _grammar(decimal: str, thousands: str) -> re.Pattern[str]:
    point, mark = re.escape(decimal), re.escape(thousands)
    grouped = rf"[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+(?:{point}[0-9]*)?|" if mark else ""
    return re.compile(rf"(?:{grouped}[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?")


def match_number(text: str) -> re.Match[str] | None:
    """Return the sign, the unit, the digits and the parentheses of a text that may be a number."""
    return _CELL.fullmatch(text.translate(_SAME).strip())
