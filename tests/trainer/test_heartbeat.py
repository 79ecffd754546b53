"""The trainer's heartbeat and its health check."""

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
from trainer.heartbeat import INTERVAL_SECONDS, TIMEOUT_SECONDS, Heartbeat


def check(folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "trainer.heartbeat"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_age_grows_until_the_next_beat(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat"
    assert Heartbeat(path).age() == float("inf")
    Heartbeat(path).beat()
    assert Heartbeat(path).age() < INTERVAL_SECONDS
    os.utime(path, (time.time() - 100, time.time() - 100))
    assert 100 <= Heartbeat(path).age() < 110
    Heartbeat(path).beat()
    assert Heartbeat(path).age() < INTERVAL_SECONDS


def test_file_is_touched_once_per_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    path = tmp_path / "heartbeat"
    heartbeat = Heartbeat(path)
    heartbeat.beat()
    path.unlink()
    heartbeat.beat()
    assert not path.exists()
    now += INTERVAL_SECONDS
    heartbeat.beat()
    assert path.exists()


def test_links_are_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (tmp_path / "heartbeat").symlink_to(target)
    Heartbeat(tmp_path / "heartbeat").beat()
    assert not target.exists()


def test_named_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "heartbeat")
    Heartbeat(tmp_path / "heartbeat").beat()


def test_folder_that_cannot_be_written_is_ignored(tmp_path: Path) -> None:
    Heartbeat(tmp_path / "missing" / "heartbeat").beat()


@pytest.mark.slow
def test_trainers_with_and_without_the_lock_are_healthy(
    installation: Installation, tmp_path: Path
) -> None:
    def healthy() -> bool:
        return check(folder).returncode == 0

    for name in ("active", "standby"):
        folder = tmp_path / name
        folder.mkdir()
        assert check(folder).stdout == "no heartbeat yet\n"
        assert not healthy()
        trainer = installation.start_trainer(TMPDIR=str(folder))
        until(healthy)
        trainer.process.send_signal(signal.SIGSTOP)
        [path] = folder.glob("numnet-trainer-*")
        old = time.time() - TIMEOUT_SECONDS - 1
        os.utime(path, (old, old))
        late = check(folder)
        assert late.returncode == 1
        assert re.fullmatch(r"the trainer's last heartbeat was 3\d s ago\n", late.stdout)
        trainer.process.send_signal(signal.SIGCONT)
        until(healthy)
