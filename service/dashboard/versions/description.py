"""What a page needs to know of a version to make a form for its rows."""

import math
from typing import Any

from config.dates import format_date
from network import Column
from network.explanation.typical_row import typical_row
from service.model.loaded_version import LoadedVersion

LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)  # of intervals, to choose from
_FEW_WHOLE_NUMBERS = 4  # a wider range with whole ends is probably of whole numbers
_DAY_SECONDS = 86_400
_STEPS = 200  # of a typical value within its range, so that it is a short number


def describe(version: LoadedVersion) -> dict[str, Any]:
    """Return a version's features with their training ranges, its targets and interval levels."""
    model, calibration = version.model, version.calibration
    highest = 0.0 if calibration is None else calibration.highest_level
    least, greatest = model.feature_range.tolist()
    typical = typical_row(model).tolist()
    return {
        "version": version.number,
        "features": [
            _feature(*each) for each in zip(model.columns, least, greatest, typical, strict=True)
        ],
        "targets": list(model.targets),
        "levels": [level for level in LEVELS if level <= highest],
    }


def _feature(column: Column, least: float, greatest: float, typical: float) -> dict[str, Any]:
    """Return a feature; dates are in days since 1970-01-01, except for the typical one."""
    document = {"name": column.name, "kind": column.kind, "may_be_missing": column.has_gaps}
    match column.kind:
        case "category":
            values = list(column.values)
            return {**document, "values": values, "typical": values[int(typical)]}
        case "boolean":
            words = list(column.values or ("false", "true"))
            return {**document, "values": words, "typical": bool(typical)}
        case "datetime":
            has_time = not (least.is_integer() and greatest.is_integer())
            moment = format_date(math.floor(typical))
            if has_time:  # to the second, as browsers accept no microseconds in their fields
                seconds = math.floor(typical % 1 * _DAY_SECONDS)
                moment += f"T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
            found = {"least": least, "greatest": greatest, "has_time": has_time, "typical": moment}
            return {**document, **found}
    value = _short(typical, least, greatest)
    found = {"unit": column.unit, "least": least, "greatest": greatest, "typical": value}
    return {**document, **found}


def _short(value: float, least: float, greatest: float) -> float:
    """Return a number with few digits near a value, within its range."""
    width = greatest - least
    if least.is_integer() and greatest.is_integer() and width >= _FEW_WHOLE_NUMBERS:
        return round(value)
    step = width / _STEPS
    if not (math.isfinite(step) and step > 0):
        return value
    digits = -math.floor(math.log10(step))
    return min(max(round(value, digits), least), greatest)
