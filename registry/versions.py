"""Versions and which of them is current: publish, load, promote."""

import contextlib
import hashlib
import json
import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from network import Array, Calibration, Model
from registry.errors import (
    KeyExists,
    NothingBefore,
    PromotionOvertaken,
    VersionNotFound,
    VersionRefused,
)
from registry.model_file import Card, Version, decode, encode
from registry.storage import PROMOTION_KEY, LocalStorage, Storage, promotion_key

_VERSION_KEY = re.compile(r"([1-9][0-9]{0,8})\.npz")


@dataclass(frozen=True)
class Promotion:
    """One entry of the promotion log; the highest is current.

    Attributes
    ----------
    number : its place in the log, from 1
    version, previous : what became current, and what was
    at : ISO 8601, with time zone
    by, reason : who promoted it and why, in words
    sha256 : of the version's file
    undoes : for a rollback, the number of the promotion that it takes back
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
        """What is told of it beside its number; a rollback alone undoes anything."""
        left_out = {"number"} if self.undoes is not None else {"number", "undoes"}
        return {name: value for name, value in asdict(self).items() if name not in left_out}


class Registry:
    """The versions in one storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._verified: dict[int, tuple[str, Card]] = {}  # the file's SHA-256, by version

    @classmethod
    def local(cls, folder: Path) -> Self:
        """The registry in a folder on disk, which need not exist yet."""
        return cls(LocalStorage(folder))

    def publish(
        self,
        model: Model,
        card: Mapping[str, Any],
        golden_inputs: Array,
        calibration: Calibration | None = None,
    ) -> Version:
        """Verify a model's file and store it, durably, under the next free number.

        Parameters
        ----------
        card, golden_inputs, calibration : as `registry.model_file.encode` takes them

        Returns
        -------
        published : what was read back from the file's bytes

        Raises
        ------
        VersionRefused, StorageError
        """
        number = max(self.versions(), default=0)
        while True:
            number += 1
            content = encode(number, model, card, golden_inputs, calibration)
            published = decode(content)
            try:
                self._storage.create(f"{number}.npz", content)
            except KeyExists:
                continue  # another trainer was faster
            self._verified[number] = published.sha256, published.card
            return published

    def check_writable(self) -> None:
        """Raise `StorageError` where a version could not be published."""
        self._storage.check_writable()

    def versions(self) -> list[int]:
        """The numbers of all versions, ascending."""
        matches = map(_VERSION_KEY.fullmatch, self._storage.list(""))
        found = sorted(int(match[1]) for match in matches if match)
        for gone in self._verified.keys() - set(found):
            self._verified.pop(gone, None)
        return found

    def load(self, version: int, sha256: str | None = None) -> Version:
        """Read and verify a version.

        Parameters
        ----------
        sha256 : what the file must be, if known

        Raises
        ------
        VersionNotFound, VersionRefused, StorageError
        """
        return self._decode(version, self._read(version, sha256))

    def stamp(self, version: int) -> Hashable:
        """Changes when a version's file does; cheap enough to ask before every request.

        Raises
        ------
        VersionNotFound, StorageError
        """
        stamp = self._storage.stamp(f"{version}.npz")
        if stamp is None:
            raise VersionNotFound(version)
        return stamp

    def card(self, version: int) -> Card:
        """The card of a version, from a verified file.

        Raises
        ------
        VersionNotFound, VersionRefused, StorageError
        """
        return self._read_verified(version)[2]

    def content(self, version: int) -> bytes:
        """A version's file, verified.

        Raises
        ------
        VersionNotFound, VersionRefused, StorageError
        """
        return self._read_verified(version)[0]

    def promote(
        self,
        version: int,
        *,
        by: str,
        reason: str,
        at: datetime,
        sha256: str | None = None,
        after: int | None = None,
        undoes: int | None = None,
    ) -> Promotion:
        """Make a version current, if it is verified.

        A file that this registry has verified before, as `publish` does, is read and its checksum
        compared; any other file is decoded.

        Parameters
        ----------
        sha256 : what the file must be, if known
        after : the number of the last promotion that the decision knew of, 0 for none; by default
            it is made whatever was promoted meanwhile
        undoes : as `Promotion` has it

        Raises
        ------
        PromotionOvertaken
            there is a promotion later than `after`.
        VersionNotFound, VersionRefused, StorageError
        """
        _, sha256, _ = self._read_verified(version, sha256)
        number = 0
        while True:
            # The number first: were `latest` read before it, an entry made in between would be
            # followed by one that does not know of it.
            highest = max(self.promotion_numbers(), default=0)
            if after is not None and highest != after:
                raise PromotionOvertaken(f"promotion {highest} was made meanwhile")
            number = max(number, highest) + 1
            latest = self.current()
            promotion = Promotion(
                number=number,
                version=version,
                previous=latest.version if latest else None,
                at=at.isoformat(),
                by=by,
                reason=reason,
                sha256=sha256,
                undoes=undoes,
            )
            entry = json.dumps(promotion.as_entry(), indent=1).encode() + b"\n"
            try:
                self._storage.create(promotion_key(number), entry)
            except KeyExists:
                continue  # somebody else promoted meanwhile: `previous` has changed
            return promotion

    def roll_back(self, *, by: str, at: datetime, reason: str = "rolled back") -> Promotion:
        """Make the version current that was so before the one that is.

        Rolled back again, it goes one further back, and never forth. Versions that were deleted
        since are passed over.

        Raises
        ------
        NothingBefore, VersionNotFound, VersionRefused, StorageError
        """
        while True:
            latest = max(self.promotion_numbers(), default=0)
            _, before = self._current_and_before()
            if before is None:
                raise NothingBefore("no version that is still there was current before this one")
            with contextlib.suppress(PromotionOvertaken):
                return self.promote(
                    before, by=by, reason=reason, at=at, after=latest, undoes=latest
                )

    def history(self, limit: int | None = None) -> list[Promotion]:
        """The readable entries among the log's newest `limit`, by default all; oldest first."""
        numbers = self.promotion_numbers()
        found = []
        for number in numbers[-limit:] if limit else numbers:
            with contextlib.suppress(VersionRefused):
                found.append(self.promotion(number))
        return found

    def retire(self, keep: int) -> list[int]:
        """Delete the oldest versions but for `keep`; those deleted.

        What is current, what was so before it, and what serves because neither of them verifies
        stay, however old.

        Raises
        ------
        StorageError
        """
        retired = []
        for version in self.versions()[:-keep]:
            # asked before each: somebody may have promoted it just now
            serving = self.serving()
            if version not in (*self._current_and_before(), serving and serving.version):
                self._storage.delete(f"{version}.npz")
                self._verified.pop(version, None)
                retired.append(version)
        return retired

    def promotion_numbers(self) -> list[int]:
        """The numbers of the promotion log's entries, ascending."""
        matches = map(PROMOTION_KEY.fullmatch, self._storage.list("promotions/"))
        return sorted(int(match[1]) for match in matches if match)

    def promotion(self, number: int) -> Promotion:
        """One entry of the promotion log.

        Raises
        ------
        VersionRefused
            there is no such entry, or it is damaged.
        StorageError
        """
        content = self._storage.read(promotion_key(number))
        if content is None:
            raise VersionRefused(f"promotion {number} is gone")
        try:
            promotion = Promotion(number=number, **json.loads(content))
        except (ValueError, TypeError, RecursionError) as error:
            raise VersionRefused(f"promotion {number} is damaged: {error}") from error
        if type(promotion.version) is not int or not isinstance(promotion.sha256, str):
            raise VersionRefused(f"promotion {number} is damaged: it names no version")
        return promotion

    def current(self) -> Promotion | None:
        """The newest readable promotion, or None where nothing was promoted yet."""
        return next(self._newest_first(), None)

    def serving(self) -> Promotion | None:
        """The newest promotion whose version verifies, which is what a service serves."""
        for promotion in self._newest_first():
            with contextlib.suppress(VersionRefused, VersionNotFound):
                self._read_verified(promotion.version, promotion.sha256)
                return promotion
        return None

    def load_serving(self) -> Version | None:
        """The version that a service serves, or None if there is none."""
        for promotion in self._newest_first():
            with contextlib.suppress(VersionRefused, VersionNotFound):
                return self.load(promotion.version, promotion.sha256)
        return None

    def generation(self) -> Hashable:
        """Changes when something was promoted; cheap enough to ask before every request."""
        return self._storage.generation()

    def _current_and_before(self) -> tuple[int | None, int | None]:
        """The version that is current, and the one still there that a rollback leads to."""
        stack = _undo_stack(self.history())
        current = stack[-1] if stack else None
        there = {*self.versions()} - {current}
        return current, next((each for each in reversed(stack) if each in there), None)

    def _newest_first(self) -> Iterator[Promotion]:
        """Read the log backwards, without the entries that are damaged."""
        for number in reversed(self.promotion_numbers()):
            with contextlib.suppress(VersionRefused):
                yield self.promotion(number)

    def _read(self, version: int, sha256: str | None = None) -> bytes:
        content = self._storage.read(f"{version}.npz")
        if content is None:
            raise VersionNotFound(version)
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
            raise VersionRefused(
                "the file was changed or replaced: its checksum is not the expected one"
            )
        return content

    def _read_verified(self, version: int, sha256: str | None = None) -> tuple[bytes, str, Card]:
        """Read a version's file, and verify it unless these bytes are known to be right.

        Returns
        -------
        content, sha256, card : the file, its checksum, and the card in it
        """
        content = self._read(version, sha256)
        digest = hashlib.sha256(content).hexdigest()
        known, card = self._verified.get(version, ("", {}))
        return content, digest, card if known == digest else self._decode(version, content).card

    def _decode(self, version: int, content: bytes) -> Version:
        loaded = decode(content)
        if loaded.number != version:
            raise VersionRefused(f"the file is that of version {loaded.number}")
        self._verified[version] = loaded.sha256, loaded.card
        return loaded


def _undo_stack(history: list[Promotion]) -> list[int]:
    """The versions that going back would make current, one after the other; the last is current."""
    stack: list[int] = []
    for promotion in history:
        if promotion.undoes is not None:
            while stack and stack[-1] != promotion.version:
                stack.pop()
        if stack[-1:] != [promotion.version]:
            stack.append(promotion.version)
    return stack
