"""Where versions and the promotion log are kept, and a cheap way to see what is new in it."""

import contextlib
import os
import re
import time
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Protocol

from registry import durable_file
from registry.errors import KeyExists, StorageError

MAX_OBJECT_BYTES = 256 * 1024 * 1024
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
    """A folder on a local disk: files that are durable and complete from the moment they appear."""

    _ABANDONED_SECONDS = 3600.0
    _CLOCK_TICK_NS = 1_000_000_000  # no file system's is coarser

    def __init__(self, root: Path) -> None:
        self.root = root
        self._promotions = str(root / "promotions")
        self._settled: tuple[int, ...] = ()

    def create(self, key: str, content: bytes) -> None:
        path = self.root / key
        with _explained(f"cannot write {key} under {self.root}"):
            try:
                with durable_file.create(path) as file:
                    file.write(content)
            except FileExistsError:
                raise KeyExists(f"{key} exists already") from None
        self._remove_abandoned(path.parent)

    def check_writable(self) -> None:
        probe = durable_file.temporary_path(self.root / "probe")
        with _explained(f"cannot write under {self.root}"):
            with durable_file.create(probe):
                pass
            probe.unlink()

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
        """Delete temporary files that killed processes left long ago."""
        with contextlib.suppress(OSError):
            for path in durable_file.leftovers(folder):
                if time.time() - path.stat().st_mtime > self._ABANDONED_SECONDS:
                    path.unlink()


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{what}: {error.strerror or error}") from error
