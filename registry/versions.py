"""The versions in a storage, and which of them is current."""

import contextlib
import hashlib
import re
from collections.abc import Hashable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from network import Array, Calibration, Predictor
from registry.compatibility import incompatibility
from registry.errors import (
    FeaturesDiffer,
    KeyExists,
    NoPreviousVersion,
    ObjectUnreadable,
    PromotionOvertaken,
    VersionNotFound,
    VersionRefused,
)
from registry.model_file import Card, HeldOut, Version, decode, encode, weights_digest
from registry.numbering import in_sequence
from registry.promotions import Promotion, PromotionLog
from registry.storage import LocalStorage, Storage
from registry.verified_files import VERIFIED

_OF_ONE_VERSION = (VersionNotFound, VersionRefused, ObjectUnreadable)  # others can be used
_KEY = re.compile(r"([1-9][0-9]{0,8})\.npz")


class Registry:
    """The versions in one storage.

    Files are verified when they are read. A process remembers the checksums of the files that it
    has verified last, and decodes only bytes that it does not know.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._log = PromotionLog(storage)
        self._digests: dict[int, tuple[Hashable, str]] = {}  # stamp and checksum of the weights

    @classmethod
    def local(cls, folder: Path) -> Self:
        """Return the registry in a folder on disk, which need not exist."""
        return cls(LocalStorage(folder))

    # Versions

    def publish(
        self,
        model: Predictor,
        card: Mapping[str, Any],
        golden_inputs: Array,
        calibration: Calibration | None = None,
        *,
        held_out: HeldOut | None = None,
    ) -> Version:
        """Verify a model's file and store it, durably, under the next free number.

        Parameters
        ----------
        card, golden_inputs, calibration, held_out : as `registry.model_file.encode` takes them

        Returns
        -------
        published : decoded from the bytes of the file

        Raises
        ------
        VersionRefused, StorageError
        """
        number = max(self.versions(), default=0)
        while True:
            number += 1
            content = encode(number, model, card, golden_inputs, calibration, held_out=held_out)
            published = decode(content)
            with contextlib.suppress(KeyExists):  # another process was faster: try the next number
                self._storage.create(_key(number), content)
                VERIFIED.add(published.sha256, published.packed_card)
                return published

    def check_writable(self) -> None:
        """Raise `StorageError` if a version could not be published."""
        self._storage.check_writable()

    def versions(self) -> list[int]:
        """Return the numbers of all versions, ascending."""
        matches = map(_KEY.fullmatch, self._storage.list(""))
        numbers = in_sequence(int(match[1]) for match in matches if match)
        for deleted in self._digests.keys() - set(numbers):
            self._digests.pop(deleted, None)
        return numbers

    def has_versions(self) -> bool:
        """Return whether there is any version."""
        return any(map(_KEY.fullmatch, self._storage.list("")))

    def load(self, version: int, sha256: str | None = None) -> Version:
        """Read and verify a version.

        Parameters
        ----------
        sha256 : the checksum that the file must have, if known

        Raises
        ------
        VersionNotFound, VersionRefused, StorageError
        """
        return self._decode(version, self._read(version, sha256))

    def card(self, version: int) -> Card:
        """Return the card of a version, from a verified file.

        Raises
        ------
        VersionNotFound, VersionRefused, StorageError
        """
        return self._read_verified(version)[2]

    def content(self, version: int) -> bytes:
        """Return the file of a version, verified.

        Raises
        ------
        VersionNotFound, VersionRefused, StorageError
        """
        return self._read_verified(version)[0]

    def stamp(self, version: int) -> Hashable:
        """Return a value that changes when a version's file does, cheaply enough for every request.

        Raises
        ------
        VersionNotFound, StorageError
        """
        stamp = self._storage.stamp(_key(version))
        if stamp is None:
            raise VersionNotFound(version)
        return stamp

    def retire(self, keep: int) -> list[int]:
        """Delete all versions except the newest `keep`. Return the numbers of the deleted ones.

        The current version, the one that a rollback would make current, and the one that is served
        if neither of them can be verified are kept, however old they are.

        Raises
        ------
        StorageError
        """
        retired = []
        for version in self.versions()[:-keep]:
            # read before each deletion, because another process may have promoted the version
            serving = self.serving()
            if version not in (*self._current_and_previous(), serving and serving.version):
                self._storage.delete(_key(version))
                retired.append(version)
        return retired

    # Promotions

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
        """Verify a version's file and make the version current.

        Parameters
        ----------
        sha256 : the checksum that the file must have, if known
        after : as `PromotionLog.append` takes it
        undoes : as `Promotion` has it

        Raises
        ------
        PromotionOvertaken
            there is a promotion later than `after`.
        VersionNotFound, VersionRefused, StorageError
        """
        _, sha256, _ = self._read_verified(version, sha256)
        return self._log.append(
            version, sha256, by=by, reason=reason, at=at, after=after, undoes=undoes
        )

    def roll_back(
        self, *, by: str, at: datetime, reason: str = "rolled back", force: bool = False
    ) -> Promotion:
        """Make the previous version current.

        A second rollback goes one version further back. Deleted versions are skipped, and so are
        those with the weights of the current version.

        Parameters
        ----------
        force : whether the version may have other features or targets than the current one

        Raises
        ------
        FeaturesDiffer
            it has, and `force` is False.
        NoPreviousVersion, VersionNotFound, VersionRefused, StorageError
        """
        while True:
            latest = max(self.promotion_numbers(), default=0)
            _, previous = self._current_and_previous()
            if previous is None:
                raise NoPreviousVersion(
                    "no version to roll back to: none was current before with other weights"
                )
            if not force:
                self._check_compatibility(previous)
            with contextlib.suppress(PromotionOvertaken):  # decide again
                return self.promote(
                    previous, by=by, reason=reason, at=at, after=latest, undoes=latest
                )

    def current(self) -> Promotion | None:
        """Return the newest promotion, or None if there is none."""
        return next(self._log.newest_first(), None)

    def previous(self) -> int | None:
        """Return the version that a rollback would make current; None if there is none."""
        return self._current_and_previous()[1]

    def serving(self) -> Promotion | None:
        """Return the newest promotion of a version that can be verified: the one to serve."""
        for promotion in self._log.newest_first():
            with contextlib.suppress(*_OF_ONE_VERSION):
                self._read_verified(promotion.version, promotion.sha256)
                return promotion
        return None

    def load_serving(self) -> Version | None:
        """Return the version of `serving`."""
        for promotion in self._log.newest_first():
            with contextlib.suppress(*_OF_ONE_VERSION):
                return self.load(promotion.version, promotion.sha256)
        return None

    def promotion_numbers(self) -> list[int]:
        """Return the numbers of all promotions, ascending."""
        return self._log.numbers()

    def promotion(self, number: int) -> Promotion:
        """Return one promotion, as `PromotionLog.read` does."""
        return self._log.read(number)

    def history(self, limit: int | None = None) -> list[Promotion]:
        """Return promotions, as `PromotionLog.history` does."""
        return self._log.history(limit)

    def generation(self) -> Hashable:
        """Return a value that changes with every promotion, cheaply enough for every request."""
        return self._storage.generation()

    def is_local(self) -> bool:
        """Return whether `generation` answers without waiting for a network."""
        return self._storage.is_local()

    def _current_and_previous(self) -> tuple[int | None, int | None]:
        """Return the current version, and the existing one that a rollback would make current."""
        stack = self._log.undo_stack()
        if not stack:
            return None, None
        current = stack[-1]
        others = {*self.versions()} - {current}
        weights = self._weights(current)
        for version in reversed(stack):
            if version in others and (weights is None or self._weights(version) != weights):
                return current, version
        return current, None

    def _check_compatibility(self, version: int) -> None:
        """Refuse a version that clients of the version in use could not use."""
        serving = self.load_serving()
        if serving is None:
            return
        if why := incompatibility(self.load(version).model, serving.model, serving.number):
            raise FeaturesDiffer(f"version {version} was current before; {why}")

    def _weights(self, version: int) -> str | None:
        """Return the checksum of a version's weights; None if its file is missing or damaged."""
        try:
            stamp = self.stamp(version)
            known, digest = self._digests.get(version, (None, ""))
            if known != stamp:
                digest = weights_digest(self._read(version))
                self._digests[version] = stamp, digest
        except _OF_ONE_VERSION:
            return None
        return digest

    def _read(self, version: int, sha256: str | None = None) -> bytes:
        content = self._storage.read(_key(version))
        if content is None:
            raise VersionNotFound(version)
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
            raise VersionRefused("the file was changed or replaced: its checksum differs")
        return content

    def _read_verified(self, version: int, sha256: str | None = None) -> tuple[bytes, str, Card]:
        """Read a version's file, and decode it unless its checksum is that of verified bytes.

        Returns
        -------
        content, sha256, card : the file, its checksum, and the card in it
        """
        content = self._read(version, sha256)
        digest = hashlib.sha256(content).hexdigest()
        card = VERIFIED.card(digest)
        if card is None:
            card = self._decode(version, content).card
        _check_number(card["version"], version)
        return content, digest, card

    def _decode(self, version: int, content: bytes) -> Version:
        loaded = decode(content)
        _check_number(loaded.number, version)
        VERIFIED.add(loaded.sha256, loaded.packed_card)
        return loaded


def _check_number(number: int, version: int) -> None:
    if number != version:
        raise VersionRefused(f"the file belongs to version {number}")


def _key(version: int) -> str:
    return f"{version}.npz"
