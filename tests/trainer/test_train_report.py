"""`trainer/train.py --report`."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from trainer.train import main

Run = Callable[..., Result]
SHORT = ("--layers", 3, "--epochs", 3, "--solver", "l-bfgs", "--starts", 1, "--samples", 200)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs the command in this process."""
    for name in ("MODELS", "STATE", "DATA"):
        monkeypatch.setenv(f"NUMNET_{name}", str(tmp_path / name.lower()))
    return lambda *arguments: CliRunner().invoke(main, [*map(str, arguments)])


def test_the_report_is_on_the_version_that_was_trained(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    done = run(*SHORT, "--report", path, "--json")
    assert done.exit_code == 0
    assert f'"report": "{path}"' in done.stdout
    assert f"note: the report on version 1 is in {path}\n" in done.stderr
    assert "<h1>numnet, version 1</h1>" in path.read_text("utf-8")


def test_a_version_that_is_not_promoted_has_a_report(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    done = run(*SHORT, "--model", "pump", "--no-promote", "--report", path)
    assert done.exit_code == 0
    assert "<h1>pump, version 1</h1>" in path.read_text("utf-8")


def test_a_training_with_nothing_to_do_reports_on_the_current_version(
    run: Run, tmp_path: Path
) -> None:
    run(*SHORT)
    for option in (SHORT, ("--if-none",)):
        path = tmp_path / f"{len(option)}.html"
        done = run(*option, "--report", path)
        assert done.exit_code == 0
        assert "<h1>numnet, version 1</h1>" in path.read_text("utf-8")


def test_a_path_that_cannot_be_written_is_refused_before_the_training(
    run: Run, tmp_path: Path
) -> None:
    done = run(*SHORT, "--report", tmp_path / "missing" / "report.html")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: --report cannot be written to ")
    assert not list(tmp_path.rglob("*.npz"))
