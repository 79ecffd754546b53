"""Cards, which may have any origin: only what `registry.model_file.decode` checks is certain."""

from typing import Any

Card = dict[str, Any]


def card_object(card: Card, *path: str) -> dict[str, Any]:
    """Return a JSON object in a card, an empty one if there is another value or none."""
    value: Any = card
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
