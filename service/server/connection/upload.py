"""Writes a long request body to a file, part by part, in a thread."""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import BinaryIO

PART_BYTES = 1024 * 1024


class Upload:
    """The body of one request that arrives. Used by the event loop alone.

    Parameters
    ----------
    file : unbuffered, which it closes unless `finish` returns a body
    on_written : called on the event loop when a part has been written, or could not be

    Attributes
    ----------
    size : bytes that have arrived
    error : why a part could not be written
    """

    def __init__(
        self, file: BinaryIO, writer: ThreadPoolExecutor, on_written: Callable[[], object]
    ) -> None:
        self.size = 0
        self.error: OSError | None = None
        self._file = file
        self._writer = writer
        self._on_written = on_written
        self._loop = asyncio.get_running_loop()
        self._part = bytearray()
        self._writing: Future[None] | None = None

    @property
    def is_writing(self) -> bool:
        """Return whether no more should arrive before a part has been written."""
        return self._writing is not None

    def add(self, data: bytes) -> None:
        """Add what has arrived."""
        self.size += len(data)
        self._part += data
        if len(self._part) >= PART_BYTES and not self.is_writing:
            part, self._part = bytes(self._part), bytearray()
            self._writing = self._writer.submit(_write, self._file, part)
            self._writing.add_done_callback(self._tell)

    def finish(self) -> "WrittenBody":
        """Have the rest written, and return the body.

        Raises
        ------
        OSError
        """
        if self.error is not None:
            raise self.error
        rest = self._writer.submit(_write, self._file, bytes(self._part))
        return WrittenBody(self._file, [each for each in (self._writing, rest) if each])

    def drop(self) -> None:
        """Close the file, when no thread writes to it."""
        if self._writing is None:
            self._file.close()
        else:
            self._writing.add_done_callback(lambda _: self._file.close())

    def _tell(self, written: "Future[None]") -> None:
        self._loop.call_soon_threadsafe(self._note, written)

    def _note(self, written: "Future[None]") -> None:
        self._writing = None
        error = written.exception()
        if isinstance(error, OSError):
            self.error = error
        self._on_written()


class WrittenBody:
    """A body in a file, which closes with it. Used by the thread of the request alone.

    Parameters
    ----------
    writing : of the last parts, in their order
    """

    def __init__(self, file: BinaryIO, writing: Sequence["Future[None]"]) -> None:
        self._file = file
        self._writing = writing

    def read(self, size: int = -1) -> bytes:
        """Return bytes, at most `size`; no bytes at the end.

        Raises
        ------
        OSError
            also if a part could not be written.
        """
        if self._writing:
            for each in self._writing:
                each.result()
            self._writing = ()
            self._file.seek(0)
        return self._file.read(size)

    def close(self) -> None:
        """Close the file when no thread writes to it."""
        wait(self._writing)
        self._file.close()


def _write(file: BinaryIO, part: bytes) -> None:
    rest = memoryview(part)
    while rest:
        rest = rest[os.write(file.fileno(), rest) :]
