"""The models of an installation, each with versions and a promotion log of its own."""

from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from config.model_names import is_model_name
from registry.errors import StorageError
from registry.promotions import Promotion
from registry.storage import PROMOTIONS, LocalStorage, Storage
from registry.versions import Registry


@dataclass(frozen=True)
class _Newest:
    """A model's newest promotion, as of a generation of its log."""

    registry: Registry
    generation: Hashable = None
    promotion: Promotion | None = None


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
        self._newest: dict[str, _Newest] = {}

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
        for name in self.folders():
            with suppress(StorageError):  # of one folder, which may be no model's
                stamp = self._storage.stamp(name)  # before looking: the folder may only be newer
                if self._stamps.get(name) == stamp or self._has_versions(name):
                    stamps[name] = stamp
        self._stamps = stamps
        return list(stamps)

    def folders(self) -> list[str]:
        """Return the names that other models have or could have, in alphabetical order.

        One look at the storage tells them.

        Raises
        ------
        StorageError
        """
        names = self._storage.folders()
        return sorted(name for name in names if name != self.default and is_model_name(name))

    def newest_promotions(self) -> dict[str, Promotion | None]:
        """Return the newest promotion of each model, of the default first; None if there is none.

        A model without a promotion since the last call costs a `stat` of its folder and of its log.

        Raises
        ------
        StorageError
        """
        names = (self.default, *self.others())
        self._newest = {name: self._newest_of(name) for name in names}
        return {name: self._newest[name].promotion for name in names}

    def exists(self, name: str) -> bool:
        """Return whether a version of the model was published; the default always exists.

        Raises
        ------
        StorageError
        """
        return name == self.default or (is_model_name(name) and self._has_versions(name))

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

    def _newest_of(self, name: str) -> "_Newest":
        known = self._newest.get(name) or _Newest(self.registry(name))
        try:
            generation = known.registry.generation()  # before reading: the log may only be newer
            if generation is not None and generation == known.generation:
                return known
            return _Newest(known.registry, generation, known.registry.current())
        except StorageError:  # of one model: the others can be read
            return replace(known, generation=None)

    def _has_versions(self, name: str) -> bool:
        has_promotions = self._storage.stamp(f"{name}/{PROMOTIONS}") is not None
        return has_promotions or self.registry(name).has_versions()
