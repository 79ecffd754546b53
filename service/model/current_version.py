"""The model in use, which changes at the first request after a promotion."""

import logging
import math
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from network import Calibration
from registry import Card, Promotion, Registry, RegistryError
from service.model.row_reader import Inputs
from service.telemetry.meter import Meter
from service.web.errors import NoModel

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0  # after a refusal: a file may be restored, a disk may come back


@dataclass(frozen=True, eq=False)
class Loaded:
    """A verified version, as requests use it.

    Attributes
    ----------
    version : its number, as answers name it
    inputs : the model, with the checks on what is sent to it
    calibration : what intervals are made of; None where the version has none
    """

    version: str
    inputs: Inputs
    card: Card
    calibration: Calibration | None = field(default=None, kw_only=True)


@dataclass(frozen=True, eq=False)
class Served(Loaded):
    """The one that is current.

    Attributes
    ----------
    promotion : what made it so
    """

    promotion: Promotion


class LiveModel:
    """Follows the promotion log. One per process; safe to share between threads.

    The newest promotion whose version verifies is served. One that does not is refused, with a log
    line that says why, and the one before it in the log serves instead.
    Where nothing verifies any more (a folder that was deleted), what is loaded goes on serving.
    """

    def __init__(
        self, registry: Registry, meter: Meter, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._registry = registry
        self._meter = meter
        self._clock = clock
        self._lock = threading.Lock()
        self._generation: Hashable = object()
        self._served: Served | None = None
        self._retry_at = math.inf
        self._refusals: set[str] = set()

    def current(self) -> Served | None:
        """The version to answer this request with; None where there is none to serve."""
        if self._is_stale(self._newest_generation()):
            with self._lock:
                # asked again: while this thread waited, another may have loaded what it saw
                generation = self._newest_generation()
                if self._is_stale(generation):
                    self._reload()
                    self._generation = generation
        return self._served

    def require(self) -> Served:
        """As `current`, but raises `NoModel` where there is none to serve."""
        served = self.current()
        if served is None:
            raise NoModel(
                "no version could be loaded; the log says why"
                if self._refusals
                else "nothing is trained yet: run trainer/train.py, or ask for it by POST /retrain"
            )
        return served

    def _newest_generation(self) -> Hashable:
        try:
            return self._registry.generation()
        except RegistryError:
            return None  # reading the promotion log will say why

    def _is_stale(self, generation: Hashable) -> bool:
        return generation != self._generation or self._clock() >= self._retry_at

    def _reload(self) -> None:
        refusals: set[str] = set()
        found = self._newest_good(refusals)
        for refusal in refusals - self._refusals:
            log.error(refusal)
            self._meter.count_model_refusal()
        self._refusals = refusals
        self._retry_at = self._clock() + RETRY_SECONDS if refusals else math.inf
        if found is not None and found is not self._served:
            self._meter.count_model_load()
            log.info(
                "serving version %s",
                found.version,
                extra={"version": found.version, "sha256": found.promotion.sha256},
            )
        self._served = found or self._served

    def _newest_good(self, refusals: set[str]) -> Served | None:
        tried = set()
        try:
            numbers = self._registry.promotion_numbers()
        except RegistryError as error:
            refusals.add(f"the promotion log cannot be read: {error}")
            return None
        for number in reversed(numbers):
            try:
                promotion = self._registry.promotion(number)
                identity = (promotion.version, promotion.sha256)
                if self._served and identity == _identity(self._served):
                    return self._served
                if identity in tried:
                    continue
                tried.add(identity)
                loaded = self._registry.load(*identity)
            except RegistryError as error:
                refusals.add(f"promotion {number} is refused: {error}")
                continue
            return Served(
                str(promotion.version),
                Inputs(loaded.model),
                loaded.card,
                promotion,
                calibration=loaded.calibration,
            )
        return None


def _identity(served: Served) -> tuple[int, str]:
    return served.promotion.version, served.promotion.sha256
