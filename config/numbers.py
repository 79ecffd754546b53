"""One grammar for numbers in text, shared by CSV cells, query parameters and settings."""

from collections.abc import Sequence

_BEYOND_DECIMALS = frozenset("_nN")  # float() also accepts "1_000", "inf" and "nan"


def parse_number(text: str) -> float | None:
    """Parse a decimal number: ASCII digits, optionally a sign, a point and an exponent.

    White space around the number is ignored.

    Returns
    -------
    number : the nearest float64, infinite if it is beyond the largest; None if the text is not a
        number. "inf", "nan", "1_000", "0x10" and digits of other scripts are not numbers.
    """
    text = text.strip()
    try:
        number = float(text)
    except ValueError:
        return None
    return number if text.isascii() and _BEYOND_DECIMALS.isdisjoint(text) else None


def parse_numbers(texts: Sequence[str]) -> list[float] | None:
    """Parse decimal numbers, much faster than one by one; None if any text is not a number."""
    joined = "".join(texts)
    if not joined.isascii() or any(letter in joined for letter in _BEYOND_DECIMALS):
        return None
    try:
        return list(map(float, texts))
    except ValueError:
        return None
