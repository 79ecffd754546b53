"""Version numbers, the promotion log, and what is refused of both."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from network import Array, InputError, Model
from registry import (
    LocalStorage,
    NothingBefore,
    Promotion,
    PromotionOvertaken,
    Registry,
    StorageError,
    Version,
    VersionNotFound,
    VersionRefused,
    model_file,
    versions,
)
from tests.registry.models import make_model
from tests.registry.races import in_processes

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*fork:DeprecationWarning"  # BLAS keeps idle threads; they hold no lock of ours
)

Publish = Callable[[], int]


@pytest.fixture
def publish(registry: Registry, model: Model, golden: Array) -> Publish:
    return lambda: registry.publish(model, {"seed": 7}, golden).number


@pytest.fixture
def four(registry: Registry, publish: Publish) -> Registry:
    """The registry with four versions, none of them promoted."""
    assert [publish() for _ in range(4)] == [1, 2, 3, 4]
    return registry


def promote(registry: Registry, version: int) -> Promotion:
    return registry.promote(version, by="tests", reason="it is better", at=NOON)


def log(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "promotions").glob("*")}


# Publishing


def test_versions_are_numbered_from_one(registry: Registry, publish: Publish, folder: Path) -> None:
    assert registry.versions() == []
    assert [publish(), publish(), publish()] == [1, 2, 3]
    assert registry.versions() == [1, 2, 3]
    assert sorted(path.name for path in folder.iterdir()) == ["1.npz", "2.npz", "3.npz"]


def test_versions_are_ordered_as_numbers(registry: Registry, publish: Publish) -> None:
    assert [publish() for _ in range(11)] == registry.versions() == list(range(1, 12))


@pytest.mark.parametrize("removed", [[1], [2], [1, 2], [3], [1, 2, 3]])
def test_a_number_follows_the_highest_there_is(
    registry: Registry, publish: Publish, folder: Path, removed: list[int]
) -> None:
    for _ in range(3):
        publish()
    for number in removed:
        (folder / f"{number}.npz").unlink()
    left = [number for number in (1, 2, 3) if number not in removed]
    assert registry.versions() == left
    assert publish() == max(left, default=0) + 1


def test_a_version_is_loaded_as_it_was_published(
    registry: Registry, publish: Publish, model: Model, folder: Path
) -> None:
    publish()
    published = registry.load(publish())
    assert published.card["version"] == 2
    assert published.card["seed"] == 7
    assert published.sha256 == sha256((folder / "2.npz").read_bytes()).hexdigest()
    X = np.random.default_rng(3).normal(size=(5, 2))
    assert published.model.predict(X).tobytes() == model.predict(X).tobytes()


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (np.ones((0, 2)), VersionRefused, "the file has no golden rows"),
        (np.ones((3, 2), np.float32), VersionRefused, "golden_inputs has type float32"),
        (np.full((1, 2), np.inf), VersionRefused, "are not finite|that are not finite"),
        (np.ones((3, 4)), InputError, "X has 4 columns"),
    ],
)
def test_a_version_that_would_be_refused_is_not_published(
    registry: Registry, model: Model, rows: Array, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        registry.publish(model, {}, rows)
    assert registry.versions() == []


def test_publish_returns_the_version_as_it_is_loaded(
    registry: Registry, model: Model, golden: Array
) -> None:
    published = registry.publish(model, {"seed": 7}, golden)
    loaded = registry.load(published.number)
    assert (loaded.number, loaded.sha256, loaded.card) == (1, published.sha256, published.card)
    assert loaded.model.theta.tobytes() == published.model.theta.tobytes()


def test_publishing_promotes_nothing(registry: Registry, publish: Publish) -> None:
    before = registry.generation()
    publish()
    assert registry.current() is None
    assert registry.promotion_numbers() == []
    assert registry.generation() == before


def test_publishers_at_the_same_time_get_different_numbers(
    folder: Path, model: Model, golden: Array
) -> None:
    def attempt(index: int, contestant: int) -> int:
        return Registry.local(folder).publish(model, {"by": [index, contestant]}, golden).number

    rounds = in_processes(4, 12, attempt)
    published = {
        number: [index, contestant]
        for index, numbers in enumerate(rounds)
        for contestant, number in enumerate(numbers)
    }
    registry = Registry.local(folder)
    assert sorted(published) == registry.versions() == list(range(1, 49))
    assert {number: registry.load(number).card["by"] for number in published} == published


# Loading


@pytest.mark.parametrize("version", [0, 3, -1, 10**12])
def test_a_version_that_is_not_there_is_not_found(
    registry: Registry, publish: Publish, version: int
) -> None:
    publish(), publish()
    with pytest.raises(VersionNotFound, match=rf"^there is no version {version}$") as caught:
        registry.load(version)
    assert caught.value.version == version
    with pytest.raises(VersionNotFound):
        promote(registry, version)


def test_a_damaged_version_is_refused_and_the_others_are_not(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    publish(), publish()
    content = (folder / "2.npz").read_bytes()
    (folder / "2.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(VersionRefused, match="damaged or cut short"):
        registry.load(2)
    assert registry.load(1).card["version"] == 1
    assert publish() == 3


def test_another_version_under_its_name_is_refused(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    publish(), publish()
    shutil.copy(folder / "1.npz", folder / "2.npz")
    with pytest.raises(VersionRefused, match=r"^the file is that of version 1$"):
        registry.load(2)
    assert registry.load(1).card["version"] == 1


def test_another_file_than_the_promoted_one_is_refused(
    registry: Registry, publish: Publish, folder: Path, tmp_path: Path
) -> None:
    promoted = promote(registry, publish())
    assert registry.load(1, promoted.sha256).sha256 == promoted.sha256
    other = Registry.local(tmp_path / "other")
    other.publish(make_model((2, 3, 1), seed=1), {}, np.ones((1, 2)))
    shutil.copy(tmp_path / "other" / "1.npz", folder / "1.npz")
    registry.load(1)  # a good version 1, but not that one
    with pytest.raises(VersionRefused, match=r"^the file was changed or replaced"):
        registry.load(1, promoted.sha256)


def test_a_card_is_verified_again_when_its_file_changes(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    publish(), publish()
    assert registry.card(2) == registry.load(2).card
    assert registry.card(2) == registry.load(2).card  # the second time from memory
    content = (folder / "2.npz").read_bytes()
    for other in (content[:-1], (folder / "1.npz").read_bytes()):
        (folder / "2.npz").write_bytes(other)
        with pytest.raises(VersionRefused):
            registry.card(2)
    (folder / "2.npz").unlink()
    with pytest.raises(VersionNotFound):
        registry.card(2)
    (folder / "2.npz").write_bytes(content)
    assert registry.card(2)["version"] == 2


# Promoting


def test_a_promotion_is_one_file_of_the_log(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    publish(), publish()
    digests = [sha256((folder / name).read_bytes()).hexdigest() for name in ("1.npz", "2.npz")]
    at = datetime(2025, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    registry.promote(1, by="trainer/train.py", reason="the first", at=NOON)
    registry.promote(2, by="ops", reason="größer & “besser”", at=at)
    assert log(folder).keys() == {"00000001.json", "00000002.json"}
    first, second = (json.loads(log(folder)[f"0000000{number}.json"]) for number in (1, 2))
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


def test_the_last_promotion_is_current(registry: Registry, publish: Publish) -> None:
    assert registry.current() is None
    for _ in range(3):
        publish()
    history = [1, 3, 2, 2, 1]  # a rollback is one more promotion
    for number, (version, previous) in enumerate(zip(history, [None, *history], strict=False), 1):
        promoted = promote(registry, version)
        assert (promoted.number, promoted.version, promoted.previous) == (number, version, previous)
        assert registry.current() == registry.promotion(number) == promoted
    assert registry.promotion_numbers() == [1, 2, 3, 4, 5]


def test_a_promotion_changes_the_generation(registry: Registry, publish: Publish) -> None:
    publish()
    seen = {registry.generation()}
    for _ in range(20):
        promote(registry, 1)
        seen.add(registry.generation())
    assert len(seen) == 21


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda _: b"", lambda _: b"{}"])
def test_a_damaged_version_is_not_promoted(
    registry: Registry, publish: Publish, folder: Path, damage: Callable[[bytes], bytes]
) -> None:
    publish(), publish()
    promote(registry, 1)
    before, generation = log(folder), registry.generation()
    (folder / "2.npz").write_bytes(damage((folder / "2.npz").read_bytes()))
    with pytest.raises(VersionRefused, match="damaged or cut short"):
        promote(registry, 2)
    with pytest.raises(VersionNotFound):
        promote(registry, 3)
    assert log(folder) == before
    assert registry.generation() == generation


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the versions that were decoded, in order."""
    numbers: list[int] = []

    def decode(content: bytes) -> Version:
        version = model_file.decode(content)
        numbers.append(version.number)
        return version

    monkeypatch.setattr(versions, "decode", decode)
    return numbers


