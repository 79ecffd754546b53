"""The request for a first version, repeated until there is one and never after."""

import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from registry import Registry
from tests.patience import DEADLINE_SECONDS, until
from tests.trainer.linear_models import linear_model
from trainer.jobs import Jobs
from trainer.jobs.first_version import TARGET_MSE, request_first_version

RETRY_SECONDS = 0.02


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    """Jobs that no trainer runs."""
    with closing(Jobs(f"sqlite:///{tmp_path}/jobs.sqlite")) as jobs:
        yield jobs


@contextmanager
def requesting(jobs: Jobs, models: Path) -> Iterator[threading.Thread]:
    stopping = threading.Event()
    given = (jobs, Registry.local(models), stopping, RETRY_SECONDS)
    thread = threading.Thread(target=request_first_version, args=given)
    thread.start()
    try:
        yield thread
    finally:
        stopping.set()
        thread.join(DEADLINE_SECONDS)
    assert not thread.is_alive()


def make_version(models: Path) -> None:
    registry = Registry.local(models)
    version = registry.publish(linear_model(np.ones((2, 1))), {}, np.zeros((1, 2)))
    registry.promote(version.number, by="tests", reason="", at=datetime.now(UTC))


def test_nothing_is_requested_if_a_version_is_current(jobs: Jobs, tmp_path: Path) -> None:
    make_version(tmp_path / "models")
    with requesting(jobs, tmp_path / "models") as thread:
        thread.join(DEADLINE_SECONDS)
    assert jobs.newest(10) == []


def test_request_is_repeated_until_a_version_is_current(jobs: Jobs, tmp_path: Path) -> None:
    models = tmp_path / "models"
    with requesting(jobs, models) as thread:
        first = until(jobs.active)
        assert first.document["request"]["data"] == "synthetic"
        assert first.document["request"]["recipe"] == {"target_mse": TARGET_MSE}
        assert first.document["by"] == "the first start"
        jobs.cancel(first.id)
        second = until(jobs.active)
        assert second.id != first.id
        make_version(models)
        thread.join(DEADLINE_SECONDS)
        assert not thread.is_alive()
    assert len(jobs.newest(10)) == 2


def test_unusable_database_is_logged_and_retried(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / "state"
    state.write_text("no folder")
    with (
        closing(Jobs(f"sqlite:///{state}/jobs.sqlite")) as jobs,
        caplog.at_level(logging.WARNING),
        requesting(jobs, tmp_path / "models"),
    ):
        until(lambda: caplog.messages)
        assert caplog.messages[0].startswith(
            "cannot train a first version yet: the job database cannot be"
        )
        state.unlink()
        until(jobs.active)
