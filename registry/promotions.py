"""The promotion log: which version became current, when, and why."""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from registry.errors import KeyExists, ObjectUnreadable, PromotionOvertaken, VersionRefused
from registry.numbering import MAX_VERSION, in_sequence
from registry.storage import PROMOTIONS, Storage

_KEY = re.compile(rf"{PROMOTIONS}([0-9]{{8}})\.json")


@dataclass(frozen=True)
class Promotion:
    """One entry of the promotion log; the one with the highest number is current.

    Attributes
    ----------
    number : its position in the log, from 1
    version, previous : the version that became current, and the one that was current before
    at : ISO 8601, with time zone
    by, reason : the author of the promotion and its reason, in words
    sha256 : of the version's file
    undoes : for a rollback, the number of the promotion that it undoes
    """

    number: int
    version: int
    previous: int | None
    at: str
    by: str
    reason: str
    sha256: str
    undoes: int | None = None

    def as_entry(self) -> dict[str, Any]:
        """Return its fields besides the number; only a rollback has `undoes`."""
        left_out = {"number"} if self.undoes is not None else {"number", "undoes"}
        return {name: value for name, value in asdict(self).items() if name not in left_out}

    def check(self) -> None:
        """Check an entry of unknown origin.

        Raises
        ------
        TypeError, ValueError
            a field is not one that `PromotionLog.append` writes.
        """
        if not _is_number(self.version) or not isinstance(self.sha256, str):
            raise TypeError("it names no version")
        for name in ("previous", "undoes"):
            if (value := getattr(self, name)) is not None and not _is_number(value):
                raise TypeError(f"its {name} is not a number from 1")
        for name in ("at", "by", "reason", "sha256"):
            if not isinstance(text := getattr(self, name), str):
                raise TypeError(f"its {name} is not a text")
            text.encode()  # refuses surrogates, which a response cannot contain


class PromotionLog:
    """The promotions in a storage, one immutable object each."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def numbers(self) -> list[int]:
        """Return the numbers of all entries, ascending."""
        matches = map(_KEY.fullmatch, self._storage.list(PROMOTIONS))
        return in_sequence(int(match[1]) for match in matches if match)

    def read(self, number: int) -> Promotion:
        """Return one entry.

        Raises
        ------
        VersionRefused
            the entry is missing or damaged.
        StorageError
        """
        try:
            content = self._storage.read(promotion_key(number))
        except ObjectUnreadable as error:
            raise VersionRefused(f"promotion {number} cannot be read") from error
        if content is None:
            raise VersionRefused(f"promotion {number} is missing")
        try:
            promotion = Promotion(number=number, **json.loads(content))
            promotion.check()
        except (ValueError, TypeError, RecursionError) as error:
            raise VersionRefused(f"promotion {number} is damaged: {error}") from error
        return promotion

    def newest_first(self) -> Iterator[Promotion]:
        """Read the log backwards, without damaged entries."""
        for number in reversed(self.numbers()):
            with contextlib.suppress(VersionRefused):
                yield self.read(number)

    def history(self, limit: int | None = None) -> list[Promotion]:
        """Return the newest `limit` entries, by default all, without damaged ones; oldest first."""
        numbers = self.numbers()
        found = []
        for number in numbers[-limit:] if limit else numbers:
            with contextlib.suppress(VersionRefused):
                found.append(self.read(number))
        return found

    def append(
        self,
        version: int,
        sha256: str,
        *,
        by: str,
        reason: str,
        at: datetime,
        after: int | None = None,
        undoes: int | None = None,
    ) -> Promotion:
        """Add an entry under the next free number.

        Parameters
        ----------
        after : the number of the last entry that the decision is based on, 0 for none; by default
            the entry is added whatever was added in the meantime

        Raises
        ------
        PromotionOvertaken
            there is an entry later than `after`.
        StorageError
        """
        number = 0
        while True:
            # The number before `previous`: if `previous` were read first, another process could
            # add an entry in between, and ours would follow it with an outdated `previous`.
            highest = max(self.numbers(), default=0)
            if after is not None and highest != after:
                raise PromotionOvertaken(f"promotion {highest} was made in the meantime")
            number = max(number, highest) + 1
            latest = next(self.newest_first(), None)
            previous = latest.version if latest else None
            promotion = Promotion(
                number, version, previous, at.isoformat(), by, reason, sha256, undoes
            )
            entry = json.dumps(promotion.as_entry(), indent=1).encode() + b"\n"
            with contextlib.suppress(KeyExists):  # another process was faster: try the next number
                self._storage.create(promotion_key(number), entry)
                return promotion

    def undo_stack(self) -> list[int]:
        """Return the versions that rollbacks would make current, one after the other.

        The last one is current. A rollback removes the version that it undoes, so that the next
        one goes further back instead of forth again.
        """
        stack: list[int] = []
        for promotion in self.history():
            if promotion.undoes is not None:
                while stack and stack[-1] != promotion.version:
                    stack.pop()
            if stack[-1:] != [promotion.version]:
                stack.append(promotion.version)
        return stack


def promotion_key(number: int) -> str:
    """Return the key of the entry `number`, counted from 1."""
    return f"{PROMOTIONS}{number:08d}.json"


def _is_number(value: object) -> bool:
    """Return whether a value of JSON is a number of a version or a promotion."""
    return type(value) is int and 1 <= value <= MAX_VERSION