def test_version_is_decoded_once_until_it_is_promoted(
    registry: Registry, model: Model, golden: Array, decoded: list[int]
) -> None:
    for number in (1, 2):
        published = registry.publish(model, {}, golden)
        registry.promote(number, sha256=published.sha256, by="", reason="", at=NOON)
        assert registry.serving() == registry.current() == registry.promotion(number)
        assert registry.card(number) == published.card
    assert decoded == [1, 2]


def test_promote_decodes_a_file_that_this_registry_has_not_verified(
    registry: Registry, publish: Publish, folder: Path, decoded: list[int]
) -> None:
    publish()
    content = (folder / "1.npz").read_bytes()
    promote(Registry.local(folder), 1)
    assert decoded == [1, 1]
    (folder / "1.npz").write_bytes(content[:-1])
    with pytest.raises(VersionRefused, match="damaged or cut short"):
        promote(registry, 1)


def test_promote_refuses_a_file_that_was_replaced(
    registry: Registry, model: Model, golden: Array, folder: Path
) -> None:
    published = registry.publish(model, {}, golden)
    (folder / "1.npz").unlink()
    registry.publish(model, {"another": 1}, golden)
    with pytest.raises(VersionRefused, match=r"^the file was changed or replaced: its checksum is"):
        registry.promote(1, sha256=published.sha256, by="", reason="", at=NOON)
    assert registry.history() == []
    assert promote(registry, 1).sha256 != published.sha256


