"""Whether a training would only repeat one that was made."""

from contextlib import suppress
from dataclasses import dataclass

from registry import Card, ObjectUnreadable, Registry, VersionNotFound, VersionRefused, card_object
from trainer.data.table import Table
from trainer.training.identity import version_identity
from trainer.training.recipe import Recipe
from trainer.training.watchdog import Stopped


@dataclass(frozen=True)
class SameVersion:
    """A version with the same data, recipe and code as a training.

    Attributes
    ----------
    in_use : whether it is the version in use; if not, it was kept back or never judged
    """

    card: Card
    in_use: bool


def find_same_version(registry: Registry, table: Table, recipe: Recipe) -> SameVersion | None:
    """Return the version in use if a training would repeat it, else the newest such one after it.

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
                return SameVersion(card, in_use=number == serving.version)
    return None


def reason(card: Card) -> str:
    """Return why nothing is trained, for people."""
    return f"data, recipe and code are those of version {card['version']}: nothing to train"
