"""Asking for a first version, until there is one and never after."""

import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from registry import Registry
from tests.patience import until
from tests.trainer.linear_models import linear_model
from trainer.jobs import Jobs
from trainer.jobs.first_version import ask_for_first_version

PAUSE = 0.02


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    """Which nobody carries out."""
    with closing(Jobs(f"sqlite:///{tmp_path}/jobs.sqlite")) as jobs:
        yield jobs


@contextmanager
def asking(jobs: Jobs, models: Path) -> Iterator[threading.Thread]:
    stopping = threading.Event()
    given = (jobs, Registry.local(models), stopping, PAUSE)
    thread = threading.Thread(target=ask_for_first_version, args=given)
    thread.start()
    try:
        yield thread
    finally:
        stopping.set()
        thread.join(10)
    assert not thread.is_alive()


def make_version(models: Path) -> None:
    registry = Registry.local(models)
    version = registry.publish(linear_model(np.ones((2, 1))), {}, np.zeros((1, 2)))
    registry.promote(version.number, by="tests", reason="", at=datetime.now(UTC))


def test_where_there_is_a_version_nobody_asks(jobs: Jobs, tmp_path: Path) -> None:
    make_version(tmp_path / "models")
    with asking(jobs, tmp_path / "models") as thread:
        thread.join(10)
    assert jobs.newest(10) == []


def test_it_is_asked_for_again_where_it_failed_but_never_once_it_is_there(
    jobs: Jobs, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    with asking(jobs, models) as thread:
        first = until(jobs.active)
        assert first.document["request"]["data"] == "synthetic"
        assert first.document["by"] == "the first start"
        jobs.cancel(first.id)
        second = until(jobs.active)
        assert second.id != first.id
        make_version(models)
        thread.join(10)
        assert not thread.is_alive()
    assert len(jobs.newest(10)) == 2


def test_a_database_that_cannot_be_used_is_said_and_asked_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / "state"
    state.write_text("no folder")
    with (
        closing(Jobs(f"sqlite:///{state}/jobs.sqlite")) as jobs,
        caplog.at_level(logging.WARNING),
        asking(jobs, tmp_path / "models"),
    ):
        until(lambda: caplog.messages)
        assert caplog.messages[0].startswith("no first version yet: the jobs' database cannot be")
        state.unlink()
        until(jobs.active)
