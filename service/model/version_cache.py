"""Any version by its number, for protocols whose addresses name one."""

import threading
from collections import OrderedDict
from collections.abc import Hashable

from registry import Registry, Version, VersionNotFound
from service.model.current_version import LiveModel, Loaded
from service.model.row_reader import Inputs

KEPT = 4  # beside the current one


class Versions:
    """The current version, and others as they are asked for. Safe to share between threads.

    Those asked for last stay in memory, each as long as its file is what it was, which costs a look
    and no reading: a version that is deleted is not found from then on, and a file that was
    replaced is verified again.
    """

    def __init__(self, registry: Registry, live: LiveModel) -> None:
        self._registry = registry
        self._live = live
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Hashable, Loaded]] = OrderedDict()  # by file's stamp

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
        stamp = self._registry.stamp(wanted)  # first: what is loaded may be newer, never older
        with self._lock:
            known, found = self._kept.get(version, (None, None))
            if found is None or known != stamp:
                file = self._registry.load(wanted)
                found = _loaded(version, file)
            self._kept[version] = (stamp, found)
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
