"""Finds names that occur twice in one JSON object, which parsers pass over in silence.

A body with a repeated name has more colons than its parsed document has names and colons in text.
"""

import json
from collections.abc import Sequence, Set
from typing import Any

from service.model.rows.cells.cell import Cell
from service.web.field_errors import Error, shown


class RepeatedNames:
    """Finds repeated names in the bodies of requests for one model.

    Attributes
    ----------
    colons_per_row : in an object with every feature, if no text has any

    Parameters
    ----------
    ignored : names that objects may have besides the features
    """

    def __init__(self, cells: Sequence[Cell], ignored: Set[str] = frozenset()) -> None:
        self._colons = {cell.column.name: 1 + cell.column.name.count(":") for cell in cells}
        self._may_omit = any(cell.column.has_gaps for cell in cells)
        self._has_texts = any(cell.column.kind != "number" for cell in cells)
        self.colons_per_row = sum(self._colons.values())
        self._ignored = {name: 1 + name.count(":") for name in ignored}

    def errors(self, body: bytes, rows: list[Any], colons: int) -> list[Error]:
        """Return an error for each repeated name.

        Parameters
        ----------
        rows : valid, objects or lists
        colons : of the body outside the rows
        """
        if self._may_omit:
            objects = (row for row in rows if type(row) is dict)
            colons += sum(self._colons.get(name, 0) for row in objects for name in row)
        else:
            colons += list(map(type, rows)).count(dict) * self.colons_per_row
        if not may_repeat_names(body, colons):
            return []
        if self._ignored:
            colons += self._colons_of_ignored(rows)
            if not may_repeat_names(body, colons):
                return []
        if self._has_texts and not may_repeat_names(body, colons + _colons_in_texts(rows)):
            return []
        names = repeated_names(body)
        if names is None:  # no valid row is deep, so the excess is below a repeated name
            return [{"pointer": "", "detail": "is nested too deeply"}]
        details = [f"{shown(name)} appears twice in one object" for name in names]
        return [{"pointer": "", "detail": detail} for detail in details]

    def _colons_of_ignored(self, rows: list[Any]) -> int:
        """Return the colons of ignored names and of texts under them."""
        colons = 0
        for row in rows:
            if type(row) is dict:
                for name in self._ignored.keys() & row.keys():
                    value = row[name]
                    is_counted = type(value) is not str or self._has_texts  # in `_colons_in_texts`
                    colons += self._ignored[name] + (0 if is_counted else value.count(":"))
        return colons


def may_repeat_names(body: bytes, colons: int) -> bool:
    """Return whether a valid body with this many colons could contain a name twice.

    Parameters
    ----------
    colons : the number of colons if no name is repeated; each further name adds one
    """
    # A single character is found much faster than several.
    return body.count(b":") != colons or (b"\\" in body and b"\\u003" in body)


def repeated_names(body: bytes) -> list[str] | None:
    """Return the names that occur twice in one object of the body; None if it is too deep."""
    repeated: dict[str, None] = {}

    def note(pairs: list[tuple[str, Any]]) -> None:
        seen = set()
        for name, _ in pairs:
            if name in seen:
                repeated[name] = None
            seen.add(name)

    try:
        json.loads(body, object_pairs_hook=note)
    except RecursionError:
        return None
    return list(repeated)


def _colons_in_texts(rows: list[Any]) -> int:
    cells = (cell for row in rows for cell in (row.values() if type(row) is dict else row))
    return "".join(cell for cell in cells if type(cell) is str).count(":")
