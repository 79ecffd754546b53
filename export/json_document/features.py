"""Features in words: how a cell becomes a number, and a row as an example."""

from typing import Any

import numpy as np

from config.dates import example_of_date
from network import Column, Predictor

_MEANINGS = {
    "number": "the number itself",
    "category": "the index of the text in `values`, counted from 0; -1 for any other text",
    "boolean": "0 for false, 1 for true",
    "datetime": "days since 1970-01-01T00:00Z, with the time of the day as a fraction; UTC unless "
    "the text has a time zone",
}
_MISSING = "; NaN if the cell is missing"


def features_of(model: Predictor) -> list[dict[str, Any]]:
    """Return a description of each feature, with its range in training."""
    limits = model.feature_range.T.tolist()
    return [_feature(*each) for each in zip(model.columns, limits, strict=True)]


def example_numbers(model: Predictor) -> list[float]:
    """Return the numbers of a row near the middle of the range of training."""
    numbers = []
    for column, (least, greatest) in zip(model.columns, model.feature_range.T, strict=True):
        middle = float(least / 2.0 + greatest / 2.0)
        if column.kind == "number":
            numbers.append(float(np.clip(float(f"{middle:.4g}"), least, greatest)))
        elif column.kind == "datetime":
            numbers.append(float(int(middle)))
        else:
            numbers.append(float(column.kind == "boolean"))
    return numbers


def cell_of(column: Column, number: float) -> Any:
    """Return a number as the cell that its user writes."""
    match column.kind:
        case "category":
            return column.values[int(number)]
        case "boolean":
            return column.values[int(number)] if column.values else bool(number)
        case "datetime":
            return example_of_date(number, column.date_format)
    return number


def _feature(column: Column, limits: list[float]) -> dict[str, Any]:
    found: dict[str, Any] = {"name": column.name, "kind": column.kind}
    if column.unit:
        found["unit"] = column.unit
    if column.values:
        found["values"] = list(column.values)
    if column.kind == "datetime":
        found["date_format"] = column.date_format or "ISO 8601"
        found["range_in_training"] = [example_of_date(days, column.date_format) for days in limits]
    elif column.kind == "number":
        found["range_in_training"] = limits
    may_be_missing = {"may_be_missing": column.has_gaps}
    return found | may_be_missing | {"as_a_number": _MEANINGS[column.kind] + _MISSING}
