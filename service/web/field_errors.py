"""Messages about wrong values: where they are in the body, and what they are."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from marshmallow import ValidationError

from config.numbers import parse_number

Error = dict[str, str]  # `pointer` or `parameter`, and `detail`


def flatten(
    error: ValidationError, pointer: str, pointers: dict[str, str] | None = None
) -> Iterator[Error]:
    """Yield marshmallow's messages as one entry per wrong value.

    Parameters
    ----------
    pointer : to the object that was validated
    pointers : to members of it whose names are not their places in the body
    """
    # The frame that raised it refers to it, so the request would stay in memory until a collection.
    error.__traceback__ = None
    messages: dict[Any, Any] = error.normalized_messages()  # type: ignore[no-untyped-call]
    yield from _entries(messages, pointer, pointers or {})


def _entries(messages: dict[Any, Any], pointer: str, pointers: dict[str, str]) -> Iterator[Error]:
    for name, details in messages.items():
        place = pointers.get(name, f"{pointer}/{escape(name)}")
        if isinstance(details, dict):  # of a list, by index
            yield from _entries(details, place, {})
        else:
            for detail in details:
                yield {"pointer": place, "detail": detail}


def escape(name: object) -> str:
    """Return a name as a reference token of a JSON pointer (RFC 6901, section 3)."""
    return str(name).replace("~", "~0").replace("/", "~1")


def number_or_text(text: str) -> float | str:
    """Parse a number; return the text itself, to be shown in a message, if it is not a number."""
    number = parse_number(text)
    return text if number is None else number


def shown(value: Any) -> str:
    """Return a value as JSON, shortened for a message."""
    if type(value) is float and not math.isfinite(value):
        return str(value)  # orjson writes null for it
    try:
        text = orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= 40 else text[:39] + "…"


def listed(texts: Sequence[str]) -> str:
    """Return the first texts, separated by commas, shortened for a message."""
    found: list[str] = []
    for text in texts:
        found.append(text if len(text) <= 40 else text[:39] + "…")
        if len(found) < len(texts) and len(", ".join(found)) > 40:
            return f"{', '.join(found)}, …"
    return ", ".join(found)
