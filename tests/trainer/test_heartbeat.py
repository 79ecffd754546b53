"""Signs of life, as a container's health check looks for them."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.patience import until
from tests.trainer.installation import ROOT, Installation
from trainer.heartbeat import BEAT_SECONDS, PATIENCE_SECONDS, Heartbeat


def check(folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "trainer.heartbeat"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_sign_of_life_grows_old(tmp_path: Path) -> None:
    path = tmp_path / "worker"
    assert Heartbeat(path).age() == float("inf")
    Heartbeat(path).beat()
    assert Heartbeat(path).age() < BEAT_SECONDS
    os.utime(path, (time.time() - 100, time.time() - 100))
    assert 100 <= Heartbeat(path).age() < 110
    Heartbeat(path).beat()
    assert Heartbeat(path).age() < BEAT_SECONDS


def test_signs_are_given_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    path = tmp_path / "worker"
    worker = Heartbeat(path)
    worker.beat()
    path.unlink()
    worker.beat()
    assert not path.exists()
    now += BEAT_SECONDS
    worker.beat()
    assert path.exists()


def test_no_link_is_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (tmp_path / "worker").symlink_to(target)
    Heartbeat(tmp_path / "worker").beat()
    assert not target.exists()


def test_a_folder_that_cannot_be_written_ends_no_worker(tmp_path: Path) -> None:
    Heartbeat(tmp_path / "missing" / "worker").beat()


def test_workers_that_work_and_that_wait_give_signs(
    installation: Installation, tmp_path: Path
) -> None:
    def healthy() -> bool:
        return check(folder).returncode == 0

    for name in ("works", "waits"):
        folder = tmp_path / name
        folder.mkdir()
        assert check(folder).stdout == "no worker was here yet\n"
        assert not healthy()
        worker = installation.start_worker(TMPDIR=str(folder))
        until(healthy)
        worker.process.send_signal(signal.SIGSTOP)
        [path] = folder.glob("numnet-worker-*")
        old = time.time() - PATIENCE_SECONDS - 1
        os.utime(path, (old, old))
        late = check(folder)
        assert late.returncode == 1
        assert re.fullmatch(r"the worker's last sign of life is 3\d s old\n", late.stdout)
        worker.process.send_signal(signal.SIGCONT)
        until(healthy)
