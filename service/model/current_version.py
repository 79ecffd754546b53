"""The current version: the one that the newest valid promotion names."""

import logging
import math
import threading
import time
from collections.abc import Callable, Hashable
from contextlib import suppress

from registry import Promotion, Registry, RegistryError
from service.model.loaded_version import LoadedVersion
from service.telemetry.meter import Meter
from service.web.errors import ModelNotFound, NoModel

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0  # after a refusal: the file may be restored, or the disk come back


class CurrentVersion:
    """Follows the promotion log. One per process; safe to share between threads.

    The current version is that of the newest promotion whose file verifies. A promotion whose file
    does not is refused: the log says why, and the promotion before it counts. If no file verifies
    any more (a deleted folder, a lost disk), the version in memory remains current.

    Parameters
    ----------
    model : the model's name
    refuse_unseen : whether its versions refuse categories that training had not
    is_deleted : whether the model does not exist any more, although the storage can be used
    loaded : called after a version was loaded
    """

    def __init__(
        self,
        registry: Registry,
        meter: Meter,
        clock: Callable[[], float] = time.monotonic,
        *,
        model: str = "numnet",
        refuse_unseen: bool = False,
        is_deleted: Callable[[], bool] = lambda: False,
        loaded: Callable[[], None] = lambda: None,
    ) -> None:
        self._registry = registry
        self._model = model
        self._is_deleted = is_deleted
        self._loaded = loaded
        self._is_local = registry.is_local()
        self._meter = meter
        self._clock = clock
        self._refuse_unseen = refuse_unseen
        self._lock = threading.Lock()
        self._generation: Hashable = object()
        self._version: LoadedVersion | None = None
        self._retry_at = math.inf
        self._refusals: set[str] = set()

    def current(self) -> LoadedVersion | None:
        """Return the current version, or None if there is none.

        Promotions made before the call are followed. Asks the storage for its generation, and loads
        a version if that changed: for threads, not for the event loop.

        Raises
        ------
        ModelNotFound
            the model was deleted.
        """
        self.refresh()
        if self._version is None and self._is_deleted():
            raise ModelNotFound(f"there is no model {self._model} any more")
        return self._version

    def require(self) -> LoadedVersion:
        """Return the current version as `current` does.

        Raises
        ------
        NoModel, ModelNotFound
        """
        version = self.current()
        if version is None:
            raise NoModel(self._why_none(), self._model)
        return version

    @property
    def in_memory(self) -> LoadedVersion | None:
        """The version that was current at the last look, without another one."""
        return self._version

    def if_unchanged(self) -> LoadedVersion | None:
        """Return the version in memory, or None if `refresh` has something to do.

        Asks the storage for its generation, and loads nothing: for the event loop. On a network
        file system even that could block, so it returns None there.
        """
        if not self._is_local or self._is_stale(self._newest_generation()):
            return None
        return self._version

    def refresh(self) -> None:
        """Load the version of the newest promotion, if there was one since the last call."""
        if self._is_stale(self._newest_generation()):
            with self._lock:
                # Ask again: another thread may have loaded it while this one waited for the lock.
                generation = self._newest_generation()
                if self._is_stale(generation):
                    self._reload()
                    self._generation = generation
            self._loaded()

    def _why_none(self) -> str:
        if self._refusals:
            return "no version could be loaded; see the log for the reasons"
        with suppress(RegistryError):
            if self._registry.has_versions():
                return "there is no version yet that is promoted: promote one, or train another"
        return "there is no version yet: run trainer/train.py or POST /retrain"

    def _newest_generation(self) -> Hashable:
        try:
            return self._registry.generation()
        except RegistryError:
            return None  # reading the promotion log will fail, too, and log the reason

    def _is_stale(self, generation: Hashable) -> bool:
        return generation != self._generation or self._clock() >= self._retry_at

    def _reload(self) -> None:
        refusals: set[str] = set()
        found = self._newest_valid(refusals)
        for refusal in refusals - self._refusals:
            log.error(refusal, extra={"model": self._model})
            self._meter.count_model_refusal(self._model)
        self._refusals = refusals
        self._retry_at = self._clock() + RETRY_SECONDS if refusals else math.inf
        if found is not None and found is not self._version:
            self._meter.count_model_load(self._model)
            sha256 = found.promotion.sha256 if found.promotion else None
            log.info(
                "serving version %s",
                found.number,
                extra={"model": self._model, "version": found.number, "sha256": sha256},
            )
        if found is None and self._version and self._is_deleted():
            self._version = None
            log.info("model %s was deleted", self._model)
        self._version = found or self._version

    def _newest_valid(self, refusals: set[str]) -> LoadedVersion | None:
        """Return the version of the newest valid promotion; add why others were refused."""
        tried = set()
        try:
            numbers = self._registry.promotion_numbers()
        except RegistryError as error:
            refusals.add(f"the promotion log cannot be read: {error}")
            return None
        for number in reversed(numbers):
            try:
                promotion = self._registry.promotion(number)
                file_id = _file_id(promotion)
                if self._version and file_id == _file_id(self._version.promotion):
                    return self._version
                if file_id in tried:
                    continue
                tried.add(file_id)
                file = self._registry.load(*file_id)
            except RegistryError as error:
                refusals.add(f"promotion {number} is refused: {error}")
                continue
            return LoadedVersion.from_file(
                promotion.version, file, promotion, refuse_unseen=self._refuse_unseen
            )
        return None


def _file_id(promotion: Promotion | None) -> tuple[int, str]:
    return (promotion.version, promotion.sha256) if promotion else (0, "")
