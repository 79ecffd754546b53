"""The progress of a job, as it is stored for clients."""

import itertools
import json
import threading
from typing import Any

import pytest

from tests.patience import DEADLINE_SECONDS
from trainer.jobs.progress import HISTORY_FIELDS, HISTORY_POINTS, JobProgress
from trainer.training.epoch import Epoch


def epoch(number: int, epochs: int = 10_000) -> Epoch:
    return Epoch(
        epoch=number,
        epochs=epochs,
        seconds=0.01 * number,
        step=0.5,
        train_loss=1.0 / number,
        validation_loss=2.0 / number,
        best_loss=1.5 / number,
    )


def as_json(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Return the snapshot after a round trip through JSON."""
    document: dict[str, Any] = json.loads(json.dumps(snapshot, allow_nan=False))
    assert document == snapshot
    return document


def epochs_of(snapshot: dict[str, Any]) -> list[int]:
    return [point["epoch"] for point in snapshot["loss_history"]]


def test_snapshot_has_the_phase() -> None:
    times = itertools.count(100.0)
    progress = JobProgress("host:7", 1, now=lambda: next(times))
    assert as_json(progress.snapshot()) == {
        "worker": "host:7",
        "attempt": 1,
        "begun_at": 100.0,
        "at": 101.0,
        "number": 1,
        "phase": "starting",
        "fraction_done": 0.0,
        "decisions": [],
        "loss_history": [],
    }
    progress.enter("reading data")
    assert progress.snapshot()["phase"] == "reading data"
    progress.train(60.0)
    assert progress.snapshot()["phase"] == "training"
    progress.decided(["adam: as requested"])
    assert as_json(progress.snapshot())["decisions"] == ["adam: as requested"]


def test_snapshot_has_the_epoch_and_the_time_left() -> None:
    progress = JobProgress("host:7", 1)
    progress.train(60.0)
    progress.watch(epoch(1000))
    snapshot = as_json(progress.snapshot())
    assert snapshot["fraction_done"] == 10.0 / 60.0  # by time
    assert snapshot["eta_seconds"] == 50.0
    assert snapshot["training_seconds"] == 10.0
    assert (snapshot["epoch"], snapshot["epochs"]) == (1000, 10_000)
    assert (snapshot["loss"], snapshot["best_loss"]) == (0.002, 0.0015)
    assert snapshot["loss_history"] == [
        {"epoch": 1000, "seconds": 10.0, "train_loss": 0.001, "validation_loss": 0.002}
    ]


@pytest.mark.parametrize("count", [1, HISTORY_POINTS, HISTORY_POINTS + 1, 12_345])
def test_history_is_short_and_covers_the_whole_training(count: int) -> None:
    progress = JobProgress("host:7", 1)
    for number in range(1, count + 1):
        progress.watch(epoch(number))
        assert len(progress.snapshot()["loss_history"]) <= HISTORY_POINTS
    snapshot = as_json(progress.snapshot())
    epochs = epochs_of(snapshot)
    assert epochs == sorted(set(epochs))
    assert len(epochs) > min(count, HISTORY_POINTS) // 2 - 1
    steps = {after - before for before, after in itertools.pairwise([0, *epochs])}
    assert len(steps) == 1  # evenly spread
    assert count - epochs[-1] < steps.pop()
    assert all(tuple(point) == HISTORY_FIELDS for point in snapshot["loss_history"])


def test_snapshot_is_immutable() -> None:
    progress = JobProgress("host:7", 1)
    progress.watch(epoch(1))
    snapshot = progress.snapshot()
    before = json.dumps(snapshot)
    progress.watch(epoch(2))
    progress.decided(["something"])
    assert json.dumps(snapshot) == before


def test_next_attempt_continues_from_the_last_snapshot() -> None:
    first = JobProgress("host:7", 1, now=lambda: 50.0)
    first.train(60.0)
    first.decided(["adam: as requested"])
    for number in range(1, 1001):
        first.watch(epoch(number))
    before = as_json(first.snapshot())

    second = JobProgress("host:8", 2, before, now=lambda: 70.0)
    snapshot = as_json(second.snapshot())
    assert (snapshot["worker"], snapshot["attempt"], snapshot["phase"]) == ("host:8", 2, "starting")
    assert (snapshot["begun_at"], snapshot["at"]) == (50.0, 70.0)
    assert (before["number"], snapshot["number"]) == (1, 2)
    for key in ("fraction_done", "eta_seconds", "epoch", "loss", "decisions", "loss_history"):
        assert snapshot[key] == before[key]


@pytest.mark.parametrize("resumed_after", [0, 1, 499, 777, 1000])
def test_resumed_history_stays_in_order(resumed_after: int) -> None:
    first = JobProgress("host:7", 1)
    for number in range(1, 1001):
        first.watch(epoch(number))
    second = JobProgress("host:8", 2, as_json(first.snapshot()))
    for number in range(resumed_after + 1, 3001):
        second.watch(epoch(number))
        epochs = epochs_of(second.snapshot())
        assert len(epochs) <= HISTORY_POINTS
        assert epochs == sorted(set(epochs))
    assert epochs[0] < 64
    assert epochs[-1] > 3000 - 64


def test_attempt_that_is_handed_over_does_not_count() -> None:
    progress = JobProgress("host:7", 3)
    progress.watch(epoch(5))
    progress.release_to_next_trainer()
    snapshot = as_json(progress.snapshot())
    assert (snapshot["phase"], snapshot["attempt"]) == ("waiting for a trainer", 2)
    assert snapshot["epoch"] == 5


def test_snapshots_are_consistent_while_another_thread_notes_epochs() -> None:
    progress = JobProgress("host:7", 1)
    progress.train(60.0)
    snapshots: list[dict[str, Any]] = []

    def collect() -> None:
        while not snapshots or snapshots[-1].get("epoch") != 3000:
            snapshots.append(as_json(progress.snapshot()))

    thread = threading.Thread(target=collect)
    thread.start()
    for number in range(1, 3001):
        progress.watch(epoch(number))
    thread.join(DEADLINE_SECONDS)
    assert not thread.is_alive()
    for snapshot in snapshots:
        epochs = epochs_of(snapshot)
        assert epochs == sorted(set(epochs))
        assert not epochs or epochs[-1] <= snapshot["epoch"]


def test_history_has_the_losses_of_each_model_that_was_tried() -> None:
    progress = JobProgress("host:7", 1)
    for count in (5_000, 60, 40):
        for number in range(1, count + 1):
            progress.watch(epoch(number))
            assert len(progress.snapshot()["loss_history"]) <= HISTORY_POINTS
    epochs = epochs_of(progress.snapshot())
    begins = [i for i, (a, b) in enumerate(itertools.pairwise(epochs), 1) if b <= a]
    assert len(begins) == 2
    assert epochs[begins[1] :] == list(range(1, 41))
