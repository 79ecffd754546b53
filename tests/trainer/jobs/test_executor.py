"""Jobs that a real trainer runs: their outcomes, one at a time."""

import contextlib
import json
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.patience import until
from tests.trainer.faulty_trainer import DAMAGED, FAULTY, HANGS, NOT_FINITE, OTHER_FEATURES
from tests.trainer.installation import BETTER, LONG, TINY, Installation, Trainer
from trainer.errors import JobConflict, JobFinished

pytestmark = pytest.mark.slow

BEST = BETTER | {"layers": [16], "epochs": 300, "samples": 400}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Trainer]]:
    """An installation with a trainer that the tests of this module share."""
    with contextlib.closing(Installation(tmp_path_factory.mktemp("shared"))) as installation:
        trainer = installation.start_trainer(FAULTY)
        trainer.wait_for("waiting for jobs")
        yield installation, trainer


@pytest.fixture
def trainer(shared: tuple[Installation, Trainer]) -> Trainer:
    return shared[1]


@pytest.fixture
def installation(shared: tuple[Installation, Trainer]) -> Iterator[Installation]:
    """The shared installation, without a job of another test."""
    installation, trainer = shared
    assert trainer.process.poll() is None, trainer.log
    yield installation
    installation.cancel_active()


# Outcomes


def test_better_version_is_promoted_and_worse_version_is_kept_back(
    installation: Installation,
) -> None:
    before = installation.current()
    better = installation.run(BETTER | {"seed": 1})
    document = json.loads(json.dumps(better.document))
    assert better.state == document["state"] == "promoted"
    result = document["result"]
    assert result["version"] == installation.current() != before
    assert result["verdict"]["promote"]
    assert (document["fraction_done"], document["eta_seconds"]) == (1.0, 0.0)
    assert document["attempt"] == 1
    assert document["created_at"][:19] <= document["started_at"] <= document["finished_at"]
    assert "error" not in document
    assert "note" not in document
    assert document["loss_history"][0]["epoch"] < document["loss_history"][-1]["epoch"]
    card = installation.registry.card(result["version"])
    assert card["job"] == better.id
    assert result["metrics"] == card["metrics"]["test"]
    assert result["solver"] == "l-bfgs"

    worse = installation.run(TINY | {"seed": 1, "epochs": 1})
    verdict = worse.document["result"]["verdict"]
    assert worse.state == "kept_back"
    assert worse.document["result"]["version"] != installation.current() == result["version"]
    assert verdict["against"] == result["version"]
    assert verdict["candidate"] > verdict["current"]
    assert verdict["rows"] == 20
    assert f"version {result['version']}'s" in verdict["reason"]


def test_job_without_promotion_only_publishes(installation: Installation) -> None:
    before = installation.current()
    job = installation.run(BETTER | {"promote": False})
    assert job.state == "kept_back"
    assert (
        job.document["result"]["verdict"]["reason"] == "published without promotion, as requested"
    )
    assert installation.versions_of(job) == [job.document["result"]["version"]]
    assert installation.current() == before


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"data": "no.csv", "targets": ["y"]}, "there is no file no.csv in the data folder"),
        (
            {"data": "bad.csv", "targets": ["y"]},
            "bad.csv cannot be used:\n  line 2, column 'y': expected a finite number",
        ),
        (TINY | {"seed": NOT_FINITE}, "not finite"),
        (BEST | {"seed": DAMAGED}, "the file was changed or replaced"),
    ],
    ids=["missing file", "bad file", "weights not finite", "damaged version"],
)
def test_job_without_a_usable_version_fails_with_the_reason(
    installation: Installation, asked: dict[str, Any], reason: str
) -> None:
    data = installation.settings.data
    data.mkdir(exist_ok=True)
    (data / "bad.csv").write_text("a,y\n1,hunter2\n")
    before = installation.current()
    job = installation.run(asked)
    assert job.state == "failed"
    assert reason in job.document["error"]
    assert "hunter2" not in str(job.document)
    assert ("hunter2" in job.whole_error) == (asked.get("data") == "bad.csv")
    assert reason in job.whole_document["error"]
    assert "unexpected" not in job.document["error"]
    assert str(installation.folder) not in job.document["error"]
    assert "result" not in job.document
    assert installation.current() == before
    for number in installation.registry.versions():  # delete the damaged one before the next test
        with contextlib.suppress(FileNotFoundError):
            if number > (before or 0) and asked.get("seed") == DAMAGED:
                (installation.settings.models / f"{number}.npz").unlink()


