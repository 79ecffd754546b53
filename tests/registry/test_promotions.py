"""The promotion log: its entries, concurrent promotions, rollbacks and damage."""

import dataclasses
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from network import Array, Model
from registry import (
    FeaturesDiffer,
    LocalStorage,
    NoPreviousVersion,
    PromotionOvertaken,
    Registry,
    VersionRefused,
)
from tests.registry.conftest import NOON, Publish, log_entries, promote, roll_back
from tests.registry.races import in_processes
from tests.single_network import network

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*fork:DeprecationWarning"  # the idle threads of BLAS hold no lock
)


@pytest.fixture
def four(registry: Registry, publish: Publish) -> Registry:
    """Return the registry with four versions, none of them promoted."""
    for _ in range(4):
        publish()
    return registry


def versions_promoted(registry: Registry) -> list[int]:
    return [promotion.version for promotion in registry.history()]


def test_promotion_is_one_file(registry: Registry, publish: Publish, folder: Path) -> None:
    publish(), publish()
    digests = [sha256((folder / name).read_bytes()).hexdigest() for name in ("1.npz", "2.npz")]
    at = datetime(2025, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    registry.promote(1, by="trainer/train.py", reason="the first", at=NOON)
    registry.promote(2, by="ops", reason="größer & “besser”", at=at)
    assert log_entries(folder).keys() == {"00000001.json", "00000002.json"}
    first, second = (json.loads(log_entries(folder)[f"0000000{number}.json"]) for number in (1, 2))
    assert list(first.items()) == [
        ("version", 1),
        ("previous", None),
        ("at", "2025-03-01T12:00:00+00:00"),
        ("by", "trainer/train.py"),
        ("reason", "the first"),
        ("sha256", digests[0]),
    ]
    assert second == {
        "version": 2,
        "previous": 1,
        "at": "2025-03-01T12:30:00+02:00",
        "by": "ops",
        "reason": "größer & “besser”",
        "sha256": digests[1],
    }


def test_last_promotion_is_current(registry: Registry, publish: Publish) -> None:
    assert registry.current() is None
    for _ in range(3):
        publish()
    history = [1, 3, 2, 2, 1]  # old versions can be promoted again
    for number, (version, previous) in enumerate(zip(history, [None, *history], strict=False), 1):
        promoted = promote(registry, version)
        assert (promoted.number, promoted.version, promoted.previous) == (number, version, previous)
        assert registry.current() == registry.promotion(number) == promoted
    assert registry.promotion_numbers() == [1, 2, 3, 4, 5]


def test_history_has_the_readable_entries_among_the_newest(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    assert registry.history() == []
    publish()
    made = [promote(registry, 1) for _ in range(5)]
    assert registry.history() == made
    assert registry.history(2) == made[-2:]
    assert registry.history(9) == made
    (folder / "promotions" / "00000004.json").write_bytes(b"{")
    (folder / "promotions" / "00000002.json").unlink()
    assert registry.history() == [made[0], made[2], made[4]]
    assert registry.history(2) == [made[4]]


# Concurrent promotions


@pytest.mark.slow
def test_concurrent_promotions_make_one_history(folder: Path, model: Model) -> None:
    registry = Registry.local(folder)
    for _ in range(4):
        registry.publish(model, {}, np.ones((1, 2)))

    def attempt(_: int, contestant: int) -> int:
        return promote(Registry.local(folder), contestant + 1).number

    rounds = in_processes(4, 25, attempt)
    numbers = registry.promotion_numbers()
    assert sorted(number for promoted in rounds for number in promoted) == numbers
    assert numbers == list(range(1, 101))
    history = [registry.promotion(number) for number in numbers]
    versions = [promotion.version for promotion in history]
    assert [promotion.previous for promotion in history] == [None, *versions[:-1]]
    assert [[versions[number - 1] for number in promoted] for promoted in rounds] == [
        [1, 2, 3, 4]
    ] * 25


class Watched(LocalStorage):
    """Runs `meanwhile` right after the given call of read() or list(), counted from 0."""

    def __init__(self, root: Path, calls: int, meanwhile: Callable[[], object]) -> None:
        super().__init__(root)
        self.calls = calls
        self.meanwhile = meanwhile

    def read(self, key: str) -> bytes | None:
        content = super().read(key)
        self.count()
        return content

    def list(self, prefix: str) -> list[str]:
        keys = super().list(prefix)
        self.count()
        return keys

    def count(self) -> None:
        self.calls -= 1
        if self.calls == -1:
            self.meanwhile()


@pytest.mark.parametrize(
    ("promoted", "calls"), [*(([], calls) for calls in range(3)), *(([3], n) for n in range(4))]
)
def test_previous_is_right_after_a_concurrent_promotion(
    registry: Registry, publish: Publish, folder: Path, promoted: list[int], calls: int
) -> None:
    for _ in range(3):
        publish()
    for version in promoted:
        promote(registry, version)
    watched = Watched(folder, calls, lambda: promote(registry, 2))
    assert promote(Registry(watched), 1).previous == 2
    assert watched.calls < 0
    history = [registry.promotion(number) for number in registry.promotion_numbers()]
    assert [promotion.version for promotion in history] == [*promoted, 2, 1]
    assert [promotion.previous for promotion in history] == [None, *promoted, 2]


def test_promotion_after_the_last_one_is_made(registry: Registry, publish: Publish) -> None:
    for after in range(3):
        promoted = registry.promote(publish(), by="", reason="", at=NOON, after=after)
        assert promoted.number == after + 1


@pytest.mark.parametrize("after", [0, 1, 3])
def test_promotion_after_another_than_the_last_one_is_refused(
    registry: Registry, publish: Publish, after: int
) -> None:
    publish(), publish()
    promote(registry, 1), promote(registry, 2)
    with pytest.raises(PromotionOvertaken, match=r"^promotion 2 was made in the meantime$"):
        registry.promote(1, by="", reason="", at=NOON, after=after)
    assert registry.promotion_numbers() == [1, 2]


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_promotion_is_overtaken_by_a_concurrent_one(
    registry: Registry, publish: Publish, folder: Path, calls: int
) -> None:
    publish(), publish()
    promote(registry, 1)
    watched = Watched(folder, calls, lambda: promote(registry, 2))
    with pytest.raises(PromotionOvertaken, match=r"^promotion 2 was made in the meantime$"):
        Registry(watched).promote(1, by="", reason="", at=NOON, after=1)
    assert watched.calls < 0
    assert versions_promoted(registry) == [1, 2]


@pytest.mark.slow
def test_of_concurrent_promotions_after_the_same_one_exactly_one_is_made(
    folder: Path, model: Model
) -> None:
    registry = Registry.local(folder)
    for _ in range(4):
        registry.publish(model, {}, np.ones((1, 2)))

    def attempt(index: int, contestant: int) -> bool:
        try:
            Registry.local(folder).promote(contestant + 1, by="", reason="", at=NOON, after=index)
        except PromotionOvertaken:
            return False
        return True

    rounds = in_processes(4, 25, attempt)
    assert [wins.count(True) for wins in rounds] == [1] * 25
    assert versions_promoted(registry) == [wins.index(True) + 1 for wins in rounds]


def test_number_taken_by_a_folder_is_skipped(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    promote(registry, publish())
    (folder / "promotions" / "00000002.json").mkdir()
    assert registry.promote(1, by="", reason="", at=NOON, after=1).number == 3


# Rollbacks


@pytest.mark.parametrize(
    ("promoted", "rolled_back"),
    [
        ([], []),
        ([1], []),
        ([1, 1], []),
        ([1, 2, 3], [2, 1]),
        ([1, 2, 2, 3, 3], [2, 1]),
        ([3, 1, 2], [1, 3]),
        ([1, 2, 1], [2, 1]),  # promoting an old version is not a rollback
        ([1, 2, 3, 2], [3, 2, 1]),
        ([1, 2, 3, 2, 4], [2, 3, 2, 1]),
        ([1, 2, 3, 1], [3, 2, 1]),
    ],
)
def test_rollback_restores_the_previous_version(
    four: Registry, promoted: list[int], rolled_back: list[int]
) -> None:
    for version in promoted:
        promote(four, version)
    assert [roll_back(four) for _ in rolled_back] == rolled_back
    with pytest.raises(NoPreviousVersion, match=r"^no version to roll back to: none was current"):
        roll_back(four)
    assert versions_promoted(four) == promoted + rolled_back


def test_rollback_is_a_promotion_with_author_and_reason(
    registry: Registry, publish: Publish
) -> None:
    for _ in range(2):
        promote(registry, publish())
    by_default = registry.roll_back(by="ops", at=NOON)
    assert (by_default.number, by_default.version, by_default.previous) == (3, 1, 2)
    assert (by_default.by, by_default.reason, by_default.at) == (
        "ops",
        "rolled back",
        NOON.isoformat(),
    )
    assert by_default.sha256 == registry.load(1).sha256
    assert registry.current() == by_default
    promote(registry, 2)
    assert registry.roll_back(by="ops", at=NOON, reason="it drifts").reason == "it drifts"


def test_version_that_was_rolled_back_can_be_promoted_again(
    registry: Registry, publish: Publish
) -> None:
    for _ in range(3):
        promote(registry, publish())
    assert roll_back(registry) == 2
    promote(registry, 3)
    assert [roll_back(registry), roll_back(registry)] == [2, 1]


@pytest.mark.parametrize(
    ("promoted", "deleted", "rolled_back"),
    [
        ([1, 2, 3, 4], [3], [2, 1]),
        ([1, 2, 3, 4], [2, 3], [1]),
        ([1, 2, 3, 4], [1, 2, 3], []),
        ([1, 2, 3, 2, 4], [1], [2, 3, 2]),
        ([1, 2, 3], [3], [2, 1]),  # the current one
        ([1, 2, 1, 2, 3], [2], [1]),
        ([1, 4, 2, 4, 3], [4], [2, 1]),
    ],
)
def test_rollback_skips_deleted_versions(
    four: Registry, folder: Path, promoted: list[int], deleted: list[int], rolled_back: list[int]
) -> None:
    for version in promoted:
        promote(four, version)
    for version in deleted:
        (folder / f"{version}.npz").unlink()
    assert [roll_back(four) for _ in rolled_back] == rolled_back
    with pytest.raises(NoPreviousVersion):
        roll_back(four)


def test_rollback_passes_over_the_same_weights(registry: Registry, publish: Publish) -> None:
    def publish_again(version: int) -> int:
        model = registry.load(version).model
        return registry.publish(model, {"seed": 8}, np.zeros((1, 2))).number

    first = publish()
    second = publish()
    for version in (first, second, *(publish_again(second) for _ in range(3))):
        promote(registry, version)
    assert registry.retire(keep=1) == [second, 3, 4]
    assert roll_back(registry) == first
    with pytest.raises(NoPreviousVersion):
        roll_back(registry)


def test_rollback_refuses_other_features_unless_forced(
    registry: Registry, publish: Publish, golden: Array
) -> None:
    first = publish()
    other = dataclasses.replace(network(registry.load(first).model), targets=("z",))
    second = registry.publish(other, {}, golden).number
    for version in (first, second):
        promote(registry, version)
    with pytest.raises(FeaturesDiffer, match=r"^version 1 was current before; its targets are y1 "):
        roll_back(registry)
    assert registry.roll_back(by="tests", at=NOON, force=True).version == first


def test_rollback_to_a_damaged_version_is_refused(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    for _ in range(2):
        promote(registry, publish())
    (folder / "1.npz").write_bytes(b"")
    with pytest.raises(VersionRefused, match="damaged or cut short"):
        roll_back(registry)
    assert versions_promoted(registry) == [1, 2]


@pytest.mark.parametrize("calls", range(6))
def test_rollback_undoes_a_concurrent_promotion(
    registry: Registry, publish: Publish, folder: Path, calls: int
) -> None:
    for _ in range(3):
        publish()
    promote(registry, 1), promote(registry, 2)
    watched = Watched(folder, calls, lambda: promote(registry, 3))
    assert roll_back(Registry(watched)) == 2
    assert watched.calls < 0
    assert versions_promoted(registry) == [1, 2, 3, 2]


@pytest.mark.slow
def test_concurrent_rollbacks_and_promotions_make_one_history(folder: Path, model: Model) -> None:
    registry = Registry.local(folder)
    for _ in range(4):
        promote(registry, registry.publish(model, {}, np.ones((1, 2))).number)

    def attempt(_: int, contestant: int) -> bool:
        try:
            if contestant < 2:
                roll_back(Registry.local(folder))
            else:
                promote(Registry.local(folder), contestant + 1)
        except NoPreviousVersion:
            return False
        return True

    rounds = in_processes(4, 20, attempt)
    history = registry.history()
    assert [each.number for each in history] == list(range(1, len(history) + 1))
    assert len(history) == 4 + sum(made.count(True) for made in rounds)
    versions = [each.version for each in history]
    assert [each.previous for each in history] == [None, *versions[:-1]]
    undo = [1]  # the stack, from the reasons of the entries alone
    for promotion in history[1:]:
        assert (promotion.undoes is not None) == (promotion.reason == "rolled back")
        if promotion.undoes is not None:
            assert promotion.undoes == promotion.number - 1
            undo.pop()
            assert promotion.version == undo[-1]
        elif undo[-1] != promotion.version:
            undo.append(promotion.version)


# A damaged log


ENTRY = {
    "version": 1,
    "previous": None,
    "at": "2025-03-01T12:00:00+00:00",
    "by": "tests",
    "reason": "",
    "sha256": "0" * 64,
}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"\0" * 200,
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        json.dumps(ENTRY).encode()[:-1],
        *(
            json.dumps(entry).encode()
            for entry in [
                {key: value for key, value in ENTRY.items() if key != "sha256"},
                ENTRY | {"extra": 1},
                ENTRY | {"number": 2},
                ENTRY | {"version": "1"},
                ENTRY | {"version": 1.0},
                ENTRY | {"version": True},
                ENTRY | {"version": None},
                ENTRY | {"sha256": None},
                ENTRY | {"sha256": 7},
            ]
        ),
    ],
)
def test_damaged_promotion_is_skipped(
    registry: Registry, publish: Publish, folder: Path, content: bytes
) -> None:
    publish(), publish()
    promote(registry, 1)
    (folder / "promotions" / "00000002.json").write_bytes(content)
    with pytest.raises(VersionRefused, match=r"^promotion 2 is damaged: "):
        registry.promotion(2)
    current = registry.current()
    assert current is not None
    assert (current.number, current.version) == (1, 1)
    promoted = promote(registry, 2)
    assert (promoted.number, promoted.previous) == (3, 1)
    assert registry.current() == promoted


def test_log_of_damaged_promotions_has_no_current_one(registry: Registry, folder: Path) -> None:
    (folder / "promotions").mkdir(parents=True)
    (folder / "promotions" / "00000001.json").write_bytes(b"")
    assert registry.current() is None


@pytest.mark.parametrize("number", [0, 2, 7])
def test_missing_promotion_is_refused(registry: Registry, publish: Publish, number: int) -> None:
    promote(registry, publish())
    with pytest.raises(VersionRefused, match=rf"^promotion {number} is missing$"):
        registry.promotion(number)


def test_number_of_a_lost_promotion_is_not_used_again(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    publish()
    for _ in range(3):
        promote(registry, 1)
    (folder / "promotions" / "00000002.json").unlink()
    assert registry.promotion_numbers() == [1, 3]
    assert promote(registry, 1).number == 4
