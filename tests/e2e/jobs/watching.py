"""A client of a job's event stream, down to the bytes of its connection."""

import io
import json
import re
import socket
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from tests.e2e.conftest import Service


class Chunks(io.RawIOBase):
    """A body in chunks (RFC 9112, section 7.1), without its framing."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self._left = 0

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = int(self._file.readline() or b"0", 16)
            if not self._left:
                assert self._file.readline() in (b"\r\n", b"")
                return 0
        part = self._file.read1(min(self._left, len(buffer)))
        buffer[: len(part)] = part
        self._left -= len(part)
        if not self._left:
            self._file.readline()
        return len(part)


class Watching:
    """A connection that reads a job's event stream.

    Parameters
    ----------
    headers : further header lines of the request
    before : pipelined requests to send first; their responses are skipped

    Attributes
    ----------
    head : the response's status line and headers
    """

    def __init__(self, service: Service, job_id: str, *headers: str, before: bytes = b"") -> None:
        self.connection = service.connect()
        lines = [f"GET /retrain/{job_id}/events HTTP/1.1", "Host: here", *headers, "", ""]
        self.connection.sendall(before + "\r\n".join(lines).encode())
        self._file: io.BufferedReader = self.connection.makefile("rb")
        self._skip_responses(before.count(b"\r\n\r\n"))
        self.head = self._block(b"\r\n").decode()
        if "transfer-encoding: chunked" in self.head.lower():
            self._file = io.BufferedReader(Chunks(self._file))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self.connection.close()

    @property
    def status(self) -> int:
        return int(self.head.split()[1])

    def events(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each event's id and job until the stream ends."""
        while block := self._block(b"\n").decode():
            if block.startswith(":"):
                continue  # a keep-alive comment
            found = re.fullmatch(r"id: (\d+)\nevent: job\ndata: (\{.*\})\n", block)
            assert found, block
            yield int(found[1]), json.loads(found[2])

    def next(self) -> tuple[int, dict[str, Any]]:
        """Return the next event."""
        return next(self.events())

    def _block(self, end: bytes) -> bytes:
        """Return the lines before the next empty line."""
        lines = b""
        while (line := self._file.readline()) not in (end, b""):
            lines += line
        return lines

    def _skip_responses(self, count: int) -> None:
        for _ in range(count):
            length = re.search(rb"(?i)content-length: (\d+)", self._block(b"\r\n"))
            assert length
            self._file.read(int(length[1]))


def is_closed(connection: socket.socket) -> bool:
    """Return whether the server has closed its side of the connection."""
    return connection.recv(1) == b""
