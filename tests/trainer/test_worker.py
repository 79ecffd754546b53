"""Jobs carried out by real workers, which are killed, stopped, cancelled and replaced."""

import contextlib
import json
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.patience import until
from tests.trainer.faulty_worker import (
    DAMAGED,
    DIES,
    DIES_BEFORE_PROMOTION,
    FAULTY,
    HANGS,
    NOT_FINITE,
    OTHER_FEATURES,
)
from tests.trainer.installation import BETTER, LONG, TINY, WORKER, Installation, Worker, end_holder
from trainer.data.synthetic import synthetic_table
from trainer.errors import JobConflict, JobFinished
from trainer.jobs import Jobs
from trainer.training.checkpoint import Checkpoint
from trainer.training.training import train

NEW_JOB_SECONDS = 2.0


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Worker]]:
    """An installation with a worker that the tests share, as long as it lives."""
    with contextlib.closing(Installation(tmp_path_factory.mktemp("shop"))) as installation:
        worker = installation.start_worker(FAULTY)
        worker.wait_for("waiting for jobs")
        yield installation, worker


@pytest.fixture
def open_shop(shop: tuple[Installation, Worker]) -> Iterator[Installation]:
    """With nothing left to do from another test."""
    installation, worker = shop
    assert worker.process.poll() is None, worker.log
    yield installation
    installation.cancel_active()


def started_at(document: dict[str, Any]) -> float:
    return datetime.fromisoformat(document["started_at"]).timestamp()


# What comes of a job


def test_a_better_version_is_promoted_and_a_worse_one_kept_back_with_the_numbers(
    open_shop: Installation,
) -> None:
    before = open_shop.current()
    better = open_shop.run(BETTER | {"seed": 1})
    document = json.loads(json.dumps(better.document))
    assert better.state == document["state"] == "promoted"
    result = document["result"]
    assert result["version"] == open_shop.current() != before
    assert result["verdict"]["promote"]
    assert (document["fraction_done"], document["eta_seconds"]) == (1.0, 0.0)
    assert document["attempt"] == 1
    assert document["created_at"][:19] <= document["started_at"] <= document["finished_at"]
    assert "error" not in document
    assert "note" not in document
    assert document["loss_history"][0]["epoch"] < document["loss_history"][-1]["epoch"]
    card = open_shop.registry.card(result["version"])
    assert card["job"] == better.id
    assert result["metrics"] == card["metrics"]["test"]
    assert result["solver"] == "l-bfgs"

    worse = open_shop.run(TINY | {"seed": 1, "epochs": 1})
    verdict = worse.document["result"]["verdict"]
    assert worse.state == "kept_back"
    assert worse.document["result"]["version"] != open_shop.current() == result["version"]
    assert verdict["against"] == result["version"]
    assert verdict["candidate"] > verdict["current"]
    assert verdict["rows"] == 20
    assert f"version {result['version']}'s" in verdict["reason"]


def test_a_job_may_publish_only(open_shop: Installation) -> None:
    before = open_shop.current()
    job = open_shop.run(BETTER | {"promote": False})
    assert job.state == "kept_back"
    assert job.document["result"]["verdict"]["reason"] == "published only, as was asked for"
    assert open_shop.versions_of(job) == [job.document["result"]["version"]]
    assert open_shop.current() == before


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"data": "no.csv", "targets": ["y"]}, "there is no file no.csv in the data folder"),
        ({"data": "bad.csv", "targets": ["y"]}, "bad.csv cannot be used:\n  line 2, column 'y': "),
        (TINY | {"seed": NOT_FINITE}, "not finite"),
        (TINY | {"seed": DAMAGED}, "damaged or cut short"),
    ],
    ids=["no file", "bad file", "weights that are no numbers", "damaged on disk"],
)
def test_a_job_that_makes_no_good_version_fails_with_the_reason(
    open_shop: Installation, asked: dict[str, Any], reason: str
) -> None:
    data = open_shop.settings.data
    data.mkdir(exist_ok=True)
    (data / "bad.csv").write_text("a,y\n1,x\n")
    before = open_shop.current()
    job = open_shop.run(asked)
    assert job.state == "failed"
    assert reason in job.document["error"]
    assert "unexpected" not in job.document["error"]
    assert str(open_shop.folder) not in job.document["error"]
    assert "result" not in job.document
    assert open_shop.current() == before
    for number in open_shop.registry.versions():  # so that later jobs do not meet it
        with contextlib.suppress(FileNotFoundError):
            if number > (before or 0) and reason == "damaged or cut short":
                (open_shop.settings.models / f"{number}.npz").unlink()


def test_a_version_that_cannot_be_stored_is_a_failure_that_names_no_folder(
    open_shop: Installation, shop: tuple[Installation, Worker]
) -> None:
    models = open_shop.settings.models
    models.mkdir(exist_ok=True)
    aside = models.rename(models.with_name("aside"))
    models.write_bytes(b"")
    try:
        job = open_shop.run(TINY)
    finally:
        models.unlink()
        aside.rename(models)
    assert job.state == "failed"
    assert job.document["error"] == ("the models cannot be read or written: Not a directory")
    assert f"storage failed: cannot write under {models}: Not a directory" in shop[1].log


