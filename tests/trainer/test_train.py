"""The command `trainer/train.py`, run in a process as from a shell."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from network import ACTIVATIONS, LOSSES
from registry import Registry
from tests.single_network import network
from trainer.solvers import SOLVERS
from trainer.solvers.first_order.schedules import SCHEDULES

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]
SHORT = ("--epochs", 3)


def last_line(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    outcome: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return outcome


def files(folder: Path) -> dict[str, bytes]:
    """Return every file in a folder and its subfolders, including hidden ones."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def observations(tmp_path: Path) -> Path:
    """Write a CSV file with targets that depend on two of its columns."""
    path = tmp_path / "observations.csv"
    a, b = np.random.default_rng(0).uniform(-1.0, 1.0, (2, 200))
    rows = zip(a, b, 2 * a - b, a * b, strict=True)
    path.write_text(
        "when;a;b;y;z\n"
        + "".join(f"day {k};{x};{t};{y};{z}\n" for k, (x, t, y, z) in enumerate(rows))
    )
    return path


def test_the_outcome_is_reported_as_text(run: Run) -> None:
    done = run(*SHORT)
    assert done.returncode == 0
    assert re.match(
        r"version 1 promoted: test MSE \d\.\d{3}e-\d\d, RMSE \d\.\d{3}e-\d\d, R² 0\.\d{6} "
        r"on 500 test rows\n"
        r"  RMSE of simpler models on the same rows: mean \d\.\d+, linear \d\.\d+\n"
        r"  3 epochs of self-scaled-broyden on 4000 training rows in \d+\.\d s \(all epochs done\)"
        r"; best epoch 3\n"
        r"  self-scaled-broyden: 705 parameters are within 4,000, the limit .*\n"
        r"  gate: there is no version to compare it with\n$",
        done.stdout,
    )
    assert re.match(r"epoch 1/3  loss .*  ETA \d+ s\nepoch 3/3  loss .*  ETA 0 s\n$", done.stderr)


def test_the_outcome_is_reported_as_one_line_of_json(run: Run, models: Path) -> None:
    done = run(*SHORT, "--json")
    outcome = last_line(done)
    assert done.stdout.count("\n") == 1
    designed = {
        "version",
        "state",
        "model",
        "verdict",
        "test_mse",
        "test_rmse",
        "test_mae",
        "test_r2",
        "seconds",
    }
    assert outcome.keys() == designed | {
        "judged_on",
        "metrics",
        "stopped",
        "epochs",
        "best_epoch",
        "solver",
        "decisions",
        "warnings",
        "rows",
    }
    assert (outcome["version"], outcome["state"], outcome["epochs"]) == (1, "promoted", 3)
    assert outcome["rows"] == {"train": 4000, "validation": 500, "test": 500}
    metrics = Registry.local(models).load(1).card["metrics"]["test"]
    for name in ("mse", "rmse", "mae", "r2"):
        assert outcome[f"test_{name}"] == metrics[name]
    least, most = metrics["rmse_95"]
    assert least < metrics["rmse"] < most < metrics["baselines"]["mean"]["rmse"]
    assert (outcome["judged_on"], outcome["metrics"]) == ("test", metrics)


def test_a_better_training_makes_the_next_version_current(run: Run, models: Path) -> None:
    run(*SHORT)
    first = files(models)
    run(*SHORT, "--epochs", 30)
    registry = Registry.local(models)
    current = registry.current()
    assert registry.versions() == [1, 2]
    assert current is not None
    assert (current.version, current.previous, current.by) == (2, 1, "trainer/train.py")
    assert re.match(r"MSE 0\.\d+ on 500 held-out rows, [\d.]+% below version 1's ", current.reason)
    assert files(models).items() > first.items()


def test_a_worse_training_is_kept_back_with_the_ratio(run: Run, models: Path) -> None:
    run(*SHORT, "--epochs", 30)
    done = run(*SHORT, "--json")
    outcome = last_line(done)
    registry = Registry.local(models)
    assert (done.returncode, outcome["version"], outcome["state"]) == (0, 2, "kept_back")
    assert registry.serving() == registry.promotion(1)
    verdict = outcome["verdict"]
    assert verdict["candidate"] > verdict["current"] > 0
    assert f"times version 1's {verdict['current']:.4g}" in verdict["reason"]
    assert "version 3 kept back: " in run(*SHORT).stdout


def test_unchanged_training_ends_without_a_version(run: Run, models: Path) -> None:
    run(*SHORT)
    stored = files(models)
    done = run(*SHORT, "--json")
    assert (done.returncode, last_line(done)) == (
        0,
        {"version": 1, "state": "unchanged", "model": "numnet"},
    )
    assert done.stderr == (
        "data, recipe and code are those of version 1: nothing to train (--force trains all the "
        "same)\n"
    )
    assert files(models) == stored
    assert last_line(run(*SHORT, "--json", "--force"))["version"] == 2


