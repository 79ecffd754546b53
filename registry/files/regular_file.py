"""Opens files that are read to their end, and nothing else that may stand under their names."""

import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path | str) -> BinaryIO:
    """Open a regular file for reading, without waiting for another process.

    Opening a named pipe would block until something writes to it, so the file is opened without
    blocking. A device or a socket could block when it is read, so only regular files are.

    Raises
    ------
    OSError
        also if it is not a regular file.
    """
    file = open(path, "rb", opener=_open_without_blocking)  # noqa: SIM115  # the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError("it is not a regular file")
    return file


def read_regular(path: Path | str, max_bytes: int) -> bytes | None:
    """Return the content of a regular file, without waiting for another process.

    Returns
    -------
    content : None if it is larger than `max_bytes`, of which no more is read

    Raises
    ------
    OSError
        also if it is not a regular file.
    """
    with open_regular(path) as file:
        size = min(max_bytes, os.fstat(file.fileno()).st_size)  # what is allocated for the content
        content = file.read(size + 1)
    return content if len(content) <= max_bytes else None


def _open_without_blocking(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
