"""Where versions and the promotion log are kept, and a cheap way to see what is new in it."""

import contextlib
import os
import re
import secrets
import time
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Protocol

from registry.errors import KeyExists, StorageError

MAX_OBJECT_BYTES = 256 * 1024 * 1024
_ASIDE = ".aside"
PROMOTION_KEY = re.compile(r"promotions/([0-9]{8})\.json")


def promotion_key(number: int) -> str:
    """The key of the promotion log's entry `number`, counted from 1."""
    return f"promotions/{number:08d}.json"


class Storage(Protocol):
    """A flat store of immutable objects under keys such as `3.npz` and `promotions/00000001.json`.

    Every method raises `StorageError`, saying why, when the store cannot be reached.
    """

    def create(self, key: str, content: bytes) -> None:
        """Store `content` under `key`, whole and durable when this returns, or not at all.

        Of several writers of one key exactly one succeeds.

        Raises
        ------
        KeyExists
            the key is taken; its content is untouched.
        """

    def read(self, key: str) -> bytes | None:
        """The content under `key`, or None where there is none."""

    def stamp(self, key: str) -> Hashable:
        """A value that is another one once `key` holds something else; None where nothing is there.

        Cheap: nothing is read.
        """

    def list(self, prefix: str) -> list[str]:
        """The keys that start with `prefix` and have no further `/`, in no order."""

    def delete(self, key: str) -> None:
        """Forget `key`; nothing happens where it is not there."""

    def check_writable(self) -> None:
        """Raise `StorageError` where `create` could not work, before work is spent on it."""

    def generation(self) -> Hashable:
        """A value that differs from every earlier one once anything was promoted since.

        Cheap enough to ask before every request.
        """


class LocalStorage:
    """A folder on a local disk: files made aside, synced, and hard-linked into place."""

    _ABANDONED_SECONDS = 3600.0
    _CLOCK_TICK_NS = 1_000_000_000  # no file system's is coarser

    def __init__(self, root: Path) -> None:
        self.root = root
        self._promotions = str(root / "promotions")
        self._settled: tuple[int, ...] = ()

    def create(self, key: str, content: bytes) -> None:
        path = self.root / key
        with _explained(f"cannot write {key} under {self.root}"):
            _make_folder(path.parent)
            aside = _aside(path)
            try:
                _write_durably(aside, content)
                os.link(aside, path)
            except FileExistsError:
                raise KeyExists(f"{key} exists already") from None
            finally:
                with contextlib.suppress(OSError):
                    aside.unlink()
            _sync_folder(path.parent)
        self._remove_abandoned(path.parent)

    def check_writable(self) -> None:
        with _explained(f"cannot write under {self.root}"):
            _make_folder(self.root)
            probe, link = _aside(self.root / "probe"), _aside(self.root / "link")
            try:
                _write_durably(probe, b"")
                os.link(probe, link)
            finally:
                for path in (probe, link):
                    with contextlib.suppress(OSError):
                        path.unlink()

    def read(self, key: str) -> bytes | None:
        with _explained(f"cannot read {key} under {self.root}"):
            try:
                with open(self.root / key, "rb") as file:
                    content = file.read(MAX_OBJECT_BYTES + 1)
            except (FileNotFoundError, NotADirectoryError):
                return None
        if len(content) > MAX_OBJECT_BYTES:
            raise StorageError(f"{key} is larger than {MAX_OBJECT_BYTES:,} bytes")
        return content

    def stamp(self, key: str) -> Hashable:
        with _explained(f"cannot look at {key} under {self.root}"):
            try:
                found = os.stat(self.root / key)
            except (FileNotFoundError, NotADirectoryError):
                return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns

    def delete(self, key: str) -> None:
        with (
            _explained(f"cannot delete {key} under {self.root}"),
            contextlib.suppress(FileNotFoundError),
        ):
            os.unlink(self.root / key)

    def list(self, prefix: str) -> list[str]:
        folder, _, start = prefix.rpartition("/")
        with _explained(f"cannot list {prefix or 'the folder'} under {self.root}"):
            try:
                with os.scandir(self.root / folder) as entries:
                    names = [entry.name for entry in entries if entry.is_file()]
            except (FileNotFoundError, NotADirectoryError):
                return []
        return [
            f"{folder}/{name}" if folder else name
            for name in names
            if name.startswith(start) and not name.startswith(".")
        ]

    def generation(self) -> Hashable:
        try:
            found = os.stat(self._promotions)
        except OSError:
            return None
        state = (found.st_dev, found.st_ino, found.st_mtime_ns)
        if self._settled[:-1] == state:
            return self._settled
        # Promotions within one tick of the file system's clock leave the same time of change, so
        # the entries are counted as well, until no further one can come within it.
        settled = time.time_ns() - found.st_mtime_ns > self._CLOCK_TICK_NS
        generation = (*state, len(self.list("promotions/")))
        if settled:
            self._settled = generation
        return generation

    def _remove_abandoned(self, folder: Path) -> None:
        """Delete what writers that were killed left aside long ago."""
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") and entry.name.endswith(_ASIDE):
                    age = time.time() - entry.stat().st_mtime
                    if age > self._ABANDONED_SECONDS:
                        os.unlink(entry.path)


def _aside(path: Path) -> Path:
    """A hidden name beside `path` that nobody else has."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}{_ASIDE}")


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{what}: {error.strerror or error}") from error


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
        _sync_folder(folder.parent)


def _write_durably(path: Path, content: bytes) -> None:
    with open(path, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
