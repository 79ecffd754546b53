"""Constant numbers and texts in source code."""

import math
from collections.abc import Iterable

COLUMNS = 100


def number(value: float, infinity: str = "INFINITY") -> str:
    """Return a number as most languages write it, from which they read the same float64."""
    if math.isinf(value):
        return f"-{infinity}" if value < 0 else infinity
    return repr(float(value))


def wrapped(values: Iterable[str], indent: str = "  ") -> str:
    """Return values with commas between them, in lines of up to `COLUMNS` characters if they fit.

    A value is never broken: it may be a text with spaces.
    """
    lines, line = [], ""
    for value in values:
        if line and len(indent) + len(line) + len(value) + 3 > COLUMNS:
            lines.append(line)
            line = ""
        line += f"{', ' if line else ''}{value}"
    return ",\n".join(f"{indent}{each}" for each in [*lines, line])
