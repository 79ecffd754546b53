"""The cells of columns of numbers."""

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.numbers import parse_numbers, parse_quantity
from config.words import is_missing
from network import Array, Column
from service.model.rows.cells.cell import Cell
from service.web.fields import NUMBERS


class NumberCell(Cell):
    """A finite number: no text in JSON; in text with or without the column's unit."""

    def __init__(self, column: Column, least: float, greatest: float, no_gaps: str) -> None:
        unit = f" {column.unit}" if column.unit else ""
        schema = {
            "type": "number",
            "format": "double",
            "description": f"seen in training: {least:g} to {greatest:g}{unit}",
            "examples": [least, greatest],
        }
        example = min(max(0.0, least), greatest)
        super().__init__(column, "a finite number", example, schema, no_gaps)

    def convert(self, value: Any) -> float | None:
        if type(value) in NUMBERS and math.isfinite(value):
            return float(value)
        return math.nan if value is None and self.column.has_gaps else None

    def convert_all(self, values: Sequence[Any]) -> Array | None:
        missing: list[int] = []
        if self.column.has_gaps and None in values:
            missing = [index for index, value in enumerate(values) if value is None]
            values = [0.0 if value is None else value for value in values]
        x = finite_numbers(values)
        if x is not None and missing:
            x = x.copy()
            x[missing] = math.nan
        return x

    def convert_texts(self, texts: Sequence[str]) -> Array | None:
        missing: list[int] = []
        plain = texts
        if self.column.has_gaps and "" in texts:
            missing = [index for index, text in enumerate(texts) if not text]
            plain = [text or "0" for text in texts]
        numbers = parse_numbers(plain)
        if numbers is None or not np.isfinite(x := np.array(numbers)).all():
            return super().convert_texts(texts)
        x[missing] = math.nan
        return x

    def convert_array(self, x: Array) -> tuple[Array, NDArray[np.bool_]]:
        valid = np.isfinite(x)
        if self.column.has_gaps:
            valid |= np.isnan(x)
        return x, valid

    def from_text(self, text: str) -> Any:
        if self.column.has_gaps and is_missing(text, among_numbers=True):
            return None
        number = parse_quantity(text, self.column.unit)
        return text if number is None else number


def finite_numbers(values: Sequence[Any]) -> Array | None:
    """Return JSON values as an array, or None if any is no finite number."""
    if not set(map(type, values)) <= NUMBERS:
        return None
    try:  # the fastest way from numbers to an array
        x = np.frombuffer(struct.pack(f"{len(values)}d", *values))
    except OverflowError:
        return None
    return x if np.isfinite(x).all() else None