def test_promotions_at_the_same_time_make_one_history(folder: Path, model: Model) -> None:
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
    """Lets something else happen right after the given call of a verb, counted from 0."""

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
def test_a_promotion_knows_of_one_made_meanwhile(
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


# Promoting after a decision


def test_a_promotion_after_the_last_one_is_made(registry: Registry, publish: Publish) -> None:
    for after in range(3):
        promoted = registry.promote(publish(), by="", reason="", at=NOON, after=after)
        assert promoted.number == after + 1


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_promotion_after_another_than_the_last_one_is_refused(
    registry: Registry, publish: Publish, after: int
) -> None:
    publish(), publish()
    promote(registry, 1), promote(registry, 2)
    with pytest.raises(PromotionOvertaken, match=r"^promotion 2 was made meanwhile$"):
        registry.promote(1, by="", reason="", at=NOON, after=after)
    assert registry.promotion_numbers() == [1, 2]


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_a_promotion_after_the_last_one_is_overtaken_by_one_made_meanwhile(
    registry: Registry, publish: Publish, folder: Path, calls: int
) -> None:
    publish(), publish()
    promote(registry, 1)
    watched = Watched(folder, calls, lambda: promote(registry, 2))
    with pytest.raises(PromotionOvertaken, match=r"^promotion 2 was made meanwhile$"):
        Registry(watched).promote(1, by="", reason="", at=NOON, after=1)
    assert watched.calls < 0
    assert versions_promoted(registry) == [1, 2]


def test_of_many_promotions_after_the_same_one_exactly_one_is_made(
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


def test_a_number_that_something_else_takes_is_no_promotion_made_meanwhile(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    promote(registry, publish())
    (folder / "promotions" / "00000002.json").mkdir()
    assert registry.promote(1, by="", reason="", at=NOON, after=1).number == 3


# Going back


def roll_back(registry: Registry) -> int:
    return registry.roll_back(by="tests", at=NOON).version


def versions_promoted(registry: Registry) -> list[int]:
    return [promotion.version for promotion in registry.history()]


@pytest.mark.parametrize(
    ("promoted", "rolled_back"),
    [
        ([], []),
        ([1], []),
        ([1, 1], []),
        ([1, 2, 3], [2, 1]),
        ([1, 2, 2, 3, 3], [2, 1]),
        ([3, 1, 2], [1, 3]),
        ([1, 2, 1], [2, 1]),  # an old version promoted by hand is no rollback
        ([1, 2, 3, 2], [3, 2, 1]),
        ([1, 2, 3, 2, 4], [2, 3, 2, 1]),
        ([1, 2, 3, 1], [3, 2, 1]),
    ],
)
def test_a_rollback_undoes_what_was_not_undone_yet(
    four: Registry, promoted: list[int], rolled_back: list[int]
) -> None:
    for version in promoted:
        promote(four, version)
    assert [roll_back(four) for _ in rolled_back] == rolled_back
    with pytest.raises(NothingBefore, match=r"^no version that is still there was current before"):
        roll_back(four)
    assert versions_promoted(four) == promoted + rolled_back


def test_a_rollback_is_a_promotion_that_says_who_made_it(
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


def test_what_was_rolled_back_can_be_promoted_and_rolled_back_again(
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
        ([1, 2, 3], [3], [2, 1]),  # the current one itself
        ([1, 2, 1, 2, 3], [2], [1]),
        ([1, 4, 2, 4, 3], [4], [2, 1]),
    ],
)
def test_a_rollback_passes_over_versions_that_were_deleted(
    four: Registry, folder: Path, promoted: list[int], deleted: list[int], rolled_back: list[int]
) -> None:
    for version in promoted:
        promote(four, version)
    for version in deleted:
        (folder / f"{version}.npz").unlink()
    assert [roll_back(four) for _ in rolled_back] == rolled_back
    with pytest.raises(NothingBefore):
        roll_back(four)


def test_a_rollback_to_a_damaged_version_is_refused(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    for _ in range(2):
        promote(registry, publish())
    (folder / "1.npz").write_bytes(b"")
    with pytest.raises(VersionRefused, match="damaged or cut short"):
        roll_back(registry)
    assert versions_promoted(registry) == [1, 2]


@pytest.mark.parametrize("calls", range(6))
def test_a_rollback_goes_back_from_what_was_promoted_meanwhile(
    registry: Registry, publish: Publish, folder: Path, calls: int
) -> None:
    for _ in range(3):
        publish()
    promote(registry, 1), promote(registry, 2)
    watched = Watched(folder, calls, lambda: promote(registry, 3))
    assert roll_back(Registry(watched)) == 2
    assert watched.calls < 0
    assert versions_promoted(registry) == [1, 2, 3, 2]


def test_rollbacks_and_promotions_at_the_same_time_make_one_history(
    folder: Path, model: Model
) -> None:
    registry = Registry.local(folder)
    for _ in range(4):
        promote(registry, registry.publish(model, {}, np.ones((1, 2))).number)

    def attempt(_: int, contestant: int) -> bool:
        try:
            if contestant < 2:
                roll_back(Registry.local(folder))
            else:
                promote(Registry.local(folder), contestant + 1)
        except NothingBefore:
            return False
        return True

    rounds = in_processes(4, 20, attempt)
    history = registry.history()
    assert [each.number for each in history] == list(range(1, len(history) + 1))
    assert len(history) == 4 + sum(made.count(True) for made in rounds)
    versions = [each.version for each in history]
    assert [each.previous for each in history] == [None, *versions[:-1]]
    undo = [1]  # as somebody would keep it who knows which entries are rollbacks
    for promotion in history[1:]:
        assert (promotion.undoes is not None) == (promotion.reason == "rolled back")
        if promotion.undoes is not None:
            assert promotion.undoes == promotion.number - 1
            undo.pop()
            assert promotion.version == undo[-1]
        elif undo[-1] != promotion.version:
            undo.append(promotion.version)


# What serves, and what is deleted


def served(registry: Registry) -> int | None:
    promotion, loaded = registry.serving(), registry.load_serving()
    assert (promotion and (promotion.version, promotion.sha256)) == (
        loaded and (loaded.number, loaded.sha256)
    )
    return promotion.version if promotion else None


def test_the_newest_promotion_that_verifies_serves(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    assert served(registry) is None
    for _ in range(4):
        publish()
        assert served(registry) is None
    for version in (2, 1, 3, 4):
        promote(registry, version)
        assert served(registry) == version
    (folder / "4.npz").write_bytes(b"")
    assert served(registry) == 3
    shutil.copy(folder / "1.npz", folder / "3.npz")
    assert served(registry) == 1
    (folder / "1.npz").unlink()
    assert served(registry) == 2
    (folder / "promotions" / "00000001.json").write_bytes(b"")
    assert served(registry) is None


def test_the_history_is_what_can_be_read_of_the_newest_entries(
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


def test_a_versions_content_is_its_file_verified(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    publish(), publish()
    assert registry.content(1) == (folder / "1.npz").read_bytes()
    shutil.copy(folder / "1.npz", folder / "2.npz")
    with pytest.raises(VersionRefused, match=r"^the file is that of version 1$"):
        registry.content(2)
    with pytest.raises(VersionNotFound):
        registry.content(3)


def test_the_oldest_versions_are_retired(registry: Registry, publish: Publish) -> None:
    for _ in range(6):
        promote(registry, publish())
    assert registry.card(1)["version"] == 1
    assert registry.retire(7) == registry.retire(6) == []
    assert registry.retire(3) == [1, 2, 3]
    assert registry.versions() == [4, 5, 6]
    assert registry.retire(3) == []
    with pytest.raises(VersionNotFound):
        registry.card(1)


@pytest.mark.parametrize(
    ("promoted", "kept"),
    [
        ([], [5, 6]),
        ([1], [1, 5, 6]),
        ([1, 2], [1, 2, 5, 6]),
        ([1, 2, 3], [2, 3, 5, 6]),
        ([1, 2, 3, 2], [2, 3, 5, 6]),
        ([6, 1], [1, 5, 6]),
    ],
)
def test_what_is_current_and_what_was_so_before_are_kept(
    registry: Registry, publish: Publish, promoted: list[int], kept: list[int]
) -> None:
    for _ in range(6):
        publish()
    for version in promoted:
        promote(registry, version)
    assert registry.retire(2) == sorted({1, 2, 3, 4, 5, 6} - {*kept})
    assert registry.versions() == kept


def test_a_rollback_is_left_a_version_to_go_to(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    for _ in range(3):
        promote(registry, publish())
    publish(), publish()
    (folder / "2.npz").unlink()
    assert registry.retire(2) == []
    assert roll_back(registry) == 1


def test_what_serves_while_the_current_version_does_not_verify_is_kept(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    for version in (publish(), publish(), publish(), publish(), publish()):
        promote(registry, version)
    publish(), publish()
    for version in (4, 5):
        (folder / f"{version}.npz").write_bytes(b"")
    assert registry.retire(2) == [1, 2]
    assert served(registry) == 3


def test_a_version_promoted_while_others_are_retired_is_kept(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    for _ in range(6):
        publish()
    promote(registry, 6)

    class Deleting(LocalStorage):
        def delete(self, key: str) -> None:
            super().delete(key)
            if key == "1.npz":
                promote(registry, 3)

    assert Registry(Deleting(folder)).retire(2) == [1, 2, 4]
    assert served(registry) == 3


# A log that others have written to

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
def test_a_damaged_promotion_is_passed_over(
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


def test_a_log_of_damaged_promotions_has_no_current_one(registry: Registry, folder: Path) -> None:
    (folder / "promotions").mkdir(parents=True)
    (folder / "promotions" / "00000001.json").write_bytes(b"")
    assert registry.current() is None


@pytest.mark.parametrize("number", [0, 2, 7])
def test_a_promotion_that_is_not_there_is_refused(
    registry: Registry, publish: Publish, number: int
) -> None:
    promote(registry, publish())
    with pytest.raises(VersionRefused, match=rf"^promotion {number} is gone$"):
        registry.promotion(number)


def test_a_lost_promotion_is_not_made_again(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    publish()
    for _ in range(3):
        promote(registry, 1)
    (folder / "promotions" / "00000002.json").unlink()
    assert registry.promotion_numbers() == [1, 3]
    assert promote(registry, 1).number == 4


def test_stray_files_are_no_versions_and_no_promotions(
    registry: Registry, publish: Publish, folder: Path
) -> None:
    for name in (
        *("README.md", "0.npz", "04.npz", "-4.npz", "+4.npz", "4.NPZ", "4.npz.bak", "4npz"),
        *(".4.npz", ".4.npz.0123456789abcdef", "latest.npz", "1４.npz", "1234567890.npz"),
        *("promotions/1.json", "promotions/00000004.json.bak", "promotions/000000004.json"),
        *("promotions/.00000004.json.0123456789abcdef", "promotions/0000000４.json"),
        *("promotions/00000004.JSON", "00000004.json", "promotions/4.npz"),
        *("5.npz/1.npz", "promotions/00000005.json/00000005.json"),  # folders by those names
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"stray")
    assert registry.versions() == registry.promotion_numbers() == []
    assert registry.current() is None
    assert [publish() for _ in range(2)] == [1, 2]
    assert [promote(registry, version).number for version in (1, 2)] == [1, 2]
    assert registry.versions() == registry.promotion_numbers() == [1, 2]
    assert [publish() for _ in range(3)] == [3, 4, 6]  # 5.npz is taken
    assert [promote(registry, 6).number for _ in range(3)] == [3, 4, 6]
    assert promote(registry, 1).previous == 6


# The folder


def test_a_registry_whose_folder_is_missing_is_empty_and_stays_missing(
    registry: Registry, folder: Path
) -> None:
    assert registry.versions() == registry.promotion_numbers() == []
    assert registry.current() is registry.generation() is None
    with pytest.raises(VersionNotFound):
        registry.load(1)
    assert not folder.exists()


def test_a_check_for_writing_leaves_nothing(registry: Registry, folder: Path) -> None:
    registry.check_writable()
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path, model: Model) -> None:
    (tmp_path / "file").write_bytes(b"")
    registry = Registry.local(tmp_path / "file" / "models")
    with pytest.raises(StorageError, match=r"^cannot write under .*: Not a directory$"):
        registry.check_writable()
    with pytest.raises(StorageError, match=r"^cannot write 1\.npz under .*: Not a directory$"):
        registry.publish(model, {}, np.ones((1, 2)))
