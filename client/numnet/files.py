"""Files that are written completely or not at all, and files that are sent."""

import io
import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import IO, Any


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, which gets its name when it is complete and on the disk.

    A file that is replaced keeps its permissions.

    Raises
    ------
    OSError
    """
    path = path.resolve()  # so that a symbolic link stays one
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).chmod(_mode(path))
        Path(aside).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(aside).unlink()
        raise


def opener(content: Any) -> tuple[Callable[[], AbstractContextManager[IO[bytes]]], bool]:
    """Return a function that opens bytes to be sent, and whether it can do so more than once.

    Parameters
    ----------
    content : bytes, a path, a DataFrame, which is sent as CSV, or a file that is open for reading
        bytes, which is sent from its position on and not closed

    Raises
    ------
    TypeError
    """
    if hasattr(content, "to_csv"):
        content = content.to_csv(index=False).encode()
    if isinstance(content, bytes | bytearray | memoryview):
        return lambda: io.BytesIO(content), True
    if isinstance(content, str | os.PathLike):
        path = Path(content)
        return lambda: path.open("rb"), True
    if not hasattr(content, "read") or isinstance(content, io.TextIOBase):
        kind = type(content).__name__
        raise TypeError(f"expected bytes, a path, a DataFrame or a file of bytes, got {kind}")
    if not content.seekable():
        return lambda: nullcontext(content), False
    start = content.tell()

    def again() -> AbstractContextManager[IO[bytes]]:
        content.seek(start)
        return nullcontext(content)

    return again, True


def _mode(path: Path) -> int:
    """Return the permissions of the file that is replaced, or those of a new one."""
    with suppress(OSError):
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
