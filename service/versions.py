"""Any version by its number, for protocols whose addresses name one."""

import threading
from collections import OrderedDict

from registry import Registry, Version, VersionNotFound
from service.inputs import Inputs
from service.live import LiveModel, Loaded

KEPT = 4  # beside the current one


class Versions:
    """The current version, and others as they are asked for. Safe to share between threads.

    Those asked for last stay in memory, each as long as its file is what it was: a version that is
    deleted is not found from then on, and a file that was replaced is verified again.
    """

    def __init__(self, registry: Registry, live: LiveModel) -> None:
        self._registry = registry
        self._live = live
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[str, Loaded]] = OrderedDict()  # with the SHA-256

    def require(self, version: str | None = None) -> Loaded:
        """A version to answer a request with.

        Parameters
        ----------
        version : its number; None for the current one

        Raises
        ------
        NoModel
            the current one is asked for, and there is none.
        VersionNotFound, VersionRefused, StorageError
        """
        if version is None:
            return self._live.require()
        served = self._live.current()
        if served and served.version == version:
            return served
        wanted = number(version)
        sha256 = self._registry.sha256(wanted)
        with self._lock:
            known, found = self._kept.get(version, ("", None))
            if found is None or known != sha256:
                file = self._registry.load(wanted)
                sha256, found = file.sha256, _loaded(version, file)
            self._kept[version] = (sha256, found)
            self._kept.move_to_end(version)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found


def _loaded(version: str, file: Version) -> Loaded:
    return Loaded(version, Inputs(file.model), file.card, calibration=file.calibration)


def number(version: str) -> int:
    """A version's number as an address has it.

    Raises
    ------
    VersionNotFound
        no version can be called that.
    """
    if not (version.isascii() and version.isdecimal() and len(version) < 10 and version[0] != "0"):
        raise VersionNotFound(version)
    return int(version)
