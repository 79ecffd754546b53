"""The current versions of models as their registries have them, without loading a model."""

import logging
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from registry import Models, Registry, RegistryError, VersionNotFound

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredState:
    """A current version.

    Attributes
    ----------
    promoted_at : ISO 8601; None if it is not known
    created_at : of the card, which may have anything there
    """

    version: int
    promoted_at: str | None
    created_at: object


@dataclass(frozen=True)
class _Reading:
    """A state, and what changes with it: the promotion log and the version's file."""

    registry: Registry
    generation: Hashable
    stamp: Hashable
    state: StoredState

    def is_valid(self) -> bool:
        return (
            self.registry.generation() == self.generation
            and self.registry.stamp(self.state.version) == self.stamp
        )


class StoredStates:
    """Reads the states of models, and remembers each until its registry changes. Thread-safe.

    A state is that of the newest promotion whose file verifies. So it is the same in every process,
    whether the model is in that one's memory or not.
    """

    def __init__(self, models: Models) -> None:
        self._models = models
        self._readings: dict[str, _Reading] = {}

    def read(self, names: Iterable[str]) -> dict[str, StoredState | None]:
        """Return the state of each model; None if it has no usable version. Forget other models."""
        readings, states = {}, dict[str, StoredState | None]()
        for name in names:
            try:
                reading = self._remembered(name) or self._read(name)
            except RegistryError as error:
                log.warning("the state of model %s cannot be read: %s", name, error)
                reading = None
            states[name] = reading.state if reading else None
            if reading:
                readings[name] = reading
        self._readings = readings
        return states

    def _remembered(self, name: str) -> _Reading | None:
        reading = self._readings.get(name)
        try:
            return reading if reading and reading.is_valid() else None
        except VersionNotFound:
            return None

    def _read(self, name: str) -> _Reading | None:
        registry = self._models.registry(name)
        generation = registry.generation()  # before reading: the log may only be newer
        serving = registry.serving()
        if serving is None:
            return None
        stamp = registry.stamp(serving.version)
        created_at = registry.card(serving.version).get("created_at")
        state = StoredState(serving.version, serving.at, created_at)
        if serving != registry.current():
            generation = object()  # read again the next time: the newest file may be restored
        return _Reading(registry, generation, stamp, state)