def test_storage_failure_is_reported_without_the_folder(
    installation: Installation, trainer: Trainer
) -> None:
    models = installation.settings.models
    models.mkdir(exist_ok=True)
    aside = models.rename(models.with_name("aside"))
    models.write_bytes(b"")
    try:
        job = installation.run(TINY)
    finally:
        models.unlink()
        aside.rename(models)
    assert job.state == "failed"
    assert job.document["error"] == ("the models cannot be read or written: Not a directory")
    assert f"storage failed: cannot write under {models}: Not a directory" in trainer.log


def test_version_with_other_features_is_kept_back(installation: Installation) -> None:
    if installation.current() is None:
        installation.run(TINY)
    before = installation.current()
    job = installation.run(TINY | {"seed": OTHER_FEATURES})
    assert job.state == "kept_back"
    assert job.document["result"]["verdict"]["reason"] == (
        f"its features are p, q, r, s and version {before}'s are x1, x2, x3, x4: "
        f"clients would have to change"
    )
    assert installation.current() == before


def test_outcome_that_could_not_be_stored_is_stored_later(tmp_path: Path) -> None:
    with contextlib.closing(Installation(tmp_path)) as installation:
        installation.start_trainer().wait_for("waiting for jobs")
        database = installation.settings.state / "jobs.sqlite"
        installation.run(TINY | {"seed": 8})
        with contextlib.closing(sqlite3.connect(database)) as connection, connection:
            connection.execute(
                "CREATE TRIGGER full BEFORE UPDATE ON workflow_status WHEN NEW.status <> 'PENDING' "
                "AND OLD.status = 'PENDING' "
                "BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
            )
        job = installation.submit(TINY | {"seed": 9})
        try:
            until(lambda: installation.versions_of(job))
            with pytest.raises(JobConflict):
                installation.submit(TINY)
        finally:
            with contextlib.closing(sqlite3.connect(database)) as connection, connection:
                connection.execute("DROP TRIGGER full")
        ended = installation.wait_for(job)
        assert ended.state in ("promoted", "kept_back")
        assert ended.document["attempt"] == 1
        assert len(installation.versions_of(job)) == 1


# One at a time


def test_second_job_is_refused_while_one_runs(installation: Installation) -> None:
    job = installation.submit(LONG, key="long")
    running = installation.wait_for(job, epoch=1)
    assert running.state == "running"
    assert running.document["phase"] == "training"
    assert 0 < running.document["fraction_done"] < 1
    assert running.document["eta_seconds"] > 0
    with pytest.raises(JobConflict, match=rf"^job {job.id} is running, and only one job"):
        installation.submit(TINY)
    same, new = installation.jobs.submit(installation.request(LONG), asked=LONG, by="", key="long")
    assert (same.id, new) == (job.id, False)


def test_cancelled_job_stops_and_the_next_one_starts(
    installation: Installation, trainer: Trainer
) -> None:
    job = installation.wait_for(installation.submit(LONG | {"seed": 2}), epoch=10)
    assert installation.jobs.cancel(job.id).state == "cancelled"
    following = installation.submit(BETTER)
    done = installation.wait_for(following)  # the cancelled job alone would take an hour
    assert installation.jobs.get(job.id).state == "cancelled"
    assert installation.versions_of(job) == []
    assert installation.checkpoints() == []
    assert installation.jobs.cancel(job.id).state == "cancelled"
    with pytest.raises(JobFinished, match=rf"^job {done.id} has ended already: it is {done.state}"):
        installation.jobs.cancel(done.id)

    def idle() -> bool:
        before = trainer.cpu_seconds()
        time.sleep(0.3)
        return trainer.cpu_seconds() - before < 0.1

    until(idle)


def test_computation_that_ignores_cancellation_is_ended_by_a_restart(
    installation: Installation, trainer: Trainer
) -> None:
    """The last test of this module: the trainer has no faults after its restart."""
    job = installation.submit(TINY | {"seed": HANGS})
    until(lambda: installation.jobs.get(job.id).document.get("phase") == "training")
    installation.jobs.cancel(job.id)
    until(lambda: "the computation does not stop: restarting" in trainer.log)
    assert installation.run(TINY).state in {"promoted", "kept_back"}
    assert trainer.process.poll() is None  # the same process, with another program
    assert installation.versions_of(job) == []
    assert trainer.end(signal.SIGTERM) == 0
