"""The files that this process has verified, by their checksums."""

import threading
from collections import OrderedDict

from registry.card import Card, unpack

CAPACITY = 256  # files; the card of one takes some 15 KB


class VerifiedFiles:
    """A cache of the cards of verified files, which need not be verified again. Thread-safe."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._cards: OrderedDict[str, bytes] = OrderedDict()  # the one used last comes last
        self._lock = threading.Lock()

    def add(self, sha256: str, packed_card: bytes) -> None:
        """Add a verified file, with its card as `registry.card.pack` returns it."""
        with self._lock:
            self._cards[sha256] = packed_card
            self._cards.move_to_end(sha256)
            if len(self._cards) > self._capacity:
                self._cards.popitem(last=False)

    def card(self, sha256: str) -> Card | None:
        """Return the card of a file; None if the file has to be verified."""
        with self._lock:
            packed = self._cards.get(sha256)
            if packed is None:
                return None
            self._cards.move_to_end(sha256)
        return unpack(packed)


VERIFIED = VerifiedFiles()  # of all models, because a checksum says nothing of the model
