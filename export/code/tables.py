"""Constant numbers and texts in source code."""

import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

COLUMNS = 100
AT_A_TIME = 16_384  # numbers
_LINE = re.compile(f"(.{{1,{COLUMNS - 3}}}),")


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


def numbers(array: NDArray[Any], infinity: str = "INFINITY") -> str:
    """Return the numbers of an array, in lines as `wrapped` makes them.

    orjson writes a million numbers in a fraction of the time of `repr`. It does not release the
    GIL, so that it gets some thousand at a time.
    """
    values = array.ravel()
    if values.dtype.kind != "f":
        values = values.astype(np.int64)
    elif not np.isfinite(values).all():
        return wrapped(number(each, infinity) for each in values.tolist())
    parts = (values[start : start + AT_A_TIME] for start in range(0, len(values), AT_A_TIME))
    return ",\n".join(map(_lines, parts))


def _lines(values: NDArray[Any]) -> str:
    text = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return _LINE.sub(r"  \1,\n", f"{text[1:-1]},").removesuffix(",\n")
