"""A cell of any kind of column.

A cell is a JSON value or, in CSV and other formats of text, a text that stands for one. None is a
missing cell. `network.column` describes the numbers.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from marshmallow import ValidationError, fields
from numpy.typing import NDArray

from config.words import is_missing
from network import Array, Column
from service.web.field_errors import shown


class Cell(fields.Field[float]):
    """A cell of one column; marshmallow's field in the schema of a row.

    Attributes
    ----------
    column : the cell's column
    example : a valid JSON value
    json_schema : of the JSON values
    no_gaps : what messages add if the cell is missing and must not be
    """

    def __init__(
        self, column: Column, expected: str, example: Any, json_schema: dict[str, Any], no_gaps: str
    ) -> None:
        gaps = column.has_gaps
        super().__init__(required=not gaps, data_key=column.name, allow_none=gaps)
        self.column = column
        self.example = example
        self.json_schema = _or_null(json_schema) if gaps else json_schema
        self._expected = expected
        self.no_gaps = no_gaps
        self.error_messages |= {"required": f"is missing{no_gaps}", "null": self.wrong(None)}

    def convert(self, value: Any) -> float | None:
        """Return the number of a JSON value; None if it is not valid."""
        raise NotImplementedError

    def convert_all(self, values: Sequence[Any]) -> Array | None:
        """Return the numbers of JSON values; None if any is not valid."""
        raise NotImplementedError

    def convert_texts(self, texts: Sequence[str]) -> Array | None:
        """Return the numbers of texts; None if any is not valid."""
        numbers = {text: self.convert(self.from_text(text)) for text in set(texts)}
        if None in numbers.values():
            return None
        return np.array([numbers[text] for text in texts], dtype=np.float64)

    def convert_array(self, x: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Return the numbers in X of numbers x (N,), and which are valid. NaN is a missing cell."""
        return x, np.isnan(x) & self.column.has_gaps

    def from_text(self, text: str) -> Any:
        """Return the JSON value that a text stands for; the text itself if it stands for none."""
        raise NotImplementedError

    def wrong(self, value: Any) -> str:
        """Return what is wrong with a JSON value."""
        got = shown(value)
        is_gap = is_missing(value if type(value) is str else got)  # so are null and nan
        return f"must be {self._expected}, got {got}{self.no_gaps if is_gap else ''}"

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> float:
        number = self.convert(value)
        if number is None:
            raise ValidationError(self.wrong(value))
        return number


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value that may also be null."""
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    either = {"anyOf": [*schema["anyOf"], {"type": "null"}]} if "anyOf" in schema else {}
    return {**schema, "type": [*kinds, "null"], **either}
