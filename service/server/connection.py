"""A client's connection, which waits neither for what is to come nor for what is to go."""

import contextlib
import socket
import threading
import time

from service.server.heads import Address, Heads
from service.server.incoming import Incoming

_READ_BYTES = 64 * 1024
_MOST_READ_BYTES = 1024 * 1024  # of a long body
_MOST_UNSENT_BYTES = 4 * 1024 * 1024

# After these the client has had its chance; of a body or an answer some has to move in each.
IDLE_SECONDS = 75.0
HEAD_SECONDS = 10.0
BODY_SECONDS = 20.0
LINGER_SECONDS = 2.0
LEAST_BYTES_PER_SECOND = 1_024


class Connection:
    """One client.

    Parameters
    ----------
    most : bytes of a body that are taken

    Attributes
    ----------
    socket : does not block
    host, port : the client's
    incoming : what it sends
    unsent : of answers
    since : when it was last answered, or connected
    begun : when the first byte of its request came; None: none did yet
    lingers : whether it is only read until the client has seen its last answer
    handed_over : whether somebody else has it
    """

    def __init__(
        self, connection: socket.socket, address: Address, heads: Heads, most: int
    ) -> None:
        connection.setblocking(False)
        self.socket = connection
        self.host, self.port = address[0], str(address[1])
        self.incoming = Incoming(heads, self.host, most)
        self.unsent = bytearray()
        self.since = time.monotonic()
        self.begun: float | None = None
        self.lingers = self.handed_over = self.closed = False
        self._written = self._abandoned = False
        self._moved = 0  # bytes of long bodies and answers
        self._measured_at, self._moved_before = self.since, 0
        self._room = threading.Condition()

    def receive(self) -> bool:
        """Read what is there; False where the client has closed its side.

        Raises
        ------
        OSError
        """
        missing = self.incoming.missing
        try:
            data = self.socket.recv(
                _READ_BYTES if missing < _READ_BYTES else min(missing, _MOST_READ_BYTES)
            )
        except BlockingIOError:
            return True
        if data and not self.lingers:
            self.incoming.feed(data)
            if self.begun is None:
                self.begun = time.monotonic()
                self._measure()
            self._moved += len(data)
        return bool(data)

    def send(self, data: bytes) -> None:
        """Send what the client takes, and keep the rest.

        Raises
        ------
        OSError
        """
        with self._room:
            self._keep_rest(data)

    def send_rest(self) -> None:
        """Send more of what was kept.

        Raises
        ------
        OSError
        """
        with self._room:
            with memoryview(self.unsent) as view, view[:_MOST_READ_BYTES] as part:
                sent = self._send(part)
            del self.unsent[:sent]
            self._moved += sent
            if len(self.unsent) < _MOST_UNSENT_BYTES:
                self._room.notify_all()

    def write(self, data: bytes, seconds: float) -> bool:
        """`send` for a thread, which waits while much is unsent; whether anything is.

        Raises
        ------
        OSError
            also where the client does not take it in time, or was given up.
        """
        with self._room:
            has_room = self._room.wait_for(
                lambda: self._abandoned or len(self.unsent) < _MOST_UNSENT_BYTES, seconds
            )
            if self._abandoned or not has_room:
                raise BrokenPipeError("nobody waits for the answer any more")
            self._written = True
            self._keep_rest(data)
            return bool(self.unsent)

    def give_to_thread(self) -> None:
        """From now on a thread answers."""
        self._written = False

    def hand_over(self) -> None:
        """From now on somebody else has it.

        Raises
        ------
        OSError
            it was given up before.
        """
        with self._room:
            if self._abandoned:
                raise BrokenPipeError("nobody waits for the answer any more")
            self.handed_over = True

    def abandon(self) -> bool:
        """Keep the thread from writing; whether it has not begun to, and the client has nothing."""
        with self._room:
            if self.handed_over:
                return False
            self._abandoned = True
            self._room.notify_all()
            return not self._written

    def answered(self) -> None:
        """The client may send its next request; of which there may be a part already."""
        self.since = time.monotonic()
        self.begun = self.since if len(self.incoming) else None
        self._measure()

    def overdue(self, now: float) -> bool:
        """Whether the client has kept us waiting for too long. To be asked every second or so."""
        if self.lingers:
            return now - self.since > LINGER_SECONDS
        if self.unsent:
            return self._is_too_slow(now)
        if self.begun is None:
            return now - self.since > IDLE_SECONDS
        if self.incoming.head is None:
            return now - self.begun > HEAD_SECONDS
        return self._is_too_slow(now)

    def say_goodbye(self) -> None:
        """No more answers: the client is told, and what it still sends does not reset it."""
        self.lingers = True
        self.incoming.clear()
        self.since = time.monotonic()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.closed = True
        self.abandon()
        self.socket.close()

    def _keep_rest(self, data: bytes) -> None:
        if not self.unsent:
            data = data[self._send(data) :]
            self._measure()
        self.unsent += data

    def _measure(self) -> None:
        self._measured_at, self._moved_before = time.monotonic(), self._moved

    def _is_too_slow(self, now: float) -> bool:
        """Whether in the time that is given for some bytes fewer have come or gone."""
        if now - self._measured_at <= BODY_SECONDS:
            return False
        if self._moved - self._moved_before < BODY_SECONDS * LEAST_BYTES_PER_SECOND:
            return True
        self._measured_at, self._moved_before = now, self._moved
        return False

    def _send(self, data: bytes | memoryview) -> int:
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0
