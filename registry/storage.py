"""Storage of versions and promotions: immutable objects under keys."""

import contextlib
import errno
import os
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Protocol

from registry.errors import KeyExists, ObjectUnreadable, StorageError
from registry.files import durable_file, file_system
from registry.files.regular_file import read_regular

MAX_OBJECT_BYTES = 256 * 1024 * 1024
MAX_ENTRY_BYTES = 1024 * 1024  # of the promotion log
PROMOTIONS = "promotions/"  # the prefix of the promotion log's keys

# Of a link to itself, a socket, a file of another user and an overlong name, not of a failing disk.
# Of what is not a regular file, the error has no number.
_OF_ONE_OBJECT = (
    None,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENXIO,
    errno.EACCES,
    errno.EPERM,
    errno.ENAMETOOLONG,
)


class Storage(Protocol):
    """A flat store of immutable objects under keys such as `3.npz` and `promotions/00000001.json`.

    Every method raises `StorageError` with a reason if the store cannot be reached.
    """

    def create(self, key: str, content: bytes) -> None:
        """Store a new object, which is complete and durable when this returns.

        Of several processes that create the same key, exactly one succeeds.

        Raises
        ------
        KeyExists
            the key exists; its content is unchanged.
        """

    def read(self, key: str) -> bytes | None:
        """Return the content of a key, or None if the key does not exist.

        Raises
        ------
        ObjectUnreadable
            the object is too large, or cannot be read while others can.
        """

    def stamp(self, key: str) -> Hashable:
        """Return a value that changes when the object does, or None if the key does not exist.

        Cheaper than reading the content.

        Raises
        ------
        ObjectUnreadable
            it cannot be read while others can.
        """

    def folders(self) -> list[str]:
        """Return the beginnings of keys up to their first `/`, in any order."""

    def below(self, folder: str) -> "Storage":
        """Return the part of this storage whose keys begin with `folder` and a `/`."""

    def list(self, prefix: str) -> list[str]:
        """Return the keys that start with `prefix` and have no further `/`, in any order."""

    def delete(self, key: str) -> None:
        """Delete a key, if it exists."""

    def check_writable(self) -> None:
        """Raise `StorageError` if `create` could not work."""

    def is_local(self) -> bool:
        """Return whether `generation` answers without waiting for a network."""

    def generation(self) -> Hashable:
        """Return a value that changes with every promotion and never returns to an earlier one.

        Cheap enough for every request.
        """


class LocalStorage:
    """A folder on a local disk."""

    _ABANDONED_SECONDS = 3600.0
    _MAX_CLOCK_TICK_NS = 1_000_000_000  # of a file system's clock

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folder = str(root)  # joined to keys as text: a Path takes longer than a system call
        self._promotions = self._path(PROMOTIONS)
        self._settled: tuple[int, ...] = ()

    def create(self, key: str, content: bytes) -> None:
        path = self.root / key
        with _StorageErrors(f"cannot write {key} under {self._folder}"):
            try:
                with durable_file.create(path) as file:
                    file.write(content)
            except FileExistsError:
                raise KeyExists(f"{key} exists already") from None
        self._remove_abandoned(path.parent)

    def read(self, key: str) -> bytes | None:
        max_bytes = MAX_ENTRY_BYTES if key.startswith(PROMOTIONS) else MAX_OBJECT_BYTES
        with _StorageErrors(f"cannot read {key} under {self._folder}", one_object=True):
            try:
                content = read_regular(self._path(key), max_bytes)
            except (FileNotFoundError, NotADirectoryError):
                return None
        if content is None:
            raise ObjectUnreadable(f"{key} is larger than {max_bytes:,} bytes")
        return content

    def stamp(self, key: str) -> Hashable:
        with _StorageErrors(f"cannot read {key} under {self._folder}", one_object=True):
            try:
                status = os.stat(self._path(key))
            except (FileNotFoundError, NotADirectoryError):
                return None
        return (
            *(status.st_dev, status.st_ino, status.st_size),
            *(status.st_mtime_ns, status.st_ctime_ns),
        )

    def folders(self) -> list[str]:
        with _StorageErrors(f"cannot list the folder {self._folder}"):
            try:
                with os.scandir(self._folder) as entries:
                    return [entry.name for entry in entries if _is_folder(entry)]
            except (FileNotFoundError, NotADirectoryError):
                return []

    def below(self, folder: str) -> "LocalStorage":
        return LocalStorage(self.root / folder)

    def list(self, prefix: str) -> list[str]:
        folder, _, start = prefix.rpartition("/")
        with _StorageErrors(f"cannot list {prefix or 'the folder'} under {self._folder}"):
            try:
                with os.scandir(self._path(folder)) as entries:
                    names = [entry.name for entry in entries if _is_file(entry)]
            except (FileNotFoundError, NotADirectoryError):
                return []
        return [
            f"{folder}/{name}" if folder else name
            for name in names
            if name.startswith(start) and not name.startswith(".")
        ]

    def delete(self, key: str) -> None:
        with (
            _StorageErrors(f"cannot delete {key} under {self._folder}"),
            contextlib.suppress(FileNotFoundError),
        ):
            os.unlink(self._path(key))

    def check_writable(self) -> None:
        probe = durable_file.temporary_path(self.root / "probe")
        with _StorageErrors(f"cannot write under {self._folder}"):
            with durable_file.create(probe):
                pass
            probe.unlink()

    def is_local(self) -> bool:
        return file_system.is_local(self.root)

    def generation(self) -> Hashable:
        try:
            status = os.stat(self._promotions)
        except OSError:
            return None
        state = (status.st_dev, status.st_ino, status.st_mtime_ns)
        if self._settled[:-1] == state:
            return self._settled
        # Promotions within one tick of the file system's clock leave the same modification time.
        # Therefore the entries are counted as well, until the tick is over.
        settled = time.time_ns() - status.st_mtime_ns > self._MAX_CLOCK_TICK_NS
        generation = (*state, len(self.list(PROMOTIONS)))
        if settled:
            self._settled = generation
        return generation

    def _path(self, key: str) -> str:
        return f"{self._folder}/{key}"

    def _remove_abandoned(self, folder: Path) -> None:
        """Delete temporary files that killed processes left long ago."""
        for path in durable_file.leftovers(folder):
            with contextlib.suppress(OSError):
                if time.time() - path.lstat().st_mtime > self._ABANDONED_SECONDS:
                    path.unlink()


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a file, or a link to one; False for a link to itself."""
    return _is(entry.is_file)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder, or a link to one; False for a link to itself."""
    return _is(entry.is_dir)


def _is(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except OSError as error:
        if error.errno in _OF_ONE_OBJECT:
            return False
        raise


def _is_alone(error: OSError) -> bool:
    """Return whether the folder of the object can be used, although the object cannot."""
    folder = os.path.dirname(error.filename or "")
    return not folder or os.access(folder, os.R_OK | os.X_OK)


class _StorageErrors:
    """Raises errors of the operating system as `StorageError`.

    Not a generator, because entering one takes as long as a system call.

    Parameters
    ----------
    one_object : whether an error may be of one object alone, and is an `ObjectUnreadable` then
    """

    def __init__(self, action: str, *, one_object: bool = False) -> None:
        self._action = action
        self._one_object = one_object

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, OSError):
            alone = self._one_object and error.errno in _OF_ONE_OBJECT and _is_alone(error)
            raised = ObjectUnreadable if alone else StorageError
            raise raised(f"{self._action}: {error.strerror or error}") from error
