"""Finds names that occur twice in one JSON object, which parsers pass over in silence."""

import json
from typing import Any


def may_repeat_names(body: bytes, colons: int) -> bool:
    """Return whether a valid body with this many colons could contain a name twice.

    Parameters
    ----------
    colons : the number of colons if no name is repeated; each further name adds one
    """
    return body.count(b":") != colons or b"\\u003" in body


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
