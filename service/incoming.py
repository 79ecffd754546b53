"""What a client has sent, as requests: found out as it arrives, without waiting for more."""

from dataclasses import dataclass

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import LimitRequestHeaders
from gunicorn.http.unreader import IterUnreader

from service.heads import Head, Heads, Malformed

MAX_HEAD_BYTES = 64 * 1024
_MAX_LINE_BYTES = 8 * 1024  # of a chunk's size, with its extensions
_PART_BYTES = 8 * 1024  # which gunicorn's reader copies once for each chunk in it


@dataclass(frozen=True, eq=False)
class Message:
    """A request that is all there.

    Attributes
    ----------
    body : without its framing, where it came in chunks
    length : of the body as it is known; more than `body` has where it is longer than is taken
    """

    head: Head
    body: bytes
    length: int

    @property
    def cut(self) -> bool:
        """Whether the body is longer than is taken, and was left out."""
        return self.length > len(self.body)


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
    def head(self) -> Head | None:
        """That of the request whose body is missing."""
        return self._head

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
            its head, or the chunks of its body, are not valid.
        """
        if self._head is None:
            self._start = self._head_end()
            if not self._start:
                return None
            self._head = self._heads.parse(bytes(self._received[: self._start]), self._host)
            if self._head.length is None:
                self._chunks = _Chunks(self._start)
        chunks = self._chunks
        message = self._chunked(self._head, chunks) if chunks else self._plain(self._head)
        if message is not None:
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

    def _plain(self, head: Head) -> Message | None:
        length = head.length or 0
        if length > self._most:
            del self._received[: self._start]
            return Message(head, b"", length)
        if len(self._received) < self._start + length:
            return None
        return Message(head, self._taken(self._start + length), length)

    def _chunked(self, head: Head, chunks: "_Chunks") -> Message | None:
        end = chunks.end(self._received)
        if chunks.announced > self._most:
            self._received.clear()
            return Message(head, b"", chunks.announced)
        if end is None:
            return None
        body = _unchunked(head, self._taken(end))
        return Message(head, body, len(body))

    def _taken(self, end: int) -> bytes:
        """The body, which is received no more."""
        with memoryview(self._received) as view:
            body = bytes(view[self._start : end])
        del self._received[:end]
        return body


def _unchunked(head: Head, chunks: bytes) -> bytes:
    """What a body's chunks hold; gunicorn's reader has the word on what is valid."""
    parts = (chunks[at : at + _PART_BYTES] for at in range(0, len(chunks), _PART_BYTES))
    unreader = IterUnreader(parts)
    reader = ChunkedReader(head.request, unreader)
    try:
        body: bytes = reader.read(len(chunks))
        if unreader.read():
            raise Malformed("the body's chunks end elsewhere")
    except OSError:
        raise Malformed("the body's chunks are cut short") from None
    return body


class _Chunks:
    """Looks for the end of a body in chunks; of one that is not valid, for any.

    Parameters
    ----------
    start : where the body begins

    Attributes
    ----------
    announced : bytes of content that are there, or are to come
    """

    def __init__(self, start: int) -> None:
        self._at = start  # where the next chunk's size begins
        self.announced = 0

    def end(self, received: bytearray) -> int | None:
        """Where the body ends; None while more is to come."""
        while self._at < len(received):
            line_end = received.find(b"\r\n", self._at, self._at + _MAX_LINE_BYTES)
            if line_end < 0:
                too_long = len(received) - self._at >= _MAX_LINE_BYTES
                return len(received) if too_long else None
            try:
                size = int(bytes(received[self._at : line_end]).split(b";")[0], 16)
            except ValueError:
                size = -1
            if size < 0:
                return len(received)
            if size == 0:
                return self._end_of_trailers(received, line_end)
            self.announced += size
            self._at = line_end + 2 + size + 2
        return None

    def _end_of_trailers(self, received: bytearray, line_end: int) -> int | None:
        end = received.find(b"\r\n\r\n", line_end)
        if end < 0:
            too_long = len(received) - line_end > MAX_HEAD_BYTES
            return len(received) if too_long else None
        return end + 4