def test_a_version_with_other_features_is_kept_back(open_shop: Installation) -> None:
    if open_shop.current() is None:
        open_shop.run(TINY)
    before = open_shop.current()
    job = open_shop.run(TINY | {"seed": OTHER_FEATURES})
    assert job.state == "kept_back"
    assert job.document["result"]["verdict"]["reason"] == (
        f"its features are p, q, r, s and version {before}'s are x1, x2, x3, x4: "
        f"clients would have to change"
    )
    assert open_shop.current() == before


# One at a time


def test_while_a_job_runs_there_is_no_other(open_shop: Installation) -> None:
    job = open_shop.submit(LONG, key="long")
    running = open_shop.wait_for(job, epoch=1)
    assert running.state == "running"
    assert running.document["phase"] == "training"
    assert 0 < running.document["fraction_done"] < 1
    assert running.document["eta_seconds"] > 0
    with pytest.raises(JobConflict, match=rf"^job {job.id} is running; one job is carried"):
        open_shop.submit(TINY)
    same, new = open_shop.jobs.submit(open_shop.request(LONG), asked=LONG, by="", key="long")
    assert (same.id, new) == (job.id, False)


def test_a_cancelled_job_stops_and_the_next_one_starts(
    open_shop: Installation, shop: tuple[Installation, Worker]
) -> None:
    _, worker = shop
    job = open_shop.wait_for(open_shop.submit(LONG | {"seed": 2}), epoch=10)
    began = time.time()
    assert open_shop.jobs.cancel(job.id).state == "cancelled"
    following = open_shop.submit(BETTER)
    done = open_shop.wait_for(following)
    assert started_at(done.document) - began < NEW_JOB_SECONDS
    assert open_shop.jobs.get(job.id).state == "cancelled"
    assert open_shop.versions_of(job) == []
    assert open_shop.checkpoints() == []
    assert open_shop.jobs.cancel(job.id).state == "cancelled"
    with pytest.raises(JobFinished, match=rf"^job {done.id} is {done.state} already$"):
        open_shop.jobs.cancel(done.id)

    def idle() -> bool:
        before = worker.cpu_seconds()
        time.sleep(0.3)
        return worker.cpu_seconds() - before < 0.1

    until(idle, 3)


def test_a_computation_that_does_not_notice_is_ended_with_its_process(
    open_shop: Installation, shop: tuple[Installation, Worker]
) -> None:
    """To be the last one: the worker is an ordinary one after that."""
    _, worker = shop
    job = open_shop.submit(TINY | {"seed": HANGS})
    until(lambda: open_shop.jobs.get(job.id).document.get("phase") == "training")
    began = time.monotonic()
    open_shop.jobs.cancel(job.id)
    until(lambda: "does not notice that it is to end: starting anew" in worker.log, 2)
    assert time.monotonic() - began < 2.0
    assert open_shop.run(TINY).state in {"promoted", "kept_back"}
    assert worker.process.poll() is None  # the same process, with another program
    assert open_shop.versions_of(job) == []
    assert worker.send(signal.SIGTERM) == 0


# Workers that end


def test_a_stopped_and_a_killed_workers_job_goes_on_from_its_checkpoint(
    installation: Installation,
) -> None:
    asked = TINY | {"solver": "adam", "epochs": 6000, "patience": 6000, "max_seconds": 60.0}
    job = installation.submit(asked)

    for _ in range(3):
        installation.start_worker(FAULTY)

    stopped = installation.at_work(job)
    until(lambda: epoch_of(installation) >= 1)
    assert stopped.send(signal.SIGTERM) == 0
    assert "the job goes on with the next worker" in stopped.log
    epochs = [epoch_of(installation)]
    left = installation.jobs.get(job.id)
    assert (left.state, left.document["attempt"]) == ("running", 0)  # that one does not count
    assert left.document["phase"] == "waiting for a worker"

    killed = installation.at_work(job)
    until(lambda: epoch_of(installation) > epochs[0])
    assert installation.jobs.get(job.id).document["attempt"] == 1
    assert killed.send(signal.SIGKILL) == -signal.SIGKILL
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
    whole = train(synthetic_table(200, 0), installation.request(asked).make_recipe())
    resumed = installation.registry.load(version)
    assert resumed.model.theta.tobytes() == whole.model.theta.tobytes()
    assert resumed.card["training"]["epochs"] == 6000


def epoch_of(installation: Installation) -> int:
    """The epoch that the one checkpoint was written after; 0 where there is none yet."""
    for path in installation.checkpoints():
        checkpoint = Checkpoint(path.parent, {})
        checkpoint.path = path
        state = checkpoint.read()
        return len(state["history"]) if state else 0
    return 0


