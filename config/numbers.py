"""One grammar for numbers in text, shared by CSV cells, query parameters and settings."""

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
