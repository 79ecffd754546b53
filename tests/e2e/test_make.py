"""`make setup` on machines that lack something says what."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from trainer.jobs.first_version import TARGET_MSE

ROOT = Path(__file__).resolve().parents[2]

TOO_OLD = """#!/bin/sh
case "$1" in --version) echo "Python 3.9.2";; *) exit 1;; esac
"""
WITHOUT_VENV = """#!/bin/sh
case "$*" in *ensurepip*) exit 1;; *) exit 0;; esac
"""


def make_setup(folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    for name in ("Makefile", "requirements"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, folder / name)
    make = shutil.which("make")
    assert make
    return subprocess.run(
        [make, "setup"],
        cwd=folder,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (TOO_OLD, "python3 is Python 3.9.2: numnet needs Python 3.11 or newer"),
        (WITHOUT_VENV, "python3 has no venv module: install it"),
    ],
)
def test_an_unfit_python_is_named(tmp_path: Path, script: str, message: str) -> None:
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.write_text(script)
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    outcome = make_setup(tmp_path, f"{python.parent}:{os.defpath}")
    assert outcome.returncode != 0
    assert message in outcome.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_missing_python_is_named(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "rm", "touch", "echo"):
        found = shutil.which(tool)
        assert found
        (tools / tool).symlink_to(found)
    outcome = make_setup(tmp_path, str(tools))
    assert outcome.returncode != 0
    assert "python3 was not found: numnet needs Python 3.11 or newer" in outcome.stderr


def test_make_run_stops_at_the_error_at_which_containers_do() -> None:
    outcome = subprocess.run(
        ["make", "--dry-run", "run"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    option = re.search(r"train\.py --if-none --target-mse (\S+)", outcome.stdout)
    assert option
    assert float(option[1]) == TARGET_MSE