def test_a_worker_killed_before_promoting_leaves_one_version_that_is_promoted(
    installation: Installation,
) -> None:
    job = installation.submit(TINY | {"seed": DIES_BEFORE_PROMOTION})
    killed = installation.start_worker(FAULTY)
    assert killed.process.wait(20) == -signal.SIGKILL
    assert installation.registry.versions() == [1]
    assert installation.current() is None
    with contextlib.closing(
        Jobs(installation.settings.jobs_url, lambda: time.time() + 60)
    ) as later:
        assert (
            later.get(job.id).document["note"].startswith("its worker has not been heard of for ")
        )
    installation.start_worker()
    done = installation.wait_for(job)
    assert done.state == "promoted"
    assert done.document["attempt"] == 2
    assert done.document["result"]["version"] == installation.current() == 1
    assert installation.registry.versions() == [1]
    assert installation.registry.promotion_numbers() == [1]


def test_a_job_that_kills_its_worker_three_times_fails(installation: Installation) -> None:
    job = installation.submit(TINY | {"seed": DIES})
    workers = [installation.start_worker(FAULTY) for _ in range(4)]
    failed = installation.wait_for(job)
    assert failed.state == "failed"
    assert failed.document["error"] == "its worker ended 3 times before it was done"
    codes = [worker.process.poll() for worker in workers]
    assert (codes.count(-signal.SIGKILL), codes.count(None)) == (3, 1)
    assert installation.registry.versions() == []


def test_a_worker_that_is_stopped_does_not_start_anew(installation: Installation) -> None:
    job = installation.submit(TINY | {"seed": HANGS})
    worker = installation.start_worker(FAULTY)
    until(lambda: installation.jobs.get(job.id).document.get("phase") == "training")
    worker.process.send_signal(signal.SIGTERM)
    installation.jobs.cancel(job.id)
    assert worker.process.wait(4) == 0


def test_a_first_version_is_trained_where_there_is_none(installation: Installation) -> None:
    worker = installation.start_worker([*WORKER, "--train-first"])
    worker.wait_for("there is no version: training a first one")
    job = until(installation.jobs.active)
    assert (job.document["by"], job.document["request"]["data"]) == ("the first start", "synthetic")
    assert worker.send(signal.SIGKILL) == -signal.SIGKILL

    # whoever is next goes on with that job, and asks for no other
    worker = installation.start_worker([*WORKER, "--train-first"])
    assert installation.wait_for(job).state == "promoted"
    assert installation.current() == 1
    assert worker.send(signal.SIGTERM) == 0

    worker = installation.start_worker([*WORKER, "--train-first"])
    worker.wait_for("waiting for jobs")
    assert [each.id for each in installation.jobs.newest(10)] == [job.id]


def test_a_worker_without_a_job_stops_at_once(installation: Installation) -> None:
    first = installation.start_worker()
    first.wait_for("waiting for jobs")
    second = installation.start_worker()
    for worker in (second, first):  # one of them waits for the other's lock
        began = time.monotonic()
        assert worker.send(signal.SIGTERM) in {0, -signal.SIGTERM}
        assert time.monotonic() - began < 3.0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"NUMNET_RETRAIN_CRON": "daily"}, "error: NUMNET_RETRAIN_CRON=daily: expected five"),
        (
            {"NUMNET_DATABASE_URL": "postgresql://ada:s3cr3t@127.0.0.1:1/jobs"},
            "error: the database of jobs cannot be used: ",
        ),
    ],
)
def test_a_worker_that_cannot_work_says_why(
    installation: Installation, setting: dict[str, str], message: str
) -> None:
    worker = installation.start_worker(**setting)
    assert worker.process.wait(20) == 1
    assert message in worker.log
    assert "s3cr3t" not in worker.log
    assert "Traceback" not in worker.log


# PostgreSQL


@pytest.fixture
def on_postgresql(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("postgresql")
    with contextlib.closing(Installation(folder, new_database())) as fresh:
        yield fresh


def test_of_two_workers_one_works_and_the_other_takes_over(on_postgresql: Installation) -> None:
    job = on_postgresql.submit(LONG)
    workers = [on_postgresql.start_worker(FAULTY) for _ in range(2)]
    on_postgresql.wait_for(job, epoch=10)
    at_work = on_postgresql.at_work(job)
    workers.remove(at_work)
    [waiting] = workers
    assert "job begins" in at_work.log
    until(on_postgresql.checkpoints)
    assert "waiting for jobs" not in waiting.log

    assert at_work.send(signal.SIGKILL) == -signal.SIGKILL
    taken_over = until(
        lambda: (
            on_postgresql.jobs.get(job.id).document.get("attempt") == 2
            and on_postgresql.jobs.get(job.id)
        )
    )
    assert taken_over.document["worker"].endswith(f":{waiting.process.pid}")

    # its lock is lost with its connection: it starts anew, and goes on as there is no other
    end_holder(on_postgresql.settings.jobs_url)
    waiting.wait_for("the lock in the database is lost: starting anew")
    until(lambda: on_postgresql.jobs.get(job.id).document.get("attempt") == 3)
    assert waiting.log.count('"waiting for jobs"') == 2

    assert on_postgresql.jobs.cancel(job.id).state == "cancelled"
    assert on_postgresql.run(BETTER).state == "promoted"
    assert on_postgresql.registry.versions() == [1]
    assert waiting.send(signal.SIGTERM) == 0
