"""Cards for responses and pages: cards may have any origin, and only some members are certain."""

from datetime import datetime
from typing import Any

from registry import Card, Registry
from service.model.loaded_version import LoadedVersion

_OBJECTS = ("recipe", "data", "metrics", "test_report", "training", "libraries")


def readable_card(registry: Registry, version: int, loaded: LoadedVersion | None) -> Card:
    """Return a card without odd members.

    Parameters
    ----------
    loaded : the current version, whose card is the one in memory, as its file may be replaced

    Raises
    ------
    VersionNotFound, VersionRefused, StorageError
    """
    if loaded and loaded.number == str(version):
        return without_odd_members(loaded.card)
    return without_odd_members(registry.card(version))


def without_odd_members(card: Card) -> Card:
    """Return a card, which may have any origin, without members that its schema does not allow."""
    odd = {name for name in _OBJECTS if not isinstance(card.get(name, {}), dict)}
    odd |= {name for name in ("job", "identity") if not isinstance(card.get(name, ""), str)}
    texts = card.get("warnings", [])
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        odd.add("warnings")
    if "created_at" in card and not _is_date(card["created_at"]):
        odd.add("created_at")
    return {name: value for name, value in card.items() if name not in odd}


def _is_date(value: Any) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
