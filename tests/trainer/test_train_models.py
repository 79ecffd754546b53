"""`trainer/train.py --model`: models beside the default one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from config.model_names import EXPECTED
from registry import Models
from trainer.data.synthetic import synthetic_table
from trainer.train import main
from trainer.training.checkpoint import Checkpoint
from trainer.training.identity import training_identity
from trainer.training.recipe import Recipe

Run = Callable[..., Result]
SHORT = ("--samples", 200, "--layers", 4, "--epochs", 3)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs the command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("MODELS", "STATE", "DATA"):
        monkeypatch.setenv(f"NUMNET_{name}", str(tmp_path / name.lower()))

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [*map(str, arguments)])

    return run


def last_line(done: Result) -> dict[str, Any]:
    outcome: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return outcome


def versions(folder: Path) -> dict[str, list[int]]:
    found = Models.local(folder / "models", "numnet")
    return {name: found.registry(name).versions() for name in (found.default, *found.others())}


def test_each_model_has_versions_of_its_own(run: Run, tmp_path: Path) -> None:
    assert run(*SHORT).stdout.startswith("version 1 promoted: ")
    assert run(*SHORT, "--model", "plant").stdout.startswith("model plant: version 1 promoted: ")
    outcome = last_line(run(*SHORT, "--model", "plant", "--seed", 1, "--no-promote", "--json"))
    assert (outcome["model"], outcome["version"], outcome["state"]) == ("plant", 2, "published")
    assert versions(tmp_path) == {"numnet": [1], "plant": [1, 2]}
    current = Models.local(tmp_path / "models", "numnet").registry("plant").current()
    assert current is not None
    assert current.version == 1


def test_name_of_the_default_means_the_default(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMNET_MODEL_NAME", "main")
    assert last_line(run(*SHORT, "--json"))["model"] == "main"
    assert run(*SHORT, "--model", "main", "--force").stdout.startswith("version 2 ")
    assert Models.local(tmp_path / "models", "main").others() == []


def test_if_none_and_unchanged_are_about_the_model(run: Run, tmp_path: Path) -> None:
    run(*SHORT)
    same = (*SHORT, "--model", "plant")
    assert run(*same, "--if-none").stdout.startswith("model plant: version 1 promoted: ")
    again = run(*same, "--if-none", "--json")
    assert again.stderr == "model plant: version 1 is current: nothing to train\n"
    assert last_line(again) == {"version": 1, "state": "unchanged", "model": "plant"}
    again = run(*same)
    assert "model plant: data, recipe and code are those of version 1" in again.stderr
    assert versions(tmp_path) == {"numnet": [1], "plant": [1]}


def test_old_versions_of_the_model_alone_are_deleted(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMNET_KEEP_VERSIONS", "2")
    for seed in range(3):
        run(*SHORT, "--seed", seed, "--force-promote")
    assert versions(tmp_path) == {"numnet": [2, 3]}
    for seed in range(4):
        run(*SHORT, "--seed", seed, "--model", "plant", "--force-promote")
    assert versions(tmp_path) == {"numnet": [2, 3], "plant": [3, 4]}


@pytest.mark.parametrize("name", ["", "a/b", "..", "7", "promotions", "a" * 65])
def test_what_cannot_be_a_name_is_refused(name: str, run: Run, tmp_path: Path) -> None:
    done = run(*SHORT, "--model", name, "--json")
    message = f"model must be {EXPECTED}, got {name!r}"
    assert (done.exit_code, done.stderr) == (2, f"error: {message}\n")
    assert last_line(done) == {
        "version": None,
        "state": "failed",
        "error": message,
        "model": name,
    }
    assert list(tmp_path.iterdir()) == []


def test_checkpoint_belongs_to_one_model(run: Run, tmp_path: Path) -> None:
    """The checkpoint of the default has the name that it had before there were others."""
    table, recipe = synthetic_table(200, 0), Recipe(layers=(4,), epochs=3)
    identity = training_identity(table, recipe)
    folder = tmp_path / "state" / "checkpoints"
    default, other = Checkpoint(folder, identity), Checkpoint(folder, identity | {"model": "plant"})
    for checkpoint in (default, other):
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint.path.write_bytes(b"damaged")

    def refused(*arguments: object) -> bool:
        return "is not a readable checkpoint" in run(*SHORT, "--resume", *arguments).stderr

    assert refused()
    assert refused("--model", "numnet")
    assert refused("--model", "plant")
    assert not refused("--model", "pump")
    other.remove()
    assert not refused("--model", "plant")
    assert default.path.exists()


def test_schedule_is_part_of_the_version(run: Run, tmp_path: Path) -> None:
    """A training that changes nothing else is not answered with "unchanged"."""
    run(*SHORT, "--model", "plant")
    outcome = last_line(run(*SHORT, "--model", "plant", "--every", "0 3 * * *", "--json"))
    assert (outcome["version"], outcome["state"]) == (2, "promoted")
    card = Models.local(tmp_path / "models", "numnet").registry("plant").card(2)
    assert card["recipe"]["asked"]["every"] == card["recipe"]["every"] == "0 3 * * *"
    refused = run(*SHORT, "--every", "daily")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("error: every must be never, or five fields, minute hour")


def test_notes_say_what_a_named_model_is_trained_on_and_when_a_schedule_has_no_effect(
    run: Run, tmp_path: Path
) -> None:
    done = run(*SHORT, "--model", "plant", "--every", "0 3 * * *", "--no-promote")
    assert "note: model plant is trained on the example task" in done.stderr
    assert "note: --every has no effect until a version with it is promoted" in done.stderr
    table = tmp_path / "outside.csv"
    table.write_text("x,y\n" + "".join(f"{n},{n * n}\n" for n in range(40)))
    of_table = ("--data", table, "--target", "y", "--model", "pump", "--epochs", 2)
    done = run(*of_table, "--every", "0 3 * * *")
    assert "note: scheduled jobs cannot find" in done.stderr
    assert "note: --every" not in done.stderr
    assert "scheduled jobs" not in run(*of_table, "--every", "never", "--force").stderr
