"""Many kept-alive clients in one process, which keep an account of every request.

Each sends a random row of a fixed set as soon as its last one is answered, or at a steady rate. A
connection that the service closes after an answer is made anew, as every client library does. The
account is one JSON document on stdout when stdin ends.
"""

import json
import random
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from network import Array
from registry import Registry

ROWS = 64


def rows() -> Array:
    """The rows that clients send: (64, 4), each value a short decimal."""
    return np.random.default_rng(0).integers(-1000, 1001, (ROWS, 4)) / 1000.0


@dataclass
class Account:
    """What became of the requests.

    Attributes
    ----------
    answers : [when it was sent, how long it took in seconds, version, row, prediction]
    failures : [when its connection was made, when it was sent, when it failed, how]
    """

    answers: list[tuple[float, float, str, int, float]] = field(default_factory=list)
    failures: list[tuple[float, float, float, str]] = field(default_factory=list)

    def latencies(self, since: float = 0.0, until: float = float("inf")) -> list[float]:
        """Seconds, of the requests sent in a span of time."""
        return [took for sent, took, *_ in self.answers if since <= sent < until]

    def versions(self) -> list[str]:
        """The versions in the order in which they first answered."""
        return list(dict.fromkeys(version for _, _, version, *_ in sorted(self.answers)))

    def mismatches(self, registry: Registry) -> int:
        """Answers that are not, bit for bit, those of the version they name."""
        expected = {
            version: registry.load(int(version)).model.predict(rows())[:, 0].tolist()
            for version in self.versions()
        }
        return sum(
            prediction != expected[version][row] for _, _, version, row, prediction in self.answers
        )


class Clients:
    """A load that runs until it is ended."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self.account = Account()

    def end(self) -> Account:
        """Stop sending, and give the account."""
        output, _ = self._process.communicate()
        found = json.loads(output)
        self.account = Account(
            [tuple(each) for each in found["answers"]], [tuple(each) for each in found["failures"]]
        )
        return self.account


@contextmanager
def clients(port: int, connections: int = 16, rate: float = 0.0) -> Iterator[Clients]:
    """Clients in a process of their own.

    Parameters
    ----------
    rate : requests a second, of all together; 0: as many as are answered
    """
    process = subprocess.Popen(
        [sys.executable, __file__, str(port), str(connections), str(rate)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.readline()  # the first request is answered
    load = Clients(process)
    try:
        yield load
    finally:
        if process.poll() is None:
            load.end()


class Connection:
    """One client: sends, and reads the answer, without waiting for either."""

    def __init__(self, port: int, bodies: list[bytes], chooser: random.Random) -> None:
        self._port = port
        self._bodies = bodies
        self._chooser = chooser
        self.socket: socket.socket | None = None
        self.made = self.sent = 0.0
        self.row = 0
        self.received = b""

    def send(self) -> None:
        """Send a row; raises `OSError`."""
        if self.socket is None:
            self.made = time.time()
            self.socket = socket.create_connection(("127.0.0.1", self._port), 10)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.row = self._chooser.randrange(len(self._bodies))
        self.sent, self.received = time.time(), b""
        self.socket.sendall(self._bodies[self.row])

    def receive(self) -> tuple[bytes, bytes] | None:
        """Head and body of the answer, once it is whole; raises `OSError`."""
        assert self.socket
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionResetError("closed before the answer was whole")
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


def main(port: int, connections: int, rate: float) -> None:
    account = Account()
    bodies = [_request(row) for row in rows().tolist()]
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    idle = [Connection(port, bodies, random.Random(n)) for n in range(connections)]
    begun, started, said, ending = time.time(), 0, False, False
    refused_until = 0.0
    while not ending or len(selector.get_map()) > 1:
        while idle and not ending and time.time() >= refused_until:
            if rate and started >= (time.time() - begun) * rate:
                break
            connection = idle.pop()
            try:
                connection.send()
            except ConnectionRefusedError:  # nobody is there: no request was made
                idle.append(connection)
                refused_until = time.time() + 0.02
                break
            except OSError as error:
                _fail(connection, repr(error), account)
                idle.insert(0, connection)
                continue
            started += 1
            assert connection.socket
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        for key, _ in selector.select(0.001 if idle else 0.1):
            if key.data is None:
                if not ending:
                    ending = True
                continue
            connection = key.data
            try:
                answer = connection.receive()
            except OSError as error:
                selector.unregister(key.fileobj)
                _fail(connection, repr(error), account)
                idle.insert(0, connection)
                continue
            if answer is None:
                continue
            selector.unregister(key.fileobj)
            _note(connection, answer[0], answer[1], account)
            idle.insert(0, connection)
            if not said:
                said = True
                print(flush=True)
    print(json.dumps(asdict(account)))


def _request(row: list[float]) -> bytes:
    body = json.dumps(dict(zip(("x1", "x2", "x3", "x4"), row, strict=True))).encode()
    head = "POST /predict HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _note(connection: Connection, head: bytes, body: bytes, account: Account) -> None:
    took = time.time() - connection.sent
    if head.startswith(b"HTTP/1.1 200 "):
        document: dict[str, Any] = json.loads(body)
        account.answers.append(
            (connection.sent, took, document["version"], connection.row, document["prediction"])
        )
    else:
        _fail(connection, head.split(b"\r\n")[0].decode(), account)
    if b"connection: close" in head.lower():
        connection.close()


def _fail(connection: Connection, how: str, account: Account) -> None:
    account.failures.append((connection.made, connection.sent, time.time(), how))
    connection.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
