"""Files that are written completely or not at all, and files that are sent."""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, Any, BinaryIO


@contextmanager
def written_whole(path: Path, *, is_private: bool = False) -> Iterator[BinaryIO]:
    """Yield a file that gets its name when it is complete and on the disk.

    After an error there is no new file. A file that is replaced keeps its permissions.

    Parameters
    ----------
    is_private : whether only this user may read the file

    Raises
    ------
    OSError
    """
    path = path.resolve()  # so that a symbolic link stays one
    aside = path.with_name(f".{path.name}.{os.urandom(4).hex()}.part")
    # The system applies the umask. It can only be read by changing it, for all threads.
    descriptor = os.open(
        aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if is_private else 0o666
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            if not is_private:
                _copy_permissions(path, aside)
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
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


def _copy_permissions(path: Path, aside: Path) -> None:
    """Give a new file the permissions of the file that it replaces, if there is one."""
    with suppress(FileNotFoundError):
        aside.chmod(path.stat().st_mode & 0o777)
