"""Numbers as people read them."""

import math

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LARGE, SMALL = 1e6, 1e-3  # numbers outside are written with a power of ten


def numeral(value: float, digits: int = 4) -> str:
    """Return a number with this many significant digits, without trailing zeros."""
    if value == 0.0 or not math.isfinite(value):
        return "0" if value == 0.0 else str(value).replace("-", "−")
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    if SMALL <= 10.0 ** int(exponent) < LARGE:
        return _plain(f"{value:,.{max(0, digits - 1 - int(exponent))}f}")
    return _with_power(mantissa, int(exponent))


def tick_label(value: float, step: float, largest: float) -> str:
    """Return the label of a tick, with the decimals that tell it from its neighbours.

    Parameters
    ----------
    step : the distance between ticks
    largest : the size of the largest tick, which decides whether all have a power of ten
    """
    if value == 0.0:
        return "0"
    if SMALL <= largest < LARGE:
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        return f"{value:,.{decimals}f}".replace("-", "−").replace(",", "\u2009")
    exponent = math.floor(math.log10(abs(value)) + 1e-9)
    decimals = max(0, exponent - math.floor(math.log10(step) + 1e-9))
    mantissa, _, found = f"{value:.{min(decimals, 15)}e}".partition("e")
    return _with_power(mantissa, int(found))


def power_label(exponent: int) -> str:
    """Return a power of ten."""
    if -3 <= exponent <= 4:
        return numeral(10.0**exponent)
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"


def _with_power(mantissa: str, exponent: int) -> str:
    power = f"10{str(exponent).translate(_SUPERSCRIPTS)}"
    text = _plain(mantissa)
    return power if text == "1" else f"−{power}" if text == "−1" else f"{text}·{power}"


def _plain(text: str) -> str:
    """Return a number's text without trailing zeros, with thin spaces and a minus sign."""
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−").replace(",", "\u2009")
