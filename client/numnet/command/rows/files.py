"""Input and output of a table: files, standard streams, and gzip."""

import gzip
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from numnet.files import written_whole

STANDARD = "-"
_GZIP = b"\x1f\x8b"
_LEVEL = 1  # higher levels take several times as long, and shrink numbers little more


@contextmanager
def opened(name: str) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Yield the file decompressed, and as it is, whose position shows how much was read.

    Raises
    ------
    OSError
    """
    if name == STANDARD:
        raw: BinaryIO = sys.stdin.buffer
        yield _decompressed(raw), raw
        return
    with Path(name).open("rb") as raw:
        yield _decompressed(raw), raw


@contextmanager
def written(name: str) -> Iterator[BinaryIO]:
    """Yield the standard output, a device, or a file that `written_whole` yields.

    Raises
    ------
    OSError
    """
    path = Path(name)
    if name == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if path.exists() and not path.is_file():  # a device or a pipe
        with path.open("wb") as file:
            yield file
        return
    with written_whole(path) as file:
        if path.suffix == ".gz":
            with gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as compressed:
                yield cast("BinaryIO", compressed)
        else:
            yield file


def _decompressed(raw: BinaryIO) -> BinaryIO:
    peeked = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)  # type: ignore[type-var]
    if peeked.peek(2)[:2] == _GZIP:
        return cast("BinaryIO", gzip.GzipFile(fileobj=peeked, mode="rb"))
    return cast("BinaryIO", peeked)
