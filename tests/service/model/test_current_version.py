"""The current version: promotions are followed, invalid ones refused, the last valid one kept."""

import hashlib
import io
import json
import logging
import os
import shutil
import threading
from collections.abc import Callable, Hashable
from pathlib import Path

import numpy as np
import pytest

from registry import LocalStorage, Registry, StorageError
from service.model.current_version import RETRY_SECONDS, CurrentVersion
from service.telemetry.telemetry import Telemetry
from tests.service.small_models import (
    forge_promotion,
    forged,
    promote,
    publish,
    serve,
    small_model,
)


class Clock:
    """A clock that advances only when a test sets it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Live:
    """A `CurrentVersion` with its clock and its log messages."""

    def __init__(self, registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        self.clock = Clock()
        self._caplog = caplog
        meter = Telemetry.of_single_process().meter
        self.model = CurrentVersion(registry, meter, self.clock)

    @property
    def version(self) -> str | None:
        version = self.model.current()
        return version.number if version else None

    def errors(self) -> list[str]:
        """Return the error messages logged since the last call."""
        records = self._caplog.get_records("call")
        found = [entry.getMessage() for entry in records if entry.levelno >= logging.ERROR]
        self._caplog.clear()
        return found


@pytest.fixture
def live(registry: Registry, caplog: pytest.LogCaptureFixture) -> Live:
    return Live(registry, caplog)


def test_without_a_promotion_there_is_no_current_version(registry: Registry, live: Live) -> None:
    assert live.version is None
    publish(registry, small_model())
    assert live.version is None
    assert live.errors() == []


def test_each_promotion_is_followed_by_the_next_request(registry: Registry, live: Live) -> None:
    for _ in range(5):
        publish(registry, small_model())
    for version in (1, 2, 5, 5, 3, 1, 4):
        promote(registry, version)
        assert live.version == str(version)


def test_promotions_within_one_tick_of_the_file_system_clock_are_followed(
    registry: Registry, models: Path, live: Live
) -> None:
    serve(registry, small_model())
    folder = models / "promotions"
    tick = folder.stat().st_mtime_ns + 10**10  # this tick lasts longer than the test
    for version in (1, 2, 3):
        os.utime(folder, ns=(tick, tick))
        assert live.version == str(version)
        serve(registry, small_model(seed=version))


def test_unchanged_version_is_returned_without_loading(registry: Registry, live: Live) -> None:
    serve(registry, small_model())
    assert live.model.if_unchanged() is None
    live.model.refresh()
    first = live.model.if_unchanged()
    assert first is not None
    serve(registry, small_model(seed=1))
    assert live.model.if_unchanged() is None
    live.model.refresh()
    assert live.model.if_unchanged() is not first


def test_version_promoted_again_is_not_loaded_again(registry: Registry, live: Live) -> None:
    first = serve(registry, small_model())
    version = live.model.current()
    promote(registry, first)
    assert live.model.current() is version


def test_new_version_is_logged_once(
    registry: Registry, models: Path, live: Live, caplog: pytest.LogCaptureFixture
) -> None:
    serve(registry, small_model())
    for _ in range(3):
        assert live.version == "1"
    (record,) = caplog.records
    assert record.getMessage() == "serving version 1"
    assert record.__dict__["version"] == "1"
    sha256 = hashlib.sha256((models / "1.npz").read_bytes()).hexdigest()
    assert record.__dict__["sha256"] == sha256


def cut_short(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def not_a_number(content: bytes) -> bytes:
    return forged(content, weights_0=np.full((4, 8), np.nan))


def other_weights(content: bytes) -> bytes:
    return forged(content, weights_0=np.ones((4, 8)))


def with_card(content: bytes, **members: object) -> bytes:
    with np.load(io.BytesIO(content)) as archive:
        card = json.loads(archive["card"].tobytes()) | members
    return forged(content, card=np.frombuffer(json.dumps(card).encode(), dtype=np.uint8))


def half_a_surrogate_pair(content: bytes) -> bytes:
    return with_card(content, features=["x1", "x2", "x3", "\ud800"])


def deep_card(content: bytes) -> bytes:
    return with_card(content, metrics=json.loads("[" * 300 + "]" * 300))


def empty(_content: bytes) -> bytes:
    return b""


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (cut_short, "damaged or cut short"),
        (flipped, "Bad CRC-32"),
        (not_a_number, "weights_0 has numbers that are not finite"),
        (other_weights, "self-test failed: predictions for the golden rows differ"),
        (half_a_surrogate_pair, "the card is not a JSON document"),
        (deep_card, "the card is not a JSON document"),
        (empty, "damaged or cut short"),
    ],
)
def test_promoted_version_that_fails_verification_is_refused_and_logged_once(
    registry: Registry,
    models: Path,
    live: Live,
    damage: Callable[[bytes], bytes],
    reason: str,
) -> None:
    serve(registry, small_model())
    assert live.version == "1"
    content = damage((models / f"{publish(registry, small_model(seed=1))}.npz").read_bytes())
    (models / "2.npz").write_bytes(content)
    forge_promotion(models, 2, hashlib.sha256(content).hexdigest())
    live.errors()
    assert [live.version for _ in range(10)] == ["1"] * 10
    (message,) = live.errors()
    assert message.startswith("promotion 2 is refused: ")
    assert reason in message
    for _ in range(5):
        live.clock.seconds += 2 * RETRY_SECONDS
        assert live.version == "1"
    assert live.errors() == []
    promote(registry, publish(registry, small_model(seed=2)))
    assert live.version == "3"


def test_replaced_file_is_refused(registry: Registry, models: Path, live: Live) -> None:
    serve(registry, small_model())
    serve(registry, small_model(seed=1))
    content = (models / "2.npz").read_bytes()
    (models / "2.npz").write_bytes(forged(content, feature_range=np.array([[-9.0] * 4, [9.0] * 4])))
    assert live.version == "1"
    assert "the file was changed or replaced" in live.errors()[0]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("", "promotion 2 is damaged"),
        ("[]", "promotion 2 is damaged"),
        ('{"version": 1}', "promotion 2 is damaged"),
        ('{"version": "../1", "sha256": ""}', "promotion 2 is damaged"),
        ("[" * 100_000, "promotion 2 is damaged"),
    ],
)
def test_damaged_log_entry_is_refused(
    registry: Registry, models: Path, live: Live, entry: str, reason: str
) -> None:
    serve(registry, small_model())
    (models / "promotions" / "00000002.json").write_text(entry)
    assert live.version == "1"
    assert reason in live.errors()[0]


def test_promotion_of_a_missing_version_is_refused(
    registry: Registry, models: Path, live: Live
) -> None:
    serve(registry, small_model())
    forge_promotion(models, 7, "0" * 64)
    assert live.version == "1"
    assert live.errors() == ["promotion 2 is refused: there is no version 7"]


def test_each_refused_promotion_is_logged_once(
    registry: Registry, models: Path, live: Live
) -> None:
    serve(registry, small_model())
    for version in (7, 8, 9):
        forge_promotion(models, version, "0" * 64)
        assert live.version == "1"
        assert live.errors() == [
            f"promotion {version - 5} is refused: there is no version {version}"
        ]


def test_restored_file_is_loaded_within_the_retry_time(
    registry: Registry, models: Path, live: Live
) -> None:
    serve(registry, small_model())
    assert live.version == "1"
    serve(registry, small_model(seed=1))
    content = (models / "2.npz").read_bytes()
    (models / "2.npz").write_bytes(content[:-9])
    assert live.version == "1"
    live.clock.seconds += RETRY_SECONDS / 2
    (models / "2.npz").write_bytes(content)
    assert live.version == "1"
    live.clock.seconds += RETRY_SECONDS / 2
    assert live.version == "2"
    live.errors()
    (models / "2.npz").write_bytes(content[:-9])
    live.clock.seconds += 10 * RETRY_SECONDS
    assert live.version == "2"
    assert live.errors() == []


def test_after_a_restart_the_newest_valid_version_of_the_log_is_current(
    registry: Registry, models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for seed in range(4):
        serve(registry, small_model(seed=seed))
    promote(registry, 2)
    for version in (2, 4):
        (models / f"{version}.npz").write_bytes(b"damaged")
    assert Live(registry, caplog).version == "3"
    messages = sorted(entry.getMessage() for entry in caplog.records)
    assert [message[:23] for message in messages] == [
        "promotion 4 is refused:",
        "promotion 5 is refused:",
        "serving version 3",
    ]


def test_deleted_folder_leaves_the_version_in_memory_and_a_new_folder_is_followed(
    registry: Registry, models: Path, live: Live
) -> None:
    serve(registry, small_model(seed=0))
    before = live.model.current()
    assert before is not None
    shutil.rmtree(models)
    for _ in range(3):
        live.clock.seconds += 2 * RETRY_SECONDS
        assert live.model.current() is before
    serve(registry, small_model(seed=1))
    after = live.model.current()
    assert after is not None
    assert after.promotion is not None
    assert before.promotion is not None
    assert (after.number, after.promotion.number) == ("1", 1)
    assert after.promotion.sha256 != before.promotion.sha256
    assert live.errors() == []


class RemoteStorage(LocalStorage):
    """A folder on a network file system."""

    def is_local(self) -> bool:
        return False


@pytest.mark.parametrize(("storage", "expected"), [(LocalStorage, True), (RemoteStorage, False)])
def test_the_event_loop_uses_no_version_from_a_network_file_system(
    models: Path, storage: type[LocalStorage], expected: bool
) -> None:
    registry = Registry(storage(models))
    serve(registry, small_model())
    current_version = CurrentVersion(registry, Telemetry.of_single_process().meter)
    assert current_version.current() is not None
    assert (current_version.if_unchanged() is not None) is expected


class BrokenStorage(LocalStorage):
    """A folder on a disk that can disappear."""

    lost = False

    def generation(self) -> Hashable:
        self._check()
        return super().generation()

    def list(self, prefix: str) -> list[str]:
        self._check()
        return super().list(prefix)

    def read(self, key: str) -> bytes | None:
        self._check()
        return super().read(key)

    def _check(self) -> None:
        if self.lost:
            raise StorageError("the disk is lost")


def test_lost_disk_leaves_the_version_in_memory_and_is_logged_once(
    models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    storage = BrokenStorage(models)
    registry = Registry(storage)
    live = Live(registry, caplog)
    serve(registry, small_model())
    assert live.version == "1"
    live.errors()
    storage.lost = True
    for _ in range(5):
        assert live.version == "1"
        live.clock.seconds += RETRY_SECONDS
    assert live.errors() == ["the promotion log cannot be read: the disk is lost"]
    storage.lost = False
    serve(registry, small_model(seed=1))
    assert live.version == "2"


def test_disk_missing_at_the_start_is_used_when_it_appears(
    models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    storage = BrokenStorage(models)
    registry = Registry(storage)
    serve(registry, small_model())
    storage.lost = True
    live = Live(registry, caplog)
    assert live.version is None
    storage.lost = False
    assert live.version == "1"


def test_threads_see_no_version_older_than_the_last_promotion(
    registry: Registry, live: Live
) -> None:
    numbers = [publish(registry, small_model(seed=seed)) for seed in range(8)]
    promoted, done = 0, threading.Event()
    failures: list[tuple[int, int]] = []

    def ask() -> None:
        while not done.is_set():
            least = promoted
            version = int(live.version or 0)
            if version < least:
                failures.append((version, least))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in numbers:
        promote(registry, number)
        promoted = number
        assert live.version == str(number)
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
