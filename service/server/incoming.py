"""What a client has sent, as requests: found out as it arrives, without waiting for more."""

import re
from dataclasses import dataclass
from wsgiref.types import WSGIEnvironment

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkSize, LimitRequestHeaders
from gunicorn.http.unreader import IterUnreader

from service.server.heads import Head, Heads, Malformed

MAX_HEAD_BYTES = 64 * 1024
_MAX_LINE_BYTES = 8 * 1024  # of a chunk's size, with its extensions
_LINE_END = b"\r\n"
_PLAIN_SIZE = re.compile(rb"[0-9A-Fa-f]+")


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
        return len(self._received) + (len(self._chunks.content) if self._chunks else 0)

    @property
    def missing(self) -> int:
        """Bytes that have to come at least before there is a message."""
        length = self._head.length if self._head else None
        return max(1, self._start + (length or 0) - len(self._received))

    @property
    def head(self) -> Head | None:
        """That of the request whose body is missing."""
        return self._head

    @property
    def environ(self) -> WSGIEnvironment | None:
        """A copy of WSGI's for that request; None where there is none."""
        return self._head.environ.copy() if self._head else None

    def feed(self, data: bytes) -> None:
        """Take what was received."""
        self._received += data

    def clear(self) -> None:
        """Forget what was received."""
        self._received.clear()
        if self._chunks:
            self._chunks.content.clear()

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
                self._chunks = _Chunks(self._head)
                del self._received[: self._start]
                self._start = 0
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
        return len(self) == self._start

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
        is_whole = chunks.take(self._received, self._most)
        if chunks.announced > self._most:
            self._received.clear()
            return Message(head, b"", chunks.announced)
        return Message(head, bytes(chunks.content), chunks.announced) if is_whole else None

    def _taken(self, end: int) -> bytes:
        """The body, which is received no more."""
        with memoryview(self._received) as view:
            body = bytes(view[self._start : end])
        del self._received[:end]
        return body


class _Chunks:
    """Takes a body out of its chunks as they come; gunicorn's reader judges all but plain sizes.

    Attributes
    ----------
    content : of the body, without its framing
    announced : bytes of content that are there, or are to come
    """

    def __init__(self, head: Head) -> None:
        self._request = head.request
        self._left = 0  # bytes of the chunk, and of the line end behind it, that are to come
        self.content = bytearray()
        self.announced = 0

    def take(self, received: bytearray, most: int) -> bool:
        """Move what is there; whether that is all, or more than `most` is announced.

        Raises
        ------
        ParseException
        """
        at = 0
        try:
            while True:
                if self._left > len(_LINE_END):
                    part = received[at : at + self._left - len(_LINE_END)]
                    self.content += part
                    at += len(part)
                    self._left -= len(part)
                if self._left:
                    end = bytes(received[at : at + len(_LINE_END)])
                    if self._left > len(_LINE_END) or len(end) < len(_LINE_END):
                        return False
                    if end != _LINE_END:
                        raise ChunkMissingTerminator(end)
                    at += len(end)
                    self._left = 0
                line_end = received.find(_LINE_END, at, at + _MAX_LINE_BYTES)
                if line_end < 0:
                    if len(received) - at >= _MAX_LINE_BYTES:
                        raise InvalidChunkSize(bytes(received[at : at + 20]))
                    return False
                if size := self._size(bytes(received[at:line_end])):
                    self.announced += size
                    if self.announced > most:
                        return True
                    at = line_end + len(_LINE_END)
                    self._left = size + len(_LINE_END)
                    continue
                end_at = received.find(_LINE_END * 2, line_end)
                if end_at < 0:
                    if len(received) - line_end > MAX_HEAD_BYTES:
                        raise LimitRequestHeaders("the trailers are too long")
                    return False
                end_at += len(_LINE_END * 2)
                self._judged(bytes(received[at:end_at]))
                at = end_at
                return True
        finally:
            del received[:at]

    def _size(self, line: bytes) -> int:
        return int(line, 16) if _PLAIN_SIZE.fullmatch(line) else self._judged(line + _LINE_END * 2)

    def _judged(self, framing: bytes) -> int:
        """A chunk's size, with what follows it; where it is 0, trailers."""
        unreader = IterUnreader([framing])
        reader = ChunkedReader(self._request, unreader)
        try:
            size: int
            size, _ = reader.parse_chunk_size(unreader)
        except OSError:
            raise Malformed("the body's chunks are cut short") from None
        if not size and unreader.read():
            raise Malformed("the body's chunks end elsewhere")
        return size
