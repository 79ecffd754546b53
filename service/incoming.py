"""What a client has sent, as requests: found out as it arrives, without waiting for more."""

import io
from dataclasses import dataclass
from typing import Any

from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.errors import LimitRequestHeaders
from gunicorn.http.unreader import IterUnreader

from service.heads import Head, Heads, Malformed

MAX_HEAD_BYTES = 64 * 1024
_MAX_LINE_BYTES = 8 * 1024  # of a chunk's size, with its extensions
_READ_AHEAD_BYTES = 2 * 1024  # as gunicorn's reader does, who shall still find the body too long


@dataclass(frozen=True, eq=False)
class Message:
    """A request that is all there.

    Attributes
    ----------
    body : as it was sent: with its framing, where it came in chunks
    cut : whether the body is longer than is taken; what is beyond was left out
    """

    head: Head
    body: bytes
    cut: bool

    def input(self) -> Any:
        """The body as WSGI's file; malformed chunks raise `ParseException` or `OSError`."""
        if self.head.length is None:
            return Body(ChunkedReader(self.head.request, IterUnreader([self.body])))
        return io.BytesIO(self.body)


class Incoming:
    """The bytes of one connection.

    Parameters
    ----------
    host : the client's
    most : bytes of a body that are taken
    """

    def __init__(self, heads: Heads, host: str, most: int) -> None:
        self._heads = heads
        self._host = host
        self._most = most
        self._received = bytearray()
        self._searched = 0
        self._head: Head | None = None
        self._start = 0
        self._chunks: _Chunks | None = None
        self._asked = False

    def __len__(self) -> int:
        """Bytes that no message was made of yet."""
        return len(self._received)

    @property
    def missing(self) -> int:
        """Bytes that have to come at least before there is a message."""
        length = self._head.length if self._head else None
        return max(1, self._start + (length or 0) - len(self._received))

    @property
    def has_head(self) -> bool:
        """Whether only the body is missing."""
        return self._head is not None

    def feed(self, data: bytes) -> None:
        """Take what was received."""
        self._received += data

    def clear(self) -> None:
        """Forget what was received."""
        self._received.clear()

    def message(self) -> Message | None:
        """The next request, once all of it was received.

        Raises
        ------
        ParseException
            its head is not valid.
        """
        if self._head is None:
            self._start = self._head_end()
            if not self._start:
                return None
            self._head = self._heads.parse(bytes(self._received[: self._start]), self._host)
            if self._head.length is None:
                self._chunks = _Chunks(self._start)
        end, cut = self._body_end(self._head)
        if end is None:
            return None
        with memoryview(self._received) as view:
            message = Message(self._head, bytes(view[self._start : end]), cut)
        del self._received[:end]
        self._head = self._chunks = None
        self._searched = 0
        self._asked = False
        return message

    def is_awaited(self) -> bool:
        """Whether the client waits to be told that its body will be taken; True only once."""
        if self._head is None or not self._head.expects or self._asked:
            return False
        self._asked = True
        return len(self._received) == self._start

    def _head_end(self) -> int:
        """Where the head ends, blank line included; 0 while more is to come."""
        received, searched = self._received, self._searched
        found = received.find(b"\r\n\r\n", max(0, searched - 3))
        if found >= 0:
            return found + 4
        if len(received) > MAX_HEAD_BYTES:
            raise LimitRequestHeaders(f"more than {MAX_HEAD_BYTES:,} bytes")
        newline = received.find(b"\n", searched)
        while newline >= 0:
            if received[max(0, newline - 1) : newline] != b"\r":
                raise Malformed("a line ends without a carriage return")
            newline = received.find(b"\n", newline + 1)
        self._searched = len(received)
        return 0

    def _body_end(self, head: Head) -> tuple[int | None, bool]:
        """Where the body ends, None while more is to come; and whether that is too early."""
        if self._chunks is None:
            length = head.length or 0
            if length > self._most:
                return self._start, True
            end = self._start + length
            return (end if len(self._received) >= end else None), False
        whole = self._chunks.end(self._received)
        if whole is None and self._chunks.received(self._received) > self._most + _READ_AHEAD_BYTES:
            return len(self._received), True
        return whole, self._chunks.malformed


class _Chunks:
    """Looks for the end of a body in chunks.

    Parameters
    ----------
    start : where the body begins

    Attributes
    ----------
    malformed : whether it ends where it turned out not to be valid
    """

    def __init__(self, start: int) -> None:
        self._at = start  # where the next chunk's size begins
        self._announced = 0
        self.malformed = False

    def end(self, received: bytearray) -> int | None:
        """Where the body ends; None while more is to come."""
        while self._at < len(received):
            line_end = received.find(b"\r\n", self._at, self._at + _MAX_LINE_BYTES)
            if line_end < 0:
                too_long = len(received) - self._at >= _MAX_LINE_BYTES
                return self._give_up(received) if too_long else None
            try:
                size = int(bytes(received[self._at : line_end]).split(b";")[0], 16)
            except ValueError:
                size = -1
            if size < 0:
                return self._give_up(received)
            if size == 0:
                return self._end_of_trailers(received, line_end)
            self._announced += size
            self._at = line_end + 2 + size + 2
        return None

    def received(self, received: bytearray) -> int:
        """Bytes of content that are there."""
        return self._announced - max(0, self._at - 2 - len(received))

    def _end_of_trailers(self, received: bytearray, line_end: int) -> int | None:
        end = received.find(b"\r\n\r\n", line_end)
        if end < 0:
            too_long = len(received) - line_end > MAX_HEAD_BYTES
            return self._give_up(received) if too_long else None
        return end + 4

    def _give_up(self, received: bytearray) -> int:
        self.malformed = True
        return len(received)
