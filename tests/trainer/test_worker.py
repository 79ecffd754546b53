"""Trainer processes that are stopped, killed and replaced."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import Settings
from tests.patience import DEADLINE_SECONDS, until
from tests.single_network import network
from tests.trainer.faulty_trainer import CRASHES, CRASHES_BEFORE_PROMOTION, FAULTY, HANGS
from tests.trainer.installation import (
    BETTER,
    LONG,
    TINY,
    Installation,
    kill_lock_connection,
)
from trainer import worker
from trainer.data.synthetic import synthetic_table
from trainer.jobs import Jobs
from trainer.training.checkpoint import Checkpoint
from trainer.training.training import train

pytestmark = pytest.mark.slow

QUICK_FIRST_VERSION = """
import functools
from trainer import worker
from trainer.jobs import first_version
first_version.Request = functools.partial(
    first_version.Request, samples=1000, recipe={"epochs": 200, "layers": [8]}
)
worker.main()
"""


def test_job_of_a_stopped_and_of_a_killed_trainer_resumes_from_its_checkpoint(
    installation: Installation,
) -> None:
    asked = TINY | {"solver": "adam", "epochs": 6000, "patience": 6000, "max_seconds": 3600.0}
    job = installation.submit(asked)

    for _ in range(3):
        installation.start_trainer(FAULTY)

    stopped = installation.trainer_of(job)
    until(lambda: epoch_of(installation) >= 1)
    assert stopped.end(signal.SIGTERM) == 0
    assert "the next trainer resumes the job" in stopped.log
    epochs = [epoch_of(installation)]
    left = installation.jobs.get(job.id)
    assert (left.state, left.document["attempt"]) == ("running", 0)  # that one does not count
    assert left.document["phase"] == "waiting for a trainer"

    killed = installation.trainer_of(job)
    until(lambda: epoch_of(installation) > epochs[0])
    assert installation.jobs.get(job.id).document["attempt"] == 1
    assert killed.end(signal.SIGKILL) == -signal.SIGKILL
    epochs.append(epoch_of(installation))
    assert installation.versions_of(job) == []

    done = installation.wait_for(job)
    assert done.state == "promoted"
    assert done.document["attempt"] == 2
    [version] = installation.versions_of(job)
    assert installation.registry.versions() == [version]
    assert installation.checkpoints() == []
    assert epochs[0] < epochs[1] < 6000
    history = done.document["loss_history"]
    numbers = [point["epoch"] for point in history]
    assert numbers == sorted(set(numbers))
    uninterrupted = train(synthetic_table(200, 0), installation.request(asked).make_recipe())
    resumed = installation.registry.load(version)
    assert network(resumed.model).theta.tobytes() == network(uninterrupted.model).theta.tobytes()
    assert resumed.card["training"]["epochs"] == 6000


def epoch_of(installation: Installation) -> int:
    """Return the epoch of the one checkpoint; 0 if there is none yet."""
    for path in installation.checkpoints():
        checkpoint = Checkpoint(path.parent, {})
        checkpoint.path = path
        state = checkpoint.read()
        return len(state["history"]) if state else 0
    return 0


def test_version_published_before_a_crash_is_promoted_and_not_trained_again(
    installation: Installation,
) -> None:
    job = installation.submit(TINY | {"seed": CRASHES_BEFORE_PROMOTION})
    killed = installation.start_trainer(FAULTY)
    assert killed.process.wait(DEADLINE_SECONDS) == -signal.SIGKILL
    assert installation.registry.versions() == [1]
    assert installation.current() is None
    with contextlib.closing(
        Jobs(installation.settings.jobs_url, lambda: time.time() + 60)
    ) as later:
        assert later.get(job.id).document["note"].startswith("no report from the trainer for ")
    installation.start_trainer()
    done = installation.wait_for(job)
    assert done.state == "promoted"
    assert done.document["attempt"] == 2
    assert done.document["result"]["version"] == installation.current() == 1
    assert installation.registry.versions() == [1]
    assert installation.registry.promotion_numbers() == [1]


def test_job_that_crashes_its_trainer_three_times_fails(installation: Installation) -> None:
    job = installation.submit(TINY | {"seed": CRASHES})
    trainers = [installation.start_trainer(FAULTY) for _ in range(4)]
    failed = installation.wait_for(job)
    assert failed.state == "failed"
    assert failed.document["error"] == "the trainer crashed in 3 attempts at this job"
    codes = [trainer.process.poll() for trainer in trainers]
    assert (codes.count(-signal.SIGKILL), codes.count(None)) == (3, 1)
    assert installation.registry.versions() == []


def test_stopped_trainer_does_not_restart(installation: Installation) -> None:
    job = installation.submit(TINY | {"seed": HANGS})
    trainer = installation.start_trainer(FAULTY)
    until(lambda: installation.jobs.get(job.id).document.get("phase") == "training")
    trainer.process.send_signal(signal.SIGTERM)
    installation.jobs.cancel(job.id)
    assert trainer.process.wait(DEADLINE_SECONDS) == 0


def test_train_first_trains_a_version_if_there_is_none(installation: Installation) -> None:
    trainer = installation.start_trainer(["-c", QUICK_FIRST_VERSION, "--train-first"])
    trainer.wait_for("no version yet: training a first one")
    job = until(installation.jobs.active)
    assert (job.document["by"], job.document["request"]["data"]) == ("the first start", "synthetic")
    assert trainer.end(signal.SIGKILL) == -signal.SIGKILL

    # the next trainer resumes that job and submits no other
    trainer = installation.start_trainer(["-c", QUICK_FIRST_VERSION, "--train-first"])
    assert installation.wait_for(job).state == "promoted"
    assert installation.current() == 1
    assert trainer.end(signal.SIGTERM) == 0

    trainer = installation.start_trainer(["-c", QUICK_FIRST_VERSION, "--train-first"])
    trainer.wait_for("waiting for jobs")
    assert [each.id for each in installation.jobs.newest(10)] == [job.id]


def test_idle_trainer_stops_at_once(installation: Installation) -> None:
    first = installation.start_trainer()
    first.wait_for("waiting for jobs")
    second = installation.start_trainer()
    for trainer in (second, first):  # the second waits for the first one's lock
        assert trainer.end(signal.SIGTERM) in {0, -signal.SIGTERM}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"NUMNET_RETRAIN_CRON": "daily"}, "error: NUMNET_RETRAIN_CRON=daily: expected five"),
        (
            {"NUMNET_DATABASE_URL": "postgresql://ada:s3cr3t@127.0.0.1:1/jobs"},
            "error: the job database cannot be used: ",
        ),
        (
            {"NUMNET_STATE": "/dev/null"},
            "cannot be used: File exists; it is /dev/null; NUMNET_STATE must be a folder\n",
        ),
    ],
)
def test_trainer_that_cannot_start_logs_the_reason(
    installation: Installation, setting: dict[str, str], message: str
) -> None:
    trainer = installation.start_trainer(**setting)
    assert trainer.process.wait(DEADLINE_SECONDS) == 1
    assert message in trainer.log
    assert "s3cr3t" not in trainer.log
    assert "Traceback" not in trainer.log


@pytest.mark.parametrize("put", [Path.mkdir, lambda path: path.write_bytes(b"none" * 999)])
def test_unusable_file_of_jobs_ends_the_trainer_with_its_path_and_a_remedy(
    installation: Installation, tmp_path: Path, put: Callable[[Path], object]
) -> None:
    path = tmp_path / "jobs.sqlite"
    put(path)
    trainer = installation.start_trainer(NUMNET_STATE=str(tmp_path))
    assert trainer.process.wait(DEADLINE_SECONDS) == 1
    *_, last_line = trainer.log.splitlines()
    assert last_line.startswith("error: the job database cannot be used: ")
    assert last_line.endswith(f"; it is {path}; move it away, and the trainer makes a new one")
    assert "Traceback" not in trainer.log


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (PermissionError(13, "Permission denied", "/tmp"), "must be able to write it"),
        (OSError(28, "No space left on device", "/tmp"), "make space on its disk"),
        (NotADirectoryError(20, "Not a directory", "/tmp"), "NUMNET_STATE must be a folder"),
    ],
)
def test_no_folder_is_to_be_moved_away(error: OSError, remedy: str) -> None:
    explained = worker._explained(error, Settings(admin_token="an-admin-t0ken-of-tests"))
    assert explained.endswith(remedy)


# PostgreSQL


@pytest.fixture
def on_postgresql(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("postgresql")
    with contextlib.closing(Installation(folder, new_database())) as fresh:
        yield fresh


def test_second_trainer_takes_over_from_the_first(on_postgresql: Installation) -> None:
    job = on_postgresql.submit(LONG)
    trainers = [on_postgresql.start_trainer(FAULTY) for _ in range(2)]
    on_postgresql.wait_for(job, epoch=10)
    active = on_postgresql.trainer_of(job)
    trainers.remove(active)
    [standby] = trainers
    assert "job starts" in active.log
    until(on_postgresql.checkpoints)
    assert "waiting for jobs" not in standby.log

    assert active.end(signal.SIGKILL) == -signal.SIGKILL
    resumed = until(
        lambda: (
            on_postgresql.jobs.get(job.id).document.get("attempt") == 2
            and on_postgresql.jobs.get(job.id)
        )
    )
    assert resumed.document["worker"].endswith(f":{standby.process.pid}")

    # without its connection the trainer loses the lock, restarts, and takes the free lock again
    kill_lock_connection(on_postgresql.settings.jobs_url)
    standby.wait_for("the trainer's lock is lost: restarting")
    until(lambda: on_postgresql.jobs.get(job.id).document.get("attempt") == 3)
    assert standby.log.count('"waiting for jobs"') == 2

    assert on_postgresql.jobs.cancel(job.id).state == "cancelled"
    assert on_postgresql.run(BETTER).state == "promoted"
    assert on_postgresql.registry.versions() == [1]
    assert standby.end(signal.SIGTERM) == 0
