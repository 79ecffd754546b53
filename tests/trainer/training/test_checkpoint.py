"""Checkpoints: round trips, intervals, crashes, full disks and damaged files."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.patience import DEADLINE_SECONDS
from trainer.errors import CheckpointError
from trainer.training.checkpoint import INTERVAL_SECONDS, MAX_SHARE, Checkpoint

STATE: dict[str, Any] = {
    "theta": np.array([0.1, -2.0, 1e-300]),
    "pairs": [np.eye(2), np.zeros((0, 3))],
    "solver": {"rng": np.random.default_rng(5).bit_generator.state, "t": 3, "fresh": False},
    "best": float("inf"),
    "chosen": None,
    "history": [{"epoch": 1, "loss": 0.1 + 0.2}],
}


def assert_same(read: Any, written: Any) -> None:
    """Compare bits and types."""
    assert type(read) is type(written)
    if isinstance(written, np.ndarray):
        assert (read.dtype, read.shape) == (written.dtype, written.shape)
        assert read.tobytes() == written.tobytes()
    elif isinstance(written, dict):
        assert list(read) == list(written)
        for key in written:
            assert_same(read[key], written[key])
    elif isinstance(written, list):
        assert len(read) == len(written)
        for one, other in zip(read, written, strict=True):
            assert_same(one, other)
    elif isinstance(written, float):
        assert read.hex() == written.hex()
    else:
        assert read == written


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    """Make a checkpoint that has been written."""
    checkpoint = Checkpoint(tmp_path, {"seed": 1})
    checkpoint.write(STATE)
    return checkpoint


# --- round trips

ARRAYS: st.SearchStrategy[Any] = st.tuples(
    st.sampled_from([np.float64, np.int64, np.bool_]), st.lists(st.integers(0, 3), max_size=3)
).map(lambda made: np.arange(np.prod(made[1], dtype=int)).reshape(made[1]).astype(made[0]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**130), 2**130)
    | st.floats()
    | st.text(st.characters(codec="utf-8"), max_size=5)
    | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
STATES = st.dictionaries(st.sampled_from(["a", "β", "theta", "solver"]), VALUES)


@pytest.mark.slow
@given(state=STATES)
@settings(max_examples=60)
def test_every_state_is_read_as_written(state: dict[str, Any], tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, {})
    checkpoint.write(state)
    assert_same(checkpoint.read(), state)


def test_a_generator_continues_from_its_state(checkpoint: Checkpoint) -> None:
    rng, again = np.random.default_rng(5), np.random.default_rng(6)
    rng.normal(size=7)
    checkpoint.write({"rng": rng.bit_generator.state})
    read = checkpoint.read()
    assert read is not None
    again.bit_generator.state = read["rng"]
    np.testing.assert_array_equal(again.normal(size=9), rng.normal(size=9))


def test_arrays_that_are_read_are_writable(checkpoint: Checkpoint) -> None:
    read = checkpoint.read()
    assert read is not None
    read["theta"] += 1.0
    assert read["theta"].flags.c_contiguous


def test_a_write_replaces_the_earlier_file(checkpoint: Checkpoint, tmp_path: Path) -> None:
    checkpoint.write({"n": 2})
    assert checkpoint.read() == {"n": 2}
    assert files(tmp_path) == [checkpoint.path.name]


def test_there_is_no_state_before_the_first_write_and_after_remove(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "missing" / "folder", {})
    assert checkpoint.read() is None
    checkpoint.remove()
    checkpoint.write(STATE)
    assert checkpoint.read() is not None
    checkpoint.remove()
    assert checkpoint.read() is None
    assert files(checkpoint.path.parent) == []


def test_another_training_has_another_file(checkpoint: Checkpoint, tmp_path: Path) -> None:
    same = Checkpoint(tmp_path, {"seed": 1})
    other = Checkpoint(tmp_path, {"seed": 2})
    assert same.path == checkpoint.path != other.path
    assert other.read() is None


def test_the_order_of_the_identity_does_not_matter(tmp_path: Path) -> None:
    one, other = Checkpoint(tmp_path, {"a": 1, "b": [2]}), Checkpoint(tmp_path, {"b": [2], "a": 1})
    assert one.path == other.path


# --- when it is written


class Clock:
    """A clock that moves only when told to."""

    now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def saves(checkpoint: Checkpoint, clock: Clock, takes: float = 0.0) -> bool:
    """Return whether a state was written; writing takes `takes` seconds."""
    calls: list[None] = []

    def make_state() -> dict[str, Any]:
        calls.append(None)
        clock.now += takes
        return {"now": clock.now}

    checkpoint.save_if_due(make_state)
    assert not calls or checkpoint.read() == {"now": clock.now}
    return bool(calls)


def test_a_state_is_written_once_per_interval(tmp_path: Path, clock: Clock) -> None:
    checkpoint = Checkpoint(tmp_path, {}, clock=clock)
    taken = []
    for _ in range(8):
        taken.append(saves(checkpoint, clock))
        clock.now += INTERVAL_SECONDS / 2.0
    assert taken == [False, False, True, False, True, False, True, False]


def test_an_interval_of_zero_writes_every_state(tmp_path: Path, clock: Clock) -> None:
    checkpoint = Checkpoint(tmp_path, {}, 0.0, clock)
    assert [saves(checkpoint, clock) for _ in range(3)] == [True] * 3


@pytest.mark.parametrize("takes", [0.4, 0.6, 3.0, 60.0])
def test_writing_takes_at_most_its_share_of_the_time(
    takes: float, tmp_path: Path, clock: Clock
) -> None:
    checkpoint = Checkpoint(tmp_path, {}, clock=clock)
    clock.now += INTERVAL_SECONDS
    assert saves(checkpoint, clock, takes)
    pause = max(INTERVAL_SECONDS, takes / MAX_SHARE)
    clock.now += pause - 0.01
    assert not saves(checkpoint, clock, takes)
    clock.now += 0.02
    assert saves(checkpoint, clock, takes)


# --- failures


def test_a_write_failure_is_warned_of_once(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_text("not a folder")
    warnings: list[str] = []
    checkpoint = Checkpoint(tmp_path / "file", {}, 0.0, clock, warnings.append)
    for _ in range(3):
        checkpoint.save_if_due(lambda: {"a": 1})
    [warning] = warnings
    assert warning.startswith(f"cannot write the checkpoint {checkpoint.path}: ")
    assert warning.endswith(": continuing without checkpoints")


def assert_refused(checkpoint: Checkpoint) -> None:
    with pytest.raises(CheckpointError) as error:
        checkpoint.read()
    assert str(checkpoint.path) in str(error.value)


def small(folder: Path) -> tuple[Checkpoint, bytes]:
    checkpoint = Checkpoint(folder, {})
    checkpoint.write({"x": np.arange(3.0), "y": [1, {"z": np.eye(2)}], "s": None})
    return checkpoint, checkpoint.path.read_bytes()


def test_a_file_truncated_anywhere_is_refused(tmp_path: Path) -> None:
    checkpoint, whole = small(tmp_path)
    for length in range(len(whole)):
        checkpoint.path.write_bytes(whole[:length])
        assert_refused(checkpoint)


@pytest.mark.slow
@pytest.mark.parametrize("mask", [0x01, 0x08, 0x40, 0xFF])
def test_a_damaged_byte_is_refused_or_harmless(mask: int, tmp_path: Path) -> None:
    checkpoint, whole = small(tmp_path)
    written = checkpoint.read()
    refused = 0
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= mask
        checkpoint.path.write_bytes(damaged)
        try:
            assert_same(checkpoint.read(), written)
        except CheckpointError as error:
            assert str(checkpoint.path) in str(error)  # noqa: PT017  # either is right
            refused += 1
    assert refused > len(whole) / 2


def saved(save: Callable[..., None], *arguments: Any, **arrays: Any) -> bytes:
    file = io.BytesIO()
    save(file, *arguments, **arrays)
    return file.getvalue()


FOREIGN = {
    "text": b"epoch,loss\n1,0.5\n",
    "zeros": bytes(1000),
    "an array": saved(np.save, np.eye(2)),
    "a pickle": saved(np.save, np.array([{}], dtype=object)),
    "arrays without a document": saved(np.savez, theta=np.eye(2)),
    "a document that is not JSON": saved(np.savez, document=np.frombuffer(b"{", np.uint8)),
    "a document that is not text": saved(np.savez, document=np.frombuffer(b"\xff", np.uint8)),
    "a document without its arrays": saved(
        np.savez, document=np.frombuffer(json.dumps({"x": {"array": "a"}}).encode(), np.uint8)
    ),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_refused(content: bytes, checkpoint: Checkpoint) -> None:
    checkpoint.path.write_bytes(content)
    assert_refused(checkpoint)


def test_a_folder_in_its_place_is_refused_without_leftovers(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, {})
    checkpoint.path.mkdir()
    assert_refused(checkpoint)
    with pytest.raises(CheckpointError, match=str(checkpoint.path)):
        checkpoint.write(STATE)
    assert files(tmp_path) == [checkpoint.path.name]


def test_a_named_pipe_in_its_place_is_refused(checkpoint: Checkpoint) -> None:
    checkpoint.path.unlink()
    os.mkfifo(checkpoint.path)
    with pytest.raises(CheckpointError, match="it is not a regular file"):
        checkpoint.read()


def test_a_file_in_place_of_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("not a folder")
    checkpoint = Checkpoint(tmp_path / "models", {})
    assert_refused(checkpoint)
    with pytest.raises(CheckpointError, match=str(checkpoint.path)):
        checkpoint.write(STATE)
    assert files(tmp_path) == ["models"]


def run(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from trainer.training.checkpoint import Checkpoint
from trainer.errors import CheckpointError

checkpoint = Checkpoint(Path(sys.argv[1]), {})
checkpoint.write({"n": 1})
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    checkpoint.write({"n": 2, "x": np.ones(100_000)})
except CheckpointError as error:
    print(error)
"""


