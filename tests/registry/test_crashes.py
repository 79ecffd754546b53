"""A publisher killed at any moment leaves complete versions and promotions."""

import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.context import ForkProcess
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

from registry import Promotion, Registry, promotions, storage, versions
from registry.files import durable_file
from tests.patience import DEADLINE_SECONDS
from tests.registry.races import fork
from tests.registry.samples import make_model

KILLS = 40
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
MODEL = make_model((2, 8, 1))
GOLDEN = np.random.default_rng(1).uniform(-1, 1, (3, 2))

WRITERS = {module.__file__ for module in (durable_file, promotions, storage, versions)}

pytestmark = [
    pytest.mark.slow,
    # the idle threads of BLAS hold no lock
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


def publish_and_promote(folder: Path) -> Promotion:
    registry = Registry.local(folder)
    version = registry.publish(MODEL, {}, GOLDEN)
    return registry.promote(version.number, by="publisher", reason="newer", at=NOON)


def assert_killed(process: ForkProcess) -> None:
    process.join(DEADLINE_SECONDS)
    assert process.exitcode == -signal.SIGKILL  # anything else is an error of its own


def assert_complete(folder: Path, at_least: Promotion | None) -> Promotion | None:
    """Check that all versions verify and that no finished work is lost. Return the current one."""
    registry = Registry.local(folder)
    digests = {number: registry.load(number).sha256 for number in registry.versions()}
    assert list(digests) == list(range(1, len(digests) + 1))
    history = [registry.promotion(number) for number in registry.promotion_numbers()]
    assert [promotion.number for promotion in history] == list(range(1, len(history) + 1))
    assert all(digests[promotion.version] == promotion.sha256 for promotion in history)
    promoted = [promotion.version for promotion in history]
    assert [promotion.previous for promotion in history] == [None, *promoted][: len(history)]
    current = registry.current()
    assert current == (history[-1] if history else None)
    assert at_least is None or at_least in history
    return current


def test_publisher_killed_at_any_moment_leaves_complete_versions(tmp_path: Path) -> None:
    done, tell = fork.Pipe(duplex=False)

    def publish_forever() -> None:
        while True:
            publish_and_promote(tmp_path)
            tell.send(None)

    publish_and_promote(tmp_path)
    start = time.perf_counter()
    current: Promotion | None = publish_and_promote(tmp_path)
    duration = time.perf_counter() - start
    for moment in np.random.default_rng(11).uniform(0, duration, KILLS):
        process = fork.Process(target=publish_forever)
        process.start()
        assert done.poll(DEADLINE_SECONDS)
        time.sleep(moment)  # into the publication that follows the finished one
        process.kill()
        assert_killed(process)
        while done.poll():
            done.recv()
        before = current
        current = assert_complete(tmp_path, before)
        assert current is not None
        assert before is not None
        assert current.number > before.number
    assert current is not None
    assert publish_and_promote(tmp_path).number == current.number + 1


class KilledAtLine:
    """A trace function that kills its process before the given line of the code that writes.

    Counted as executed, from 0: loops and calls count again.
    """

    def __init__(self, line: int) -> None:
        self.left = line

    def __call__(self, frame: FrameType, event: str, _: Any) -> "KilledAtLine | None":
        if frame.f_code.co_filename not in WRITERS:
            return None
        if event == "line":
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self.left -= 1
        return self


def lines_of(work: Callable[[], object]) -> int:
    """Count the lines that `work` executes, as `KilledAtLine` does."""
    tracer, before = KilledAtLine(sys.maxsize), sys.gettrace()
    sys.settrace(tracer)
    try:
        work()
    finally:
        sys.settrace(before)
    return sys.maxsize - tracer.left


@pytest.mark.parametrize("published", [0, 1])  # half of the lines with each
def test_publisher_killed_at_any_line_leaves_complete_versions(
    tmp_path: Path, published: int
) -> None:
    def prepared(folder: Path) -> Promotion | None:
        return [None, *(publish_and_promote(folder) for _ in range(published))][-1]

    prepared(tmp_path / "counted")
    count = lines_of(lambda: publish_and_promote(tmp_path / "counted"))
    states = set()
    for line in range(published, count, 2):
        folder = tmp_path / f"{line}"
        before = prepared(folder)

        def killed_at_line(folder: Path = folder, line: int = line) -> None:
            sys.settrace(KilledAtLine(line))
            publish_and_promote(folder)

        process = fork.Process(target=killed_at_line)
        process.start()
        assert_killed(process)
        current = assert_complete(folder, before)
        states.add((len(Registry.local(folder).versions()), current.number if current else 0))
        promoted = publish_and_promote(folder)
        assert promoted.number == (current.number if current else 0) + 1
        assert_complete(folder, promoted)
    n = published
    assert states == {(n, n), (n + 1, n), (n + 1, n + 1)}  # before, published, promoted
