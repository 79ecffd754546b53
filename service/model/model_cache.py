"""The models of the installation, of which those used last are in memory."""

import threading
from collections import OrderedDict
from functools import partial

from registry import Models, Promotion, Registry, StorageError
from service.model.current_version import CurrentVersion
from service.model.served_model import ServedModel
from service.model.stored_states import StoredStates
from service.model.version_cache import VersionCache
from service.telemetry.meter import Meter
from service.web.errors import ModelNotFound


class ModelCache:
    """The models of one server process. Safe to share between threads.

    The default model is always there. Another one is opened at its first request. When the versions
    in memory take more than `max_bytes`, the models that were not used for longest are dropped.

    Parameters
    ----------
    max_bytes : for the versions of all models besides the default
    refuse_unseen : whether versions refuse categories that training had not

    Attributes
    ----------
    default : the model that paths without a name mean
    stored : the states of models in storage, whether they are in memory or not
    """

    def __init__(
        self, models: Models, meter: Meter, max_bytes: int, *, refuse_unseen: bool = False
    ) -> None:
        self._models = models
        self._meter = meter
        self._max_bytes = max_bytes
        self._refuse_unseen = refuse_unseen
        self._lock = threading.Lock()
        self._opened: OrderedDict[str, ServedModel] = OrderedDict()  # the one used last comes last
        self._bytes: dict[str, int] = {}  # of the opened models
        meter.start_model(models.default)  # first, so that it has series of its own
        self.default = self._open(models.default)
        self.stored = StoredStates(models)

    def find(self, name: str | None = None) -> ServedModel:
        """Return a model, by default the default one. For threads, not for the event loop.

        Raises
        ------
        ModelNotFound, StorageError
        """
        if name is None or name == self.default.name:
            return self.default
        if (model := self.if_opened(name)) is not None:
            if model.current_version.in_memory is not None or self._models.exists(name):
                return model
            self._drop(name)
        if not self._models.exists(name):
            raise ModelNotFound.among(name, self.names())
        opened = self._open(name)  # before taking the lock, for which the event loop may wait
        with self._lock:
            model = self._opened.setdefault(name, opened)
        model.current_version.refresh()
        return model

    def if_opened(self, name: str) -> ServedModel | None:
        """Return a model if it is in memory, without I/O: for the event loop."""
        if name == self.default.name:
            return self.default
        with self._lock:
            model = self._opened.get(name)
            if model is not None:
                self._opened.move_to_end(name)
        return model

    def names(self) -> list[str]:
        """Return the names of all models, the default first.

        Raises
        ------
        StorageError
        """
        return [self.default.name, *self._models.others()]

    def newest_promotions(self) -> dict[str, Promotion | None]:
        """Return the newest promotions, as `Models.newest_promotions` does."""
        return self._models.newest_promotions()

    def others(self) -> list[ServedModel]:
        """Return the models in memory besides the default."""
        with self._lock:
            return list(self._opened.values())

    def registry(self, name: str) -> Registry:
        """Return a model's registry, for one look at it that displaces no other from memory."""
        return self._models.registry(name)

    def _open(self, name: str) -> ServedModel:
        registry = self._models.registry(name)
        current_version = CurrentVersion(
            registry,
            self._meter,
            model=name,
            refuse_unseen=self._refuse_unseen,
            is_deleted=partial(self._is_deleted, name),
            loaded=partial(self._make_room, name),
        )
        versions = VersionCache(
            registry,
            current_version,
            partial(self._make_room, name),
            refuse_unseen=self._refuse_unseen,
        )
        return ServedModel(name, registry, current_version, versions)

    def _is_deleted(self, name: str) -> bool:
        """Return whether a model does not exist, although the folder of the models is there.

        An empty folder may be a disk that is not mounted.
        """
        try:
            return not self._models.exists(name) and not self._models.is_empty()
        except StorageError:
            return False

    def _make_room(self, name: str) -> None:
        """Drop the models that were not used for longest, until one that has loaded has room."""
        with self._lock:
            if (model := self._opened.get(name)) is None:
                return  # the default, or dropped
            self._bytes[name] = model.memory_bytes
            while len(self._opened) > 1 and sum(self._bytes.values()) > self._max_bytes:
                oldest, _ = self._opened.popitem(last=False)
                self._bytes.pop(oldest, None)
            self._meter.set_models_in_memory(sum(self._bytes.values()))

    def _drop(self, name: str) -> None:
        with self._lock:
            self._opened.pop(name, None)
            self._bytes.pop(name, None)
            self._meter.set_models_in_memory(sum(self._bytes.values()))
