"""A client that knows nothing but the bytes on its connection."""

import contextlib
import fcntl
import io
import select
import socket
import struct
import termios
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from requests.structures import CaseInsensitiveDict

from tests.patience import seconds, until

TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True)
class Response:
    """A response as it was framed.

    Attributes
    ----------
    lines : the header lines as they came
    headers : by name in any case; of a repeated one the last
    """

    version: str
    status: int
    lines: list[tuple[str, str]]
    body: bytes

    @property
    def headers(self) -> CaseInsensitiveDict[str]:
        return CaseInsensitiveDict(self.lines)


class Client:
    """One connection.

    Parameters
    ----------
    receive_buffer : bytes that the system keeps of responses that are not read yet
    """

    def __init__(self, address: tuple[str, int], receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(seconds(TIMEOUT_SECONDS))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self._stream = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def send(self, *parts: bytes) -> Self:
        """Send each part as a segment of its own."""
        for part in parts:
            self.socket.sendall(part)
        return self

    def wait_until_delivered(self) -> Self:
        """Wait until the server's system has all bytes that were sent, read or not."""
        unacknowledged = bytearray(4)

        def delivered() -> bool:
            fcntl.ioctl(self.socket, termios.TIOCOUTQ, unacknowledged)
            return not any(unacknowledged)

        until(delivered)
        return self

    def send_in_background(self, data: bytes) -> None:
        """Send what the server may not read before its responses are read."""

        def send() -> None:
            with contextlib.suppress(OSError):  # the test has closed the connection
                self.socket.sendall(data)

        threading.Thread(target=send, daemon=True).start()

    def response(self, method: str = "GET") -> Response:
        """Read one response to a request of that method.

        Raises
        ------
        EOFError
            The connection ended before the response did.
        """
        version, status, lines = self.head()
        framed = [name.lower() for name, _ in lines if name.lower() in _FRAMING]
        assert len(framed) <= 1, lines
        headers = CaseInsensitiveDict(lines)
        if method == "HEAD" or status < 200 or status in {204, 304}:
            body = b""
        elif "Transfer-Encoding" in headers:
            assert headers["Transfer-Encoding"] == "chunked"
            body = self._chunks()
        elif "Content-Length" in headers:
            body = self._exactly(int(headers["Content-Length"]))
        else:
            assert headers["Connection"] == "close"
            body = self._stream.read()
        return Response(version, status, lines, body)

    def head(self) -> tuple[str, int, list[tuple[str, str]]]:
        """Read a response's version, status and header lines."""
        version, status, *_ = self._line().split(" ", 2)
        lines: list[tuple[str, str]] = []
        while line := self._line():
            name, colon, value = line.partition(":")
            assert colon, line
            lines.append((name, value.strip(" ")))
        return version, int(status), lines

    def read(self, size: int) -> bytes:
        """Read bytes as they are; fewer only at the end."""
        return self._stream.read(size)

    def read_all(self) -> bytes:
        """Read bytes as they are until the connection ends, be it by a reset."""
        parts: list[bytes] = []
        with contextlib.suppress(ConnectionResetError):
            while part := self._stream.read1(1_000_000):
                parts.append(part)
        return b"".join(parts)

    def ended(self) -> bool:
        """Wait for the next byte or the end; return whether it is the end."""
        try:
            return self._stream.read(1) == b""
        except ConnectionResetError:
            return True

    def is_silent(self, time_limit: float) -> bool:
        """Return whether neither a byte nor the end comes for so many seconds."""
        self.socket.setblocking(False)
        try:
            if self._stream.peek(1):
                return False
        except ConnectionResetError:
            return False
        finally:
            self.socket.settimeout(seconds(TIMEOUT_SECONDS))
        return not select.select([self.socket], [], [], time_limit)[0]

    def half_close(self) -> Self:
        """End what this side sends, and go on reading."""
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def reset(self) -> None:
        """Close the connection with a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self._stream.close()
        self.socket.close()

    def _line(self) -> str:
        line = self._stream.readline(65_537)
        if not line.endswith(b"\n"):
            raise EOFError(f"the connection ended after {line!r}")
        assert line.endswith(b"\r\n"), line
        return line[:-2].decode("latin-1")

    def _exactly(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise EOFError(f"the connection ended after {len(data)} of {size} bytes")
        return data

    def _chunks(self) -> bytes:
        body = io.BytesIO()
        while size := int(self._line(), 16):
            body.write(self._exactly(size))
            assert self._line() == ""
        assert self._line() == ""
        return body.getvalue()


_FRAMING = ("content-length", "transfer-encoding")


def request(
    path: str = "/echo",
    *lines: str,
    method: str | None = None,
    body: bytes | None = None,
    version: str = "HTTP/1.1",
) -> bytes:
    """Return a request's bytes; with a body its method is POST unless stated otherwise."""
    method = method or ("GET" if body is None else "POST")
    framing = () if body is None else (f"Content-Length: {len(body)}",)
    head = "\r\n".join([f"{method} {path} {version}", "Host: here", *framing, *lines, "", ""])
    return head.encode("latin-1") + (body or b"")


def chunked(*contents: bytes) -> bytes:
    """Return a body's parts as chunks, with the last chunk."""
    return b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in contents) + b"0\r\n\r\n"
