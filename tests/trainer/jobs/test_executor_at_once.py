"""Jobs of several models that a real trainer runs, at the same time and one after the other."""

import contextlib
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.patience import DEADLINE_SECONDS, until
from tests.trainer.faulty_trainer import FAULTY, HANGS
from tests.trainer.installation import BETTER, LONG, TINY, Installation, age_database
from trainer.jobs import Job, Jobs, Request

pytestmark = pytest.mark.slow

NAMES = ("plant", "pump", "valve")
AT_ONCE = {"NUMNET_JOBS_AT_ONCE": "2"}


def submit(
    installation: Installation, model: str | None = None, asked: dict[str, Any] = LONG
) -> Job:
    of_model = {} if model is None else {"model": model}
    request = Request.like({}, asked | of_model)
    job, new = installation.jobs.submit(request, asked=asked, by="tests")
    assert new
    return job


def attempt(installation: Installation, job: Job) -> int:
    number: int = installation.jobs.get(job.id).document["attempt"]
    return number


def states(installation: Installation, jobs: list[Job]) -> list[str]:
    return [installation.jobs.get(job.id).state for job in jobs]


def test_jobs_run_one_after_the_other_in_the_order_of_their_submission(
    installation: Installation,
) -> None:
    jobs = [submit(installation, name, TINY) for name in (None, *NAMES)]
    installation.start_trainer()
    ended = [installation.wait_for(job) for job in jobs]
    assert [job.state for job in ended] == ["promoted"] * 4
    for before, after in pairwise(ended):
        assert before.document["finished_at"] <= after.document["started_at"]
    assert installation.current() == 1
    for name, job in zip(NAMES, ended[1:], strict=True):
        registry = installation.of_model(name)
        assert registry.versions() == [1]
        assert registry.card(1)["job"] == job.id
        assert [each.by for each in registry.history()] == [f"job {job.id}"]
    assert installation.registry.versions() == [1]


def test_so_many_jobs_run_at_once_and_the_next_one_starts_when_one_is_cancelled(
    installation: Installation,
) -> None:
    jobs = [submit(installation, name) for name in NAMES]
    installation.start_trainer(**AT_ONCE)
    first, second = (installation.wait_for(job, epoch=1) for job in jobs[:2])
    assert states(installation, jobs) == ["running", "running", "queued"]
    installation.jobs.cancel(first.id)
    installation.wait_for(jobs[2], epoch=1)
    assert states(installation, jobs) == ["cancelled", "running", "running"]
    epoch = installation.jobs.get(second.id).document["epoch"]
    installation.wait_for(second, epoch=epoch + 1)
    assert attempt(installation, second) == 1
    installation.jobs.cancel(jobs[2].id)
    again = submit(installation, "valve", BETTER)
    assert installation.wait_for(again).state == "promoted"
    assert installation.of_model("valve").card(1)["job"] == again.id
    assert attempt(installation, second) == 1


@pytest.mark.parametrize(
    ("number", "code", "attempts"),
    [(signal.SIGTERM, 0, 1), (signal.SIGKILL, -signal.SIGKILL, 2)],
    ids=["stopped", "killed"],
)
def test_next_trainer_resumes_every_running_job(
    installation: Installation, number: signal.Signals, code: int, attempts: int
) -> None:
    jobs = [submit(installation, name) for name in (None, "plant")]
    trainer = installation.start_trainer(FAULTY, **AT_ONCE)
    for job in jobs:
        installation.wait_for(job, epoch=1)
    until(lambda: len(installation.checkpoints()) == 2)
    assert trainer.end(number) == code
    before = [installation.jobs.get(job.id).document["epoch"] for job in jobs]
    if number == signal.SIGTERM:
        assert trainer.log.count("the next trainer resumes the job") == 2
        assert [attempt(installation, job) for job in jobs] == [0, 0]
        for job in jobs:
            phase = installation.jobs.get(job.id).document["phase"]
            assert phase == "waiting for a trainer"
    installation.start_trainer(FAULTY, **AT_ONCE)
    for job, epoch in zip(jobs, before, strict=True):
        installation.wait_for(job, epoch=epoch + 1)
    assert [attempt(installation, job) for job in jobs] == [attempts, attempts]
    assert len(installation.checkpoints()) == 2