def test_changed_file_is_trained(run: Run, models: Path, observations: Path) -> None:
    table = ("--data", observations, "--target", "y", "--layers", "3", *SHORT, "--json")
    assert last_line(run(*table))["version"] == 1
    assert last_line(run(*table))["state"] == "unchanged"
    with observations.open("a") as file:
        file.write("day 200;0.5;0.25;0.75;0.125\n")
    assert last_line(run(*table))["version"] == 2


def test_force_promote_promotes_a_worse_training(run: Run, models: Path) -> None:
    run(*SHORT, "--epochs", 30)
    assert last_line(run(*SHORT, "--force-promote", "--json"))["state"] == "promoted"
    serving = Registry.local(models).serving()
    assert serving is not None
    assert serving.version == 2
    assert run("--force-promote", "--no-promote").returncode == 2


def test_other_features_are_kept_back(run: Run, models: Path, tmp_path: Path) -> None:
    run(*SHORT)
    lines = [f"{n},{n * n}" for n in range(20)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b", *lines]))
    done = run("--epochs", 3, "--data", tmp_path / "t.csv", "--target", "b")
    assert "gate: its features are a and version 1's are x1, x2, x3, x4" in done.stdout
    assert Registry.local(models).serving() == Registry.local(models).promotion(1)


def test_no_promote_publishes_without_promoting(run: Run, models: Path) -> None:
    assert last_line(run(*SHORT, "--no-promote", "--json"))["state"] == "published"
    registry = Registry.local(models)
    assert (registry.versions(), registry.current()) == ([1], None)
    assert registry.load(1).model.features == ("x1", "x2", "x3", "x4")


def test_if_none_trains_once(run: Run, models: Path) -> None:
    assert last_line(run(*SHORT, "--if-none", "--json"))["state"] == "promoted"
    before = files(models)
    again = run(*SHORT, "--if-none", "--json")
    assert again.returncode == 0
    assert last_line(again) == {"version": 1, "state": "unchanged", "model": "numnet"}
    assert files(models) == before
    assert run("--if-none").stdout == ""


def test_if_none_trains_if_no_version_is_current(run: Run) -> None:
    run(*SHORT, "--no-promote")
    assert last_line(run(*SHORT, "--if-none", "--json"))["version"] == 2


def test_a_csv_file_with_one_target_and_named_features(
    run: Run, models: Path, observations: Path
) -> None:
    done = run("--data", observations.name, "--target", "y", "--features", "b, a", "--epochs", 200)
    assert done.returncode == 0, done.stderr
    version = Registry.local(models).load(1)
    assert (version.model.features, version.model.targets) == (("b", "a"), ("y",))
    assert version.card["data"]["source"] == "observations.csv"
    assert version.card["metrics"]["test"]["r2"] > 0.99
    np.testing.assert_allclose(version.model.predict([[0.5, 0.25]]), 0.0, atol=0.1)


def test_several_targets_are_named_in_the_card(run: Run, models: Path, observations: Path) -> None:
    done = run("--data", observations, "--target", "y,z", "--features", "a,b", *SHORT, "--json")
    assert done.returncode == 0, done.stderr
    version = Registry.local(models).load(1)
    metrics = version.card["metrics"]["test"]
    assert list(metrics["targets"]) == ["y", "z"]
    assert version.calibration is not None
    assert version.calibration.scores.shape == (20, 2)
    assert last_line(done)["test_mse"] == metrics["mse"]


def test_a_test_file_of_a_few_rows_tests_the_model(
    run: Run, models: Path, observations: Path, tmp_path: Path
) -> None:
    (tmp_path / "few.csv").write_text("b;y;a;z\n0,5;0,0;0,25;1\n-0,5;0,0;-0,25;2\n0,1;;0,2;3\n")
    done = run(
        *("--data", observations, "--target", "y", "--features", "a,b"),
        *("--test-file", "few.csv", "--solver", "levenberg-marquardt", "--epochs", 30),
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"; RMSE \S+ on 2 rows of the test file\n", done.stdout)
    assert "few.csv: UTF-8 text separated by semicolons, 2 rows, features: 2 numbers" in done.stderr
    assert "note: 1 row left out, because 'y' is missing\n" in done.stderr
    card = Registry.local(models).load(1).card
    metrics = card["metrics"]["test_file"]
    assert metrics["rows"] == 2
    assert metrics["r2"] is None  # the target is constant
    assert metrics["rmse"] < 0.05
    assert sorted(card["test_file_report"]["y"]["actual"]) == [0.0, 0.0]


def test_a_constant_feature_is_reported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,y\n" + "".join(f"7,{k},{k * k}\n" for k in range(20)))
    done = run("--data", "t.csv", "--target", "y", "--features", "a,b", "--epochs", 200)
    assert done.returncode == 0
    assert "note: feature 'a' is constant and carries no information\n" in done.stderr
    done = run("--data", "t.csv", "--target", "y", "--epochs", 200)
    assert done.returncode == 0
    assert "note: column 'a' is left out: it is '7' in every row\n" in done.stderr


def test_options_reach_the_recipe(run: Run, models: Path) -> None:
    recipe = {
        "layers": [6, 5],
        "activation": "silu",
        "solver": "nesterov",
        "loss": "huber",
        "huber_delta": 0.2,
        "quantile": 0.5,
        "penalty": 1e-6,
        "starts": 2,
        "learning_rate": 0.005,
        "schedule": "linear",
        "batch_size": 50,
        "epochs": 2,
        "patience": 7,
        "target_mse": 1e-9,
        "test_fraction": 0.2,
        "max_seconds": 30.0,
        "seed": 11,
        "every": "0 3 * * 1",
    }
    options: list[object] = ["--samples", 300]
    for name, value in recipe.items():
        if name == "quantile":  # applies to another loss
            continue
        shown = ",".join(map(str, value)) if isinstance(value, list) else value
        options += [f"--{name.replace('_', '-')}", shown]
    assert run(*options).returncode == 0
    version = Registry.local(models).load(1)
    asked = {name: value for name, value in recipe.items() if name != "quantile"}
    assert version.card["recipe"] == recipe | {"asked": asked, "regularises": False}
    assert version.card["data"]["rows"] == {"train": 210, "validation": 30, "test": 60}
    assert network(version.model).architecture.sizes == (4, 6, 5, 1)


def test_a_linear_model_has_no_layers(run: Run, models: Path) -> None:
    assert run(*SHORT, "--layers", "").returncode == 0
    assert network(Registry.local(models).load(1).model).architecture.sizes == (4, 1)


def test_same_seed_gives_the_same_weights_in_two_processes(run: Run, models: Path) -> None:
    for seed in (5, 5, 6):
        run(*SHORT, "--seed", seed, "--force")
    first, again, other = (
        network(Registry.local(models).load(number).model).theta.tobytes() for number in (1, 2, 3)
    )
    assert first == again != other


@pytest.mark.parametrize("how", ["--models", "NUMNET_MODELS", "default"])
def test_relative_paths_start_from_the_working_folder(
    how: str, command: Callable[..., list[str]], environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    script = command()[1]
    arguments = ["--models", "mine"] if how == "--models" else []
    settings = {"NUMNET_MODELS": "mine"} if how == "NUMNET_MODELS" else {}
    subprocess.run(
        [sys.executable, script, *map(str, SHORT), *arguments],
        cwd=folder,
        env=environment | settings,
        capture_output=True,
        check=True,
    )
    models = "models" if how == "default" else "mine"
    assert files(folder).keys() == {f"{models}/1.npz", f"{models}/promotions/00000001.json"}


def test_help_lists_every_choice(run: Run) -> None:
    shown = " ".join(run("--help").stdout.split())
    for choices in (ACTIVATIONS, ["auto", "ensemble", *SOLVERS], SCHEDULES, LOSSES):
        assert f"[{'|'.join(choices)}]" in shown


def test_a_target_error_ends_the_training(run: Run, models: Path) -> None:
    done = run("--target-mse", 1e-3, "--json")
    assert done.returncode == 0, done.stderr
    outcome = last_line(done)
    assert (outcome["state"], outcome["stopped"]) == ("promoted", "target reached")
    assert outcome["test_mse"] < 2e-3
    assert outcome["best_epoch"] == outcome["epochs"] < 1000
    card = Registry.local(models).load(1).card
    assert (card["recipe"]["target_mse"], card["training"]["stopped"]) == (1e-3, "target reached")


def test_target_can_be_given_several_times(run: Run, tmp_path: Path) -> None:
    rows = "".join(f"{k},{k * k},{3 * k}\n" for k in range(40))
    (tmp_path / "t.csv").write_text("a,y,z\n" + rows)
    done = run("--data", "t.csv", "--target", "y", "--target", "z", "--epochs", 50, "--json")
    assert done.returncode == 0
    model = Registry.local(tmp_path / "models").load(1).model
    assert (model.features, model.targets) == (("a",), ("y", "z"))


def test_an_error_is_reported_on_stderr_only(run: Run) -> None:
    done = run("--epochs", 0)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "error: epochs must be a whole number from 1 to 9,007,199,254,740,992, got 0\n"
    )
