"""Cells whose valid values can be listed: categories and booleans."""

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.numbers import parse_number
from config.words import is_missing, parse_boolean
from network import UNSEEN, Array, Column
from service.model.rows.cells.cell import Cell
from service.web.field_errors import listed
from service.web.fields import NUMBERS

# The characters that `str.strip` removes, as a class of regular expressions in JSON Schema.
SPACES = r"[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_SYNTAX = re.compile(r"[\^$\\.*+?()\[\]{}|/]")


class ListedCell(Cell):
    """A cell whose valid JSON values are listed.

    Parameters
    ----------
    numbers : of the values
    types : of the values
    unlisted : the number of other values of these types; None if they are not valid
    """

    def __init__(
        self,
        numbers: Mapping[Any, float],
        types: Collection[type],
        unlisted: float | None,
        *described: Any,
    ) -> None:
        super().__init__(*described)
        self._numbers, self._types, self._unlisted = dict(numbers), set(types), unlisted
        if self.column.has_gaps:
            self._numbers[None] = math.nan
            self._types.add(type(None))

    def convert(self, value: Any) -> float | None:
        value = self._plain(value)
        return self._numbers.get(value, self._unlisted) if type(value) in self._types else None

    def _plain(self, value: Any) -> Any:
        """Return a value as training compares it: a text without white space around it."""
        return value.strip() if type(value) is str else value

    def convert_all(self, values: Sequence[Any]) -> Array | None:
        values = list(map(self._plain, values))
        if not set(map(type, values)) <= self._types:
            return None
        found = list(map(self._numbers.get, values, repeat(self._unlisted)))
        return None if None in found else np.array(found, dtype=np.float64)


class CategoryCell(ListedCell):
    """A text, or a number if all categories are different numbers.

    Parameters
    ----------
    refuse : whether categories that training had not are not valid
    """

    def __init__(self, column: Column, refuse: bool, no_gaps: str) -> None:
        texts = column.values
        known = f"{listed(texts)} ({len(texts)} value{'s' if len(texts) > 1 else ''})"
        numbers: dict[Any, float] = {text: float(code) for code, text in enumerate(texts)}
        types: set[type] = {str}
        kinds, values = ["string"], list[Any](texts)
        parsed = {parse_number(text): float(code) for code, text in enumerate(texts)}
        if None not in parsed and len(parsed) == len(texts):
            numbers |= parsed
            types, kinds, values = {str, *NUMBERS}, ["string", "number"], [*texts, *parsed]
        schema: dict[str, Any] = {"type": kinds if len(kinds) > 1 else kinds[0]}
        if refuse:
            schema |= {"anyOf": [{"enum": values}, _spaced(map(_escaped, texts))]}
            expected = f"text: one of {known}"
        else:
            about = f"training had {known}; any other value is reported as `unseen`"
            schema |= {"description": about, "examples": values}
            expected = f"text, such as {known}"
        unlisted = None if refuse else UNSEEN
        super().__init__(numbers, types, unlisted, column, expected, texts[0], schema, no_gaps)

    def convert_array(self, x: Array) -> tuple[Array, NDArray[np.bool_]]:
        if float not in self._types:
            return super().convert_array(x)
        different, inverse = np.unique(x, return_inverse=True)
        numbers = [self.convert(None if math.isnan(each) else each) for each in different.tolist()]
        valid = np.array([number is not None for number in numbers])
        return np.array(numbers, dtype=np.float64)[inverse], valid[inverse]

    def from_text(self, text: str) -> Any:
        text = text.strip()
        return None if is_missing(text) and text not in self._numbers else text


class BooleanCell(ListedCell):
    """true or false, or one of the training file's words; in an array of numbers 1 or 0."""

    def __init__(self, column: Column, no_gaps: str) -> None:
        words = column.values
        self._lower = {word.lower(): word for word in words}
        others = words and {word.lower() for word in words} != {"false", "true"}
        expected = "true or false" + (f", {words[1]} or {words[0]}" if others else "")
        numbers: dict[Any, float] = {False: 0.0, True: 1.0}
        numbers |= {word: float(value) for value, word in enumerate(words)}
        types: set[type] = {bool}
        schema: dict[str, Any] = {"type": "boolean"}
        self._words = [("false", "true"), ("0", "1")]
        if words:
            types = {bool, str}
            self._words.insert(0, (words[0], words[1]))
            in_any_case = _spaced(map(_in_any_case, words))
            schema = {
                "type": ["boolean", "string"],
                "anyOf": [{"enum": list(numbers)}, in_any_case],
            }
        super().__init__(numbers, types, None, column, expected, False, schema, no_gaps)

    def _plain(self, value: Any) -> Any:
        if type(value) is not str or not (text := value.strip()).isascii():
            return value
        return self._lower.get(text.lower(), value)

    def convert_array(self, x: Array) -> tuple[Array, NDArray[np.bool_]]:
        valid = (x == 0.0) | (x == 1.0)
        if self.column.has_gaps:
            valid |= np.isnan(x)
        return x, valid

    def from_text(self, text: str) -> Any:
        if self.column.has_gaps and is_missing(text):
            return None
        for words in self._words:
            if (value := parse_boolean(text, words)) is not None:
                return value
        return text


def _spaced(patterns: Iterable[str]) -> dict[str, Any]:
    """Return the schema of texts with one of these patterns, with white space around them."""
    return {"type": "string", "pattern": f"^{SPACES}*(?:{'|'.join(patterns)}){SPACES}*$"}


def _escaped(text: str) -> str:
    """Return the pattern of a text; `re.escape` escapes more than JSON Schema allows."""
    return _SYNTAX.sub(r"\\\g<0>", text)


def _in_any_case(word: str) -> str:
    """Return the pattern of a word in ASCII, whatever its case."""
    return "".join(f"[{each.lower()}{each.upper()}]" for each in word)
