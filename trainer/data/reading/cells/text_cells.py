"""Cells that are texts: categories and booleans."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from config.words import BOOLEANS, is_missing
from network import Array, Column

MAX_VALUES = 1_000


@dataclass
class TextCells:
    """Numbers the different texts of a column in the order in which they appear.

    Attributes
    ----------
    values : the texts so far
    expected : never used, because every text is valid
    about : why the column is not read as numbers; empty if that is plain
    words : of a boolean, if the column is known to be one
    """

    values: list[str] = field(default_factory=list)
    expected: str = "a text"
    about: str = ""
    words: tuple[str, ...] = ()
    _numbers: dict[str, float] = field(default_factory=dict)
    _of_values: dict[str, float] = field(default_factory=dict)

    def fresh(self) -> "TextCells":
        """Return a reader of the same format that has not read anything."""
        return TextCells(about=self.about, words=self.words)

    def read(self, cells: Sequence[str] | Array) -> tuple[Array, list[int]]:
        """Return the numbers of the texts, NaN for missing ones; no cell is wrong."""
        if isinstance(cells, np.ndarray):
            cells = [_shortest(number) for number in cells.tolist()]
        if self.has_too_many_values:
            return np.full(len(cells), np.nan), []
        numbers = self._numbers
        for cell in set(cells).difference(numbers):
            numbers[cell] = self._number_of(cell.strip())
        return np.fromiter(map(numbers.__getitem__, cells), np.float64, len(cells)), []

    def _number_of(self, text: str) -> float:
        if is_missing(text):
            return np.nan
        if text not in self._of_values:
            self._of_values[text] = float(len(self.values))
            self.values.append(text)
        return self._of_values[text]

    @property
    def has_too_many_values(self) -> bool:
        """Return whether there are more than `MAX_VALUES` different texts."""
        return len(self.values) > MAX_VALUES

    def column(self, name: str, used: NDArray[np.bool_]) -> tuple[Column, Array]:
        """Return the column of the texts that remain, and the new number of each old one.

        Parameters
        ----------
        used : (values,), whether a row has the text
        """
        remaining = [text for text, flag in zip(self.values, used, strict=True) if flag]
        words = self.words or _boolean_words(remaining)
        if not {text.casefold() for text in remaining} <= {word.casefold() for word in words}:
            words = ()
        ordered = words or tuple(sorted(remaining, key=_order))
        places = {text: float(place) for place, text in enumerate(ordered)}
        places = {text: places.get(text, np.nan) for text in self.values}
        if words:
            for text in remaining:
                places[text] = float(text.casefold() == words[1].casefold())
        new = np.array([places[text] for text in self.values], np.float64)
        return Column(name, "boolean" if words else "category", ordered), new


def _boolean_words(texts: list[str]) -> tuple[str, ...]:
    """Return the words for false and true if all texts are such words in any case."""
    folded = {text.casefold(): text for text in texts}
    for false, true in BOOLEANS:
        if folded.keys() == {false, true}:
            return folded[false], folded[true]
    return ()


def _order(text: str) -> tuple[bool, float, str]:
    """Sort numbers by value, before other texts in alphabetical order."""
    try:
        return False, float(text), text
    except ValueError:
        return True, 0.0, text


def _shortest(number: float) -> str:
    """Return "7" for 7.0, and an empty text for NaN."""
    if math.isnan(number):
        return ""
    return str(int(number)) if number.is_integer() else repr(number)
