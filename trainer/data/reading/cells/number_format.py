"""How a column writes its numbers: decimal mark, thousands marks, and the unit around them."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self

from config.number_format import PLAIN, NumberFormat, has_marks, match_number
from config.numbers import parse_number
from network.column import DECIMAL_MARKS, THOUSANDS_MARKS

MAX_OTHERS = 0.1  # of the cells of a column of numbers with a unit may be none, or have another
FEW_NUMBERS = 20  # different ones
_MARKS = tuple(
    (decimal, thousands)
    for decimal in DECIMAL_MARKS
    for thousands in THOUSANDS_MARKS
    if decimal != thousands
)


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
        scores = _scores(base, bodies)
        best = max(scores.values())
        fitting = [marks for marks in _MARKS if scores[marks] == best]
        marks, assumed = _choose(fitting, bodies, comma_is_decimal)
        found = replace(base, decimal=marks[0], thousands=marks[1])
        decides = len({decimal for decimal, _ in fitting}) == 1
        return cls(found, best / total, assumed, decides)


def _with_unit(
    texts: Mapping[str, int], total: int
) -> tuple[NumberFormat, dict[str, tuple[re.Match[str], int]]]:
    """Return the unit that nearly all numbers have, and the matches and counts of possible numbers.

    A few other cells may be words for missing ones, or mistakes. If the numbers are also few, as in
    "3 Series" and "X5", they are rather names.
    """
    cells = {text: (cell, count) for text, count in texts.items() if (cell := match_number(text))}
    units: Counter[tuple[str, str]] = Counter()
    for cell, count in cells.values():
        units[cell["prefix"] or "", (cell["suffix"] or "").strip()] += count
    unit, count = units.most_common(1)[0] if units else (("", ""), 0)
    if total - count > (MAX_OTHERS * total if len(cells) > FEW_NUMBERS else 0):
        unit = ("", "")
    parentheses = any(cell["open"] for cell, _ in cells.values())
    return NumberFormat(prefix=unit[0], suffix=unit[1], parentheses=parentheses), cells


def _scores(
    base: NumberFormat, bodies: Mapping[str, tuple[re.Match[str], int]]
) -> dict[tuple[str, str], int]:
    """Return how many cells are numbers with each decimal mark and thousands mark."""
    digits = [(base.digits(cell) or "", count) for cell, count in bodies.values()]
    present = set("".join(text for text, _ in digits))
    # marks that no cell has make no difference
    used = {
        (decimal, thousands): (
            decimal if decimal in present else "",
            thousands if thousands in present else "",
        )
        for decimal, thousands in _MARKS
    }
    counts = {
        marks: sum(count for text, count in digits if has_marks(text, *marks))
        for marks in set(used.values())
    }
    scores = {marks: counts[used[marks]] for marks in _MARKS}
    if base == PLAIN:  # which has a grammar of its own
        scores[".", ""] = sum(
            count for text, (_, count) in bodies.items() if base.parse(text) is not None
        )
    return scores


def _choose(
    fitting: list[tuple[str, str]], texts: Collection[str], comma_is_decimal: bool | None
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
