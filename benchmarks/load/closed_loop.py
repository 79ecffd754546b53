"""Many clients with kept-alive connections in one process, which record every request.

Each client sends a random row of a fixed set as soon as its last request is answered, or at a
steady rate. It reconnects when the service has closed its connection after a response. The record
is one JSON document on stdout, written when stdin ends.
"""

import errno
import json
import os
import random
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from benchmarks.repository import ROOT
from network import Array
from registry import Registry

ROWS = 64
REFUSED_PAUSE_SECONDS = 0.005


def rows() -> Array:
    """Return the rows that clients send: (64, 4), each value a short decimal."""
    return np.random.default_rng(0).integers(-1000, 1001, (ROWS, 4)) / 1000.0


@dataclass
class Account:
    """The record of all requests.

    Attributes
    ----------
    answers : [when it was sent, latency in seconds, version, row, prediction]; at a steady rate
        the latency counts from when the request was due
    failures : [the connection's local port, when it was sent, when it failed, the reason]
    refused : when a connection was refused, because nothing listened
    """

    answers: list[tuple[float, float, str, int, float]] = field(default_factory=list)
    failures: list[tuple[int, float, float, str]] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Return the number of failed requests and refused connections."""
        return len(self.failures) + len(self.refused)

    def latencies(self, since: float = 0.0, until: float = float("inf")) -> list[float]:
        """Return the latencies in seconds of the requests sent in a span of time."""
        return [took for sent, took, *_ in self.answers if since <= sent < until]

    def versions(self) -> list[str]:
        """Return the versions in the order in which they first answered."""
        return list(dict.fromkeys(version for _, _, version, *_ in sorted(self.answers)))

    def mismatches(self, registry: Registry) -> int:
        """Count the predictions that differ in any bit from those of the version they name."""
        expected = {
            version: registry.load(int(version)).model.predict(rows())[:, 0].tolist()
            for version in self.versions()
        }
        return sum(
            prediction != expected[version][row] for _, _, version, row, prediction in self.answers
        )


class Clients:
    """A running load."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def end(self) -> Account:
        """Stop sending and return the record."""
        output, _ = self._process.communicate()
        found = json.loads(output)
        return Account(
            [tuple(each) for each in found["answers"]],
            [tuple(each) for each in found["failures"]],
            found["refused"],
        )


@contextmanager
def clients(
    port: int, connections: int = 16, rate: float = 0.0, path: str = "/predict"
) -> Iterator[Clients]:
    """Run clients in a process of their own; the block starts after the first response.

    Parameters
    ----------
    rate : requests per second of all clients together; 0 sends as many as are answered
    """
    module = "benchmarks.load.closed_loop"
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(port), str(connections), str(rate), path],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.readline()
    load = Clients(process)
    try:
        yield load
    finally:
        if process.poll() is None:
            load.end()


class Connection:
    """A non-blocking client connection."""

    def __init__(self, port: int, bodies: list[bytes], chooser: random.Random) -> None:
        self._port = port
        self._bodies = bodies
        self._chooser = chooser
        self.socket: socket.socket | None = None
        self.local_port = 0
        self.due = self.sent = 0.0
        self.row = 0
        self.received = b""

    def begin(self, due: float) -> None:
        """Choose a row, and connect if necessary; raise `OSError` on failure."""
        self.due, self.sent, self.received = due, 0.0, b""
        self.row = self._chooser.randrange(len(self._bodies))
        if self.socket is None:
            self.socket = socket.socket()
            self.socket.setblocking(False)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            error = self.socket.connect_ex(("127.0.0.1", self._port))
            if error not in (0, errno.EINPROGRESS):
                raise OSError(error, os.strerror(error))

    def send(self) -> None:
        """Send the row once the connection is made; raise `OSError` on failure."""
        assert self.socket
        if error := self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))
        self.local_port = self.socket.getsockname()[1]
        self.sent = time.time()
        self.socket.sendall(self._bodies[self.row])

    def receive(self) -> tuple[bytes, bytes] | None:
        """Return head and body of the response once it is complete; raise `OSError` on failure."""
        assert self.socket
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionResetError("closed before the response was complete")
        self.received += part
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        return (head, body) if len(body) >= length else None

    def close(self) -> None:
        if self.socket:
            self.socket.close()
            self.socket = None


class Load:
    """All clients and their record."""

    def __init__(self, port: int, connections: int, rate: float, path: str) -> None:
        bodies = [_request(path, row) for row in rows().tolist()]
        self.account = Account()
        self._idle = [Connection(port, bodies, random.Random(n)) for n in range(connections)]
        self._rate = rate
        self._begun, self._started = time.time(), 0
        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin, selectors.EVENT_READ)

    def run(self) -> None:
        """Send until stdin ends, then wait for the responses that are outstanding."""
        announced = ending = False
        while not ending or len(self._selector.get_map()) > 1:
            while self._idle and not ending and (due := self._due()) <= time.time():
                self._attempt(self._idle.pop(), Connection.begin, due)
                self._started += 1
            for key, _ in self._selector.select(0.001 if self._idle else 0.1):
                if key.data is None:
                    ending = True
                    continue
                self._selector.unregister(key.fileobj)
                action = Connection.receive if key.data.sent else Connection.send
                self._attempt(key.data, action)
            if self.account.answers and not announced:
                announced = True
                print(flush=True)

    def _due(self) -> float:
        return self._begun + self._started / self._rate if self._rate else time.time()

    def _attempt(self, connection: Connection, action: Callable[..., Any], *given: Any) -> None:
        try:
            response = action(connection, *given)
        except ConnectionRefusedError:
            self.account.refused.append(time.time())
            connection.close()
            time.sleep(REFUSED_PAUSE_SECONDS)
            self._idle.insert(0, connection)
            return
        except OSError as error:
            self._fail(connection, repr(error))
            return
        if response is None:
            wanted = selectors.EVENT_READ if connection.sent else selectors.EVENT_WRITE
            self._selector.register(connection.socket, wanted, connection)  # type: ignore[arg-type]  # it has one
        else:
            self._record(connection, *response)

    def _record(self, connection: Connection, head: bytes, body: bytes) -> None:
        if not head.startswith(b"HTTP/1.1 200 "):
            self._fail(connection, head.split(b"\r\n")[0].decode())
            return
        document: dict[str, Any] = json.loads(body)
        since = connection.due if self._rate else connection.sent
        self.account.answers.append(
            (
                connection.sent,
                time.time() - since,
                document["version"],
                connection.row,
                document["prediction"],
            )
        )
        if b"connection: close" in head.lower():
            connection.close()
        self._idle.insert(0, connection)

    def _fail(self, connection: Connection, reason: str) -> None:
        self.account.failures.append((connection.local_port, connection.sent, time.time(), reason))
        connection.close()
        self._idle.insert(0, connection)


def _request(path: str, row: list[float]) -> bytes:
    body = json.dumps(dict(zip(("x1", "x2", "x3", "x4"), row, strict=True))).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


if __name__ == "__main__":
    load = Load(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
    load.run()
    print(json.dumps(asdict(load.account)))
