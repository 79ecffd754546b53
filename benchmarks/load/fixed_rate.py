"""Requests at a fixed rate over many connections, whatever the responses (an open loop).

A request is sent over any connection that waits for no response. When all of them wait, it is
dropped. A connection that the server closes is opened again. This is written in Python because
h2load does not reconnect after a reset, and wrk does not separate latencies by status.
"""

import gc
import re
import select
import socket
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field

LAST_RESPONSES_SECONDS = 5.0  # the wait after the last request
_HEAD = "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)")
_CLOSE = re.compile(rb"(?i)\r\nconnection: close")


@dataclass
class Outcome:
    """The outcome of all requests.

    Attributes
    ----------
    seconds : the latencies up to the end of each response, by its status
    connecting : the seconds that each connection took to open
    failures : requests without a response and connections not made, counted by reason
    ended : when the last request was sent, as `time.time` counts
    """

    seconds: defaultdict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    connecting: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    ended: float = 0.0


class OpenLoop:
    """All connections, each identified by its file descriptor.

    Parameters
    ----------
    body : of every request, as JSON
    """

    def __init__(self, port: int, connections: int, body: bytes) -> None:
        self.outcome = Outcome()
        self._request = f"{_HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body
        self._address = ("127.0.0.1", port)
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._received: dict[int, bytes] = {}
        self._connecting: dict[int, float] = {}
        self._waiting: dict[int, float] = {}  # when the request was sent
        self._idle: deque[int] = deque()
        for _ in range(connections):
            self._connect()

    def run(self, rate: float, seconds: float) -> Outcome:
        """Send for some time, then wait for the last responses."""
        while self._connecting:  # the load begins when all are connected
            self._receive(0.1)
        gc.disable()
        begun = due = time.perf_counter()
        while (now := time.perf_counter()) < begun + seconds:
            while due <= now and self._idle:
                self._send(self._idle.popleft())
                due += 1.0 / rate
            due = max(due, now)
            self._receive(min(1.0 / rate, 0.001))
        self.outcome.ended = time.time()
        while self._waiting and time.perf_counter() < now + LAST_RESPONSES_SECONDS:
            self._receive(0.1)
        self.outcome.failures["no response"] += len(self._waiting)
        gc.enable()
        for each in self._sockets.values():
            each.close()
        self._epoll.close()
        return self.outcome

    def _connect(self) -> None:
        made = socket.socket()
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.connect_ex(self._address)
        number = made.fileno()
        self._sockets[number] = made
        self._received[number] = b""
        self._connecting[number] = time.perf_counter()
        self._epoll.register(number, select.EPOLLOUT)

    def _send(self, number: int) -> None:
        self._waiting[number] = time.perf_counter()
        try:
            self._sockets[number].send(self._request)
        except OSError as error:
            self._fail(number, error)

    def _receive(self, timeout: float) -> None:
        for number, _ in self._epoll.poll(timeout):
            if number in self._connecting:
                self._connected(number)
                continue
            try:
                part = self._sockets[number].recv(65536)
            except OSError as error:
                self._fail(number, error)
                continue
            if not part:
                self._fail(number, ConnectionError("closed without a response"))
                continue
            self._read(number, self._received[number] + part)

    def _connected(self, number: int) -> None:
        since = self._connecting.pop(number)
        if error := self._sockets[number].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._fail(number, OSError(error, "not connected"))
            return
        self.outcome.connecting.append(time.perf_counter() - since)
        self._epoll.modify(number, select.EPOLLIN)
        self._idle.append(number)

    def _read(self, number: int, received: bytes) -> None:
        head = received.find(b"\r\n\r\n") + 4
        length = _LENGTH.search(received, 0, head) if head >= 4 else None
        if length is None or len(received) < head + int(length[1]):
            self._received[number] = received
            return
        self._received[number] = b""
        took = time.perf_counter() - self._waiting.pop(number)
        self.outcome.seconds[int(received[9:12])].append(took)
        if _CLOSE.search(received, 0, head):
            self._reconnect(number)
        else:
            self._idle.append(number)

    def _fail(self, number: int, error: OSError) -> None:
        """Count a failure, unless the server has closed an idle kept-alive connection."""
        self._waiting.pop(number, None)
        if number in self._idle and isinstance(error, ConnectionError):
            self._idle.remove(number)
        else:
            self.outcome.failures[str(error)] += 1
        self._reconnect(number)

    def _reconnect(self, number: int) -> None:
        self._epoll.unregister(number)
        self._sockets.pop(number).close()
        self._connect()
