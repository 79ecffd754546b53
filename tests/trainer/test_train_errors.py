"""Errors of `trainer/train.py`: exit code, stderr, JSON, and that nothing is published."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from trainer.train import main

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty working folder, and remove the settings of the environment."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("NUMNET_"):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    """Return a function that runs the command in this process."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [*map(str, arguments)])

    return run


def last_line(done: Result) -> dict[str, Any]:
    outcome: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return outcome


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layers", "32,x"], "expected whole numbers like 32,16, got '32,x'"),
        (["--activation", "tan"], "'tan' is not one of 'tanh', 'relu'"),
        (["--samples", "9"], "9 is not in the range 10<=x<=100000000"),
        (["--target", "y"], "--target, --features and --weights need --data FILE"),
        (["--data", "t.csv"], "--data FILE needs --target: the column to predict"),
        (["--data", "t.csv", "--target", "y", "--samples", "99"], "--samples applies to synth"),
        (
            ["--loss", "huber", "--solver", "levenberg-marquardt"],
            "loss must be squared for solver",
        ),
        (
            ["--solver", "bfgs", "--layers", "128,64"],
            "8,961 parameters are too many, the",
        ),
        (["--target-mse", "0"], "target_mse must be a finite number above 0, got 0.0"),
        (["--max-seconds", "inf"], "max_seconds must be a finite number above 0, got inf"),
        (["--layers", "8,0"], "layers must be whole numbers from 1 to 10,000,000, got (8, 0)"),
        (
            ["--seed", "100000000000000000000"],
            "seed must be a whole number from 0 to",
        ),
        (["--surprise"], "No such option"),
        (["extra"], "unexpected extra argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_exits_with_code_two_and_the_reason(
    arguments: list[str], message: str, run: Run, folder: Path
) -> None:
    done = run(*arguments, "--json")
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stdout == "" or last_line(done)["state"] == "failed"
    assert not list(folder.glob("models/*"))


CSV = ["--data", "t.csv", "--target", "y"]
NUMBERS = "".join(f"{k},{k * k}\n" for k in range(20))

FAILURES = {
    "text cell": (
        CSV,
        "a,y\n" + NUMBERS.replace("\n3,", "\nthree,"),
        "t.csv cannot be used:\n  line 5, column 'a': expected a finite number, got 'three'",
    ),
    "header alone": (CSV, "a,y\n", "t.csv has 0 rows; a training needs at least 10"),
    "two rows": (CSV, "a,y\n1,2\n3,4\n", "t.csv has 2 rows; a training needs at least 10"),
    "missing target": (CSV, f"a,b\n{NUMBERS}", "t.csv has no column 'y'; its columns are: a, b"),
    "constant target": (
        CSV,
        "a,y\n" + "".join(f"{k},1\n" for k in range(20)),
        "t.csv: target 'y' is 1.0 in every row; expected at least two different values",
    ),
    "missing file": (
        ["--data", "gone.csv", "--target", "y"],
        "",
        "cannot read gone.csv: No such file or directory",
    ),
    "divergence": (
        ["--activation", "relu", "--solver", "sgd", "--learning-rate", "1e9", "--epochs", "9"],
        "",
        (
            "the training ended (diverged) before it found anything better than its random start: "
            "try a learning rate below 1e+09"
        ),
    ),
}


@pytest.mark.parametrize(("arguments", "table", "message"), FAILURES.values(), ids=FAILURES)
def test_a_failed_training_exits_with_code_one_and_publishes_nothing(
    arguments: list[str], table: str, message: str, run: Run, folder: Path
) -> None:
    (folder / "t.csv").write_text(table)
    done = run(*arguments, "--json")
    assert done.exit_code == 1
    assert done.stderr == f"error: {message}\n"
    assert last_line(done) == {
        "version": None,
        "state": "failed",
        "error": message,
        "model": "numnet",
    }
    assert not list(folder.glob("models/*"))


def test_an_unwritable_folder_is_refused_before_the_training(run: Run, folder: Path) -> None:
    (folder / "models").write_text("a file")
    done = run("--json", "--models", "models/below")
    assert done.exit_code == 1
    assert done.stderr == "error: cannot write under models/below: Not a directory\n"
    assert last_line(done)["state"] == "failed"
    assert (folder / "models").read_text() == "a file"


def test_invalid_settings_are_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMNET_MODELS", "s3://bucket/models")
    done = run("--json")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: NUMNET_MODELS=s3://bucket/models: expected a folder")
    assert last_line(done)["state"] == "failed"
