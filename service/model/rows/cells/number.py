"""The cells of columns of numbers."""

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.number_format import NumberFormat, formats_like
from config.numbers import parse_numbers
from config.words import is_missing
from network import Array, Column
from service.model.rows.cells.cell import Cell
from service.web.fields import NUMBERS


class NumberCell(Cell):
    """A finite number: no text in JSON; in text as in the training file, or without the unit."""

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
        self._formats = formats_of(column)

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
        if not reads_plain_numbers(self.column):
            return super().convert_texts(texts)
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
        for form in self._formats:
            if (number := form.parse(text)) is not None:
                return number
        return text


def formats_of(column: Column) -> list[NumberFormat]:
    """Return the formats in which a column's numbers may be written in text."""
    return formats_like(
        column.decimal, column.thousands, column.unit, parentheses=column.parentheses
    )


def reads_plain_numbers(column: Column) -> bool:
    """Return whether a decimal number in text has its usual value; "1.234" may be 1234."""
    return column.thousands != "."


def finite_numbers(values: Sequence[Any], *, booleans: bool = True) -> Array | None:
    """Return JSON values as an array, or None if any is no finite number.

    Parameters
    ----------
    booleans : whether there may be any, which `struct` takes for numbers
    """
    if booleans and not set(map(type, values)) <= NUMBERS:
        return None
    try:  # the fastest way from numbers to an array
        x = np.frombuffer(struct.pack(f"{len(values)}d", *values))
    except (OverflowError, struct.error):
        return None
    return x if np.isfinite(x).all() else None
