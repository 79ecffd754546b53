"""A cache of request heads, by their bytes.

Clients send the same head again and again, and parsing it costs as much as a prediction. Memory is
bounded: a head is in one slice of the parser, so it has at most 1 KiB.
"""

from dataclasses import dataclass

MAX_HEADS = 4096  # of a thousand models, asked by several clients


@dataclass(frozen=True, slots=True)
class KnownHead:
    """A parsed head of a request that the fast path has answered.

    Attributes
    ----------
    method, path, query : of the request
    fields : header fields by name
    body_length : in bytes
    keep_alive : whether the client keeps the connection open
    """

    method: str
    path: str
    query: bytes
    fields: dict[bytes, bytes]
    body_length: int
    keep_alive: bool


class KnownHeads:
    """Heads that the parser has accepted before."""

    def __init__(self) -> None:
        self._heads: dict[bytes, KnownHead] = {}

    def add(self, data: bytes, head: KnownHead) -> None:
        """Remember the head of a request, unless the data is more than that request."""
        end = data.find(b"\r\n\r\n") + 4
        if len(data) == end + head.body_length:
            if len(self._heads) >= MAX_HEADS:
                self._heads.clear()
            self._heads[data[:end]] = head

    def find(self, data: bytes) -> tuple[KnownHead, bytes] | None:
        """Return the head and the body of one whole request, if the head is known."""
        end = data.find(b"\r\n\r\n") + 4
        head = self._heads.get(data[:end])
        return (head, data[end:]) if head and len(data) == end + head.body_length else None
