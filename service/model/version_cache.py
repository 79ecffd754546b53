"""Versions by number, for protocols whose paths name one."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from registry import Registry, VersionNotFound
from service.model.current_version import CurrentVersion
from service.model.loaded_version import LoadedVersion

CAPACITY = 4  # besides the current version


class VersionCache:
    """A cache of the versions used last. Safe to share between threads.

    A cached version is used while its file's stamp is unchanged. So a deleted version is not found
    any more, and a replaced file is verified again.

    Parameters
    ----------
    loaded : called after a version was loaded
    refuse_unseen : whether its versions refuse categories that training had not
    """

    def __init__(
        self,
        registry: Registry,
        current_version: CurrentVersion,
        loaded: Callable[[], None] = lambda: None,
        *,
        refuse_unseen: bool = False,
    ) -> None:
        self._registry = registry
        self._loaded = loaded
        self._current_version = current_version
        self._refuse_unseen = refuse_unseen
        self._lock = threading.Lock()
        # by number, with the file's stamp; the version used last comes last
        self._cached: OrderedDict[str, tuple[Hashable, LoadedVersion]] = OrderedDict()

    @property
    def in_memory(self) -> list[LoadedVersion]:
        """The cached versions; the current one is not among them."""
        return [version for _, version in list(self._cached.values())]  # a load holds the lock

    def require(self, number: str | None = None) -> LoadedVersion:
        """Return a version.

        Parameters
        ----------
        number : as text from a path; None for the current version

        Raises
        ------
        NoModel
            there is no current version.
        VersionNotFound, VersionRefused, StorageError
        """
        if number is None:
            return self._current_version.require()
        current = self._current_version.current()
        if current and current.number == number:
            return current
        wanted = parse_version(number)
        stamp = self._registry.stamp(wanted)  # before loading: the file may only be newer
        with self._lock:
            known, version = self._cached.get(number, (None, None))
            is_new = version is None or known != stamp
            if version is None or is_new:
                file = self._registry.load(wanted)
                version = LoadedVersion.from_file(wanted, file, refuse_unseen=self._refuse_unseen)
            self._cached[number] = (stamp, version)
            self._cached.move_to_end(number)
            if len(self._cached) > CAPACITY:
                self._cached.popitem(last=False)
        if is_new:
            self._loaded()
        return version


def parse_version(number: str) -> int:
    """Return the version number in a path.

    Raises
    ------
    VersionNotFound
        it is not written as a version number.
    """
    if not (number.isascii() and number.isdecimal() and len(number) < 10 and number[0] != "0"):
        raise VersionNotFound(number)
    return int(number)
