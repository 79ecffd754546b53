"""Files that are complete and durable under their name, or not there at all.

A file is written under a temporary, hidden name, synced, and then linked or renamed to its own
name. After a crash or a power failure the name has the whole content, or what it had before. A
killed process may leave its temporary file behind; `leftovers` finds it.
"""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

_SUFFIX = ".aside"


def create(path: Path, mode: int = 0o666) -> AbstractContextManager[BinaryIO]:
    """Write a new file, which appears under `path` when the block ends without an exception.

    Of several processes that create the same path, exactly one succeeds. Missing folders are made.

    Parameters
    ----------
    mode : permissions, less those that the umask takes away

    Raises
    ------
    FileExistsError
        the path exists already; it is left as it was.
    OSError
    """
    return _written(path, mode, os.link)


def replace(path: Path, mode: int = 0o666) -> AbstractContextManager[BinaryIO]:
    """Write a file that replaces `path`, if it exists, when the block ends without an exception.

    Raises
    ------
    OSError
    """
    return _written(path, mode, os.replace)


@contextlib.contextmanager
def draft(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Write a temporary file beside `path`, which is removed when the block ends.

    Raises
    ------
    OSError
    """
    make_folder(path.parent)
    temporary = temporary_path(path)
    try:
        with _opened(temporary, mode) as file:
            yield file
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, durably, unless it exists."""
    if not folder.is_dir():
        make_folder(folder.parent)
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
        _sync_folder(folder.parent)


def leftovers(folder: Path, name: str = "*") -> Iterator[Path]:
    """Find the temporary files of unfinished writes, of running processes as well as killed ones.

    Parameters
    ----------
    name : of the files that were being written; a glob pattern
    """
    return folder.glob(f".{name}.*{_SUFFIX}")


def temporary_path(path: Path) -> Path:
    """Return a hidden path in the same folder that no other process uses."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}{_SUFFIX}")


@contextlib.contextmanager
def _written(path: Path, mode: int, publish: Callable[[Path, Path], object]) -> Iterator[BinaryIO]:
    make_folder(path.parent)
    temporary = temporary_path(path)
    try:
        with _opened(temporary, mode) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        publish(temporary, path)
    finally:
        with contextlib.suppress(OSError):  # renamed, or never created
            temporary.unlink()
    _sync_folder(path.parent)


def _opened(temporary: Path, mode: int) -> BinaryIO:
    return open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