@pytest.mark.parametrize("room", [0, 100, 5_000, 800_000])
def test_a_full_disk_is_reported_and_the_last_state_remains(room: int, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, {})
    printed, _ = run(FULL_DISK, tmp_path, room).communicate(timeout=DEADLINE_SECONDS)
    assert printed.startswith(f"cannot write the checkpoint {checkpoint.path}: File too large")
    assert checkpoint.read() == {"n": 1}
    assert files(tmp_path) == [checkpoint.path.name]


ENDLESS = """
import itertools, sys
from pathlib import Path
import numpy as np
from trainer.training.checkpoint import Checkpoint

checkpoint = Checkpoint(Path(sys.argv[1]), {})
for n in itertools.count(1):
    checkpoint.write({"n": n, "x": np.full(30_000, float(n))})
    print(n, flush=True)
"""


@pytest.mark.parametrize("writes", [1, 2, 3, 7])
def test_a_kill_during_a_write_leaves_a_complete_state(writes: int, tmp_path: Path) -> None:
    process = run(ENDLESS, tmp_path)
    assert process.stdout is not None
    try:
        for _ in range(writes):
            assert process.stdout.readline()
    finally:
        process.send_signal(signal.SIGKILL)
        with process.stdout:
            printed = process.stdout.read()  # what `readline` has buffered, too
        process.wait(DEADLINE_SECONDS)
    completed = writes + printed.count("\n")
    state = Checkpoint(tmp_path, {}).read()
    assert state is not None
    assert state["n"] in (completed, completed + 1)
    np.testing.assert_array_equal(state["x"], np.full(30_000, float(state["n"])))


def test_a_state_that_is_not_json_keeps_the_last_one(checkpoint: Checkpoint) -> None:
    with contextlib.suppress(TypeError):
        checkpoint.write({"n": object()})
    assert_same(checkpoint.read(), STATE)
    assert files(checkpoint.path.parent) == [checkpoint.path.name]
