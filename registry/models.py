"""The models of an installation, each with versions and a promotion log of its own."""

from collections.abc import Hashable
from pathlib import Path
from typing import Self

from config.model_names import is_model_name
from registry.errors import StorageError
from registry.promotions import Promotion
from registry.storage import LocalStorage, Storage
from registry.versions import Registry


class Models:
    """The models in one storage: the default at its top, each other one below its name.

    A model exists as soon as a version of it was published; its promotion log proves that at less
    cost than its versions.

    Parameters
    ----------
    default : the name of the default model
    """

    def __init__(self, storage: Storage, default: str) -> None:
        self._storage = storage
        self.default = default
        self._stamps: dict[str, Hashable] = {}  # of the folders of models
        self._newest: dict[str, tuple[Hashable, Promotion | None]] = {}  # with the log's generation

    @classmethod
    def local(cls, folder: Path, default: str) -> Self:
        """Return the models in a folder on disk, which need not exist."""
        return cls(LocalStorage(folder), default)

    def others(self) -> list[str]:
        """Return the names of all models except the default, in alphabetical order.

        Raises
        ------
        StorageError
        """
        stamps = dict[str, Hashable]()
        for name in self._storage.folders():
            stamp = self._storage.stamp(name)  # before looking: the folder may only be newer
            if self._stamps.get(name) == stamp or self._is_other(name):
                stamps[name] = stamp
        self._stamps = stamps
        return sorted(stamps)

    def folders(self) -> list[str]:
        """Return the names that other models have or could have, from one look at the storage.

        Raises
        ------
        StorageError
        """
        names = self._storage.folders()
        return sorted(name for name in names if name != self.default and is_model_name(name))

    def newest_promotions(self) -> dict[str, Promotion | None]:
        """Return the newest promotion of each model, of the default first; None if there is none.

        A model without a promotion since the last call costs one `stat`.

        Raises
        ------
        StorageError
        """
        newest = {name: self._newest_of(name) for name in (self.default, *self.others())}
        self._newest = newest
        return {name: promotion for name, (_, promotion) in newest.items()}

    def exists(self, name: str) -> bool:
        """Return whether a version of the model was published; the default always exists.

        Raises
        ------
        StorageError
        """
        return name == self.default or (is_model_name(name) and self._is_other(name))

    def has_hidden(self) -> bool:
        """Return whether there is a model that cannot be asked for, as the default has its name.

        Raises
        ------
        StorageError
        """
        return Registry(self._storage.below(self.default)).has_versions()

    def is_empty(self) -> bool:
        """Return whether the storage has nothing at all.

        Raises
        ------
        StorageError
        """
        return not self._storage.folders() and not self._storage.list("")

    def registry(self, name: str) -> Registry:
        """Return the registry of a model, which need not exist.

        Raises
        ------
        ValueError
            the text cannot be a name.
        """
        if name == self.default:
            return Registry(self._storage)
        if not is_model_name(name):
            raise ValueError(f"{name!r} cannot be the name of a model")
        return Registry(self._storage.below(name))

    def _newest_of(self, name: str) -> tuple[Hashable, Promotion | None]:
        registry = self.registry(name)
        generation = registry.generation()  # before reading: the log may only be newer
        known, promotion = self._newest.get(name, (None, None))
        if generation is not None and generation == known:
            return known, promotion
        try:
            return generation, registry.current()
        except StorageError:  # of one model: the others can be read
            return None, promotion

    def _is_other(self, name: str) -> bool:
        if name == self.default or not is_model_name(name):
            return False
        registry = self.registry(name)
        return registry.generation() is not None or registry.has_versions()
