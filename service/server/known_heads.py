"""Heads of requests that the fast path has answered: clients send the same one again and again."""

from dataclasses import dataclass

MAX_HEADS = 1024


@dataclass(frozen=True, slots=True)
class KnownHead:
    """What a head says.

    Attributes
    ----------
    method, path : of the request
    fields : header fields by name
    body_length : in bytes
    """

    method: str
    path: str
    fields: dict[bytes, bytes]
    body_length: int
    keep_alive: bool


class KnownHeads:
    """Heads by their bytes, which the parser has accepted before."""

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
