"""Values of any type as JSON values."""

import math
import sys
from datetime import date, time
from decimal import Decimal
from fractions import Fraction
from typing import Any

_AS_IT_IS = (type(None), bool, int, str)


def json_value(value: Any) -> Any:
    """Return a cell as a JSON value.

    NaN, NaT and `pandas.NA` are missing cells. Infinity becomes a text, because JSON has no such
    number: the service then names the cell. Dates become texts in ISO 8601.

    Raises
    ------
    TypeError
        the value is neither a number nor a text, a boolean, a date or a missing cell.
    """
    if type(value) in _AS_IT_IS:
        return value
    if _is_missing(value):
        return None
    if isinstance(value, float | Decimal | Fraction):
        number = float(value)
        return number if math.isfinite(number) else str(number)
    if isinstance(value, int | str):  # subclasses, such as enumerations
        return int(value) if isinstance(value, int) else str(value)
    if isinstance(value, date | time) or _is_numpy_datetime(value):  # also pandas.Timestamp
        return str(value)
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return json_value(value.item())
    raise TypeError(f"a cell must be a number, text, boolean or date, got {value!r}")


def _is_missing(value: Any) -> bool:
    """Return whether a value is `pandas.NA`, NaT or a NaN of any other type."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and value is pandas.NA:
        return True
    return bool(getattr(value, "ndim", 0) == 0 and value != value)  # noqa: PLR0124


def _is_numpy_datetime(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.datetime64)
