"""Which model is retrained at which times."""

import logging
from collections.abc import Hashable
from dataclasses import dataclass, replace

from registry import Models, Registry, RegistryError, card_object
from trainer.data.synthetic import SYNTHETIC
from trainer.training.option import NEVER
from trainer.training.recipe import RECIPE_OPTIONS

log = logging.getLogger(__name__)

_UNREAD = object()


@dataclass(frozen=True, eq=False)
class _Entry:
    """What is known of a model: its cron expression, empty if there is none, as of a generation."""

    registry: Registry
    generation: Hashable = _UNREAD
    cron: str = ""


class Timetable:
    """The cron expressions of all models.

    A model's own schedule is the option `every` in the recipe of its version in use. Without it,
    the setting applies to the default model, and to every other one that was trained from a table.

    Parameters
    ----------
    cron : the setting; may be empty
    """

    def __init__(self, cron: str, models: Models) -> None:
        self._cron = cron
        self._models = models
        self._entries: dict[str, _Entry] = {}
        self._unreadable: set[str] = set()

    def read(self) -> dict[str, str]:
        """Return the cron expression of every model that has one, by the model's name.

        A model without a promotion since the last call costs one `stat`.

        Raises
        ------
        StorageError
            the models cannot be listed.
        """
        names = (self._models.default, *self._models.folders())
        self._entries = {name: self._followed(name) for name in names}
        return {name: entry.cron for name, entry in self._entries.items() if entry.cron}

    def _followed(self, name: str) -> _Entry:
        entry = self._entries.get(name) or _Entry(self._models.registry(name))
        try:
            generation = entry.registry.generation()
            if generation != entry.generation:
                entry = replace(
                    entry, generation=generation, cron=self._cron_of(name, entry.registry)
                )
        except RegistryError as error:  # tried again at the next call
            if name not in self._unreadable:
                log.warning("the schedule of model %s cannot be read: %s", name, error)
            self._unreadable.add(name)
        else:
            self._unreadable.discard(name)
        return entry

    def _cron_of(self, name: str, registry: Registry) -> str:
        version = registry.load_serving()
        card = version.card if version else {}
        every = card_object(card, "recipe", "asked").get("every")
        if every is not None and RECIPE_OPTIONS["every"].accepts(every):
            return "" if every == NEVER else str(every)
        is_from_table = card_object(card, "data").get("source", SYNTHETIC) != SYNTHETIC
        return self._cron if name == self._models.default or is_from_table else ""
