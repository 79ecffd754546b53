"""Whether a training would only repeat one that was made."""

from contextlib import suppress

from registry import Card, ObjectUnreadable, Registry, VersionNotFound, VersionRefused, card_object
from trainer.data.table import Table
from trainer.training.identity import version_identity
from trainer.training.recipe import Recipe
from trainer.training.watchdog import Stopped


def unchanged_version(registry: Registry, table: Table, recipe: Recipe) -> Card | None:
    """Return the card of the version in use if its data, recipe and code are the same.

    Raises
    ------
    StorageError
    """
    serving = registry.serving()
    same = same_version(registry, table, recipe)
    return same if same and serving and same["version"] == serving.version else None


def same_version(registry: Registry, table: Table, recipe: Recipe) -> Card | None:
    """Return the card of a version with the same data, recipe and code; None if there is none.

    It is the version in use, else the newest of those published after it.

    Raises
    ------
    StorageError
    """
    serving = registry.serving()
    if serving is None:
        return None
    identity = version_identity(table, recipe)
    newer = [number for number in registry.versions() if number > serving.version]
    for number in (serving.version, *reversed(newer)):
        with suppress(VersionNotFound, VersionRefused, ObjectUnreadable):
            card = registry.card(number)
            stopped = card_object(card, "training").get("stopped")
            if card.get("identity") == identity and stopped != Stopped.INTERRUPTED:
                return card
    return None


def reason(card: Card) -> str:
    """Return why nothing is trained, for people."""
    return f"data, recipe and code are those of version {card['version']}: nothing to train"