def test_restart_because_of_one_job_is_no_crash_of_the_others(installation: Installation) -> None:
    other = submit(installation, "plant")
    stuck = submit(installation, None, TINY | {"seed": HANGS})
    trainer = installation.start_trainer(FAULTY, **AT_ONCE)
    epoch = installation.wait_for(other, epoch=1).document["epoch"]
    until(lambda: installation.jobs.get(stuck.id).document.get("phase") == "training")
    installation.jobs.cancel(stuck.id)
    until(lambda: trainer.log.count('"waiting for jobs"') == 2)
    assert "the computation does not stop: restarting" in trainer.log
    assert "the next trainer resumes the job" in trainer.log
    assert until(lambda: attempt(installation, other)) == 1
    installation.wait_for(other, epoch=epoch + 1)
    assert installation.jobs.get(stuck.id).state == "cancelled"
    assert installation.wait_for(submit(installation, None, TINY)).state == "promoted"
    assert trainer.end(signal.SIGTERM) == 0


def test_fewer_jobs_at_once_leave_the_others_queued(installation: Installation) -> None:
    jobs = [submit(installation, name) for name in NAMES]
    trainer = installation.start_trainer(NUMNET_JOBS_AT_ONCE="3")
    for job in jobs:
        installation.wait_for(job, epoch=1)
    assert trainer.end(signal.SIGTERM) == 0
    installation.start_trainer()
    until(lambda: states(installation, jobs) == ["running", "queued", "queued"])
    until(lambda: attempt(installation, jobs[0]) == 1)
    installation.jobs.cancel(jobs[0].id)
    until(lambda: states(installation, jobs) == ["cancelled", "running", "queued"])


def test_model_of_another_name_is_the_default_again_after_a_renaming(tmp_path: Path) -> None:
    """A queued job of the default follows its name; files stay where they are."""
    with contextlib.closing(Installation(tmp_path)) as installation:
        job = submit(installation, None, TINY)
        installation.start_trainer(NUMNET_MODEL_NAME="main")
        assert installation.wait_for(job).state == "promoted"
        assert installation.registry.versions() == [1]
        with contextlib.closing(Jobs(installation.settings.jobs_url, default_model="main")) as jobs:
            assert jobs.get(job.id).document["model"] == "main"


def test_installation_of_an_earlier_release_goes_on(installation: Installation) -> None:
    """Its model is retrained, and its queued and its running job are ended."""
    assert installation.wait_for(_with_trainer(installation, BETTER)).state == "promoted"
    installation.jobs.forget(0)
    job = submit(installation, None, TINY | {"seed": 5, "epochs": 60})
    age_database(installation.settings.state / "jobs.sqlite")
    installation.start_trainer(**AT_ONCE)
    ended = installation.wait_for(job)
    assert ended.state in ("promoted", "kept_back")
    assert ended.document["model"] == "numnet"
    assert installation.registry.versions() == [1, 2]
    assert installation.registry.card(2)["job"] == job.id
    assert installation.wait_for(submit(installation, "plant", TINY)).state == "promoted"
    assert installation.registry.versions() == [1, 2]


def test_running_job_of_an_earlier_release_is_resumed(installation: Installation) -> None:
    job = submit(installation)
    trainer = installation.start_trainer(FAULTY)
    installation.wait_for(job, epoch=1)
    until(installation.checkpoints)
    assert trainer.end(signal.SIGKILL) == -signal.SIGKILL
    epoch = installation.jobs.get(job.id).document["epoch"]
    age_database(installation.settings.state / "jobs.sqlite")
    installation.start_trainer(FAULTY)
    resumed = installation.wait_for(job, epoch=epoch + 1)
    assert (resumed.document["attempt"], resumed.document["model"]) == (2, "numnet")


def _with_trainer(installation: Installation, asked: dict[str, Any]) -> Job:
    """Run a job with a trainer that is stopped afterwards."""
    trainer = installation.start_trainer()
    job = installation.run(asked)
    trainer.process.send_signal(signal.SIGTERM)
    assert trainer.process.wait(DEADLINE_SECONDS) == 0
    return job
