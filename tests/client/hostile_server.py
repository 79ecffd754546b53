"""A server that answers each connection with given bytes, whatever they are."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.patience import DEADLINE_SECONDS

JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"


@dataclass
class HostileServer:
    """Answers the n-th connection with the n-th script, and all further ones with the last.

    A script is a sequence of bytes, which are sent, and of numbers, the seconds to wait. A
    connection is closed at the script's end; the word `hang` keeps it open.

    Attributes
    ----------
    requests : the bytes that arrived first on each connection
    """

    scripts: Sequence[Sequence[bytes | float | str]]
    requests: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            connection.settimeout(DEADLINE_SECONDS)
            try:
                self._answer(connection)
            except OSError:  # the client closed its side
                connection.close()

    def _answer(self, connection: socket.socket) -> None:
        self.requests.append(_request(connection))
        script = self.scripts[min(len(self.requests), len(self.scripts)) - 1]
        for step in script:
            if isinstance(step, bytes):
                connection.sendall(step)
            elif isinstance(step, float):
                time.sleep(step)
            else:
                return
        connection.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            each.close()


def response(status: str, body: bytes = b"", *headers: str) -> bytes:
    """Return a complete response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def hostile_server(*scripts: Sequence[bytes | float | str]) -> Iterator[HostileServer]:
    """Run a server in a thread of its own."""
    server = HostileServer(scripts)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(DEADLINE_SECONDS)


def _request(connection: socket.socket) -> bytes:
    """Return a request whose length is given, or that has no body."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    ]
    while len(body) < sum(lengths):
        part = connection.recv(65536)
        if not part:
            break
        body += part
    return head + b"\r\n\r\n" + body
