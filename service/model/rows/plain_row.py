"""Reads the most common body, one valid row, without the schema."""

from collections.abc import Sequence
from typing import Any

import orjson

from service.model.rows.cells.cell import Cell
from service.model.rows.repeated_names import RepeatedNames, may_repeat_names


class PlainRow:
    """Reads one-row bodies for one model.

    Parameters
    ----------
    cells : of the features, in the model's order
    only_numbers : whether all features are numbers without gaps
    """

    def __init__(
        self, cells: Sequence[Cell], repeated: RepeatedNames, *, only_numbers: bool
    ) -> None:
        self._cells, self._repeated, self._only_numbers = cells, repeated, only_numbers
        self._features = [cell.column.name for cell in cells]
        self._names = frozenset(self._features)

    def read(self, body: bytes) -> list[float] | None:
        """Return the values of a one-row body, in the model's order, if it is obviously valid.

        The schema accepts every row that this method accepts, with the same values. None means only
        that the schema has to decide.
        """
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        if type(document) is not dict:
            return None
        if self._only_numbers:
            return self._numbers(document, body)
        return self._values(document, body)

    def _numbers(self, document: dict[str, Any], body: bytes) -> list[float] | None:
        if len(document) != len(self._names) or may_repeat_names(
            body, self._repeated.colons_per_row
        ):
            return None
        values = []
        for name in self._features:
            value = document.get(name)
            if type(value) is not float:
                if type(value) is not int:
                    return None
                value = float(value)
            values.append(value)
        return values  # finite, because orjson rejects NaN and infinity

    def _values(self, document: dict[str, Any], body: bytes) -> list[float] | None:
        if not document.keys() <= self._names:
            return None
        values = [cell.convert(document.get(cell.column.name)) for cell in self._cells]
        if None in values or self._repeated.errors(body, [document], 0):
            return None
        return [value for value in values if value is not None]
