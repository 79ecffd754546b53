"""An interrupted training: without a terminal, resumed, and at a terminal."""

import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from registry import Registry
from tests.patience import DEADLINE_SECONDS, until
from tests.single_network import network

pytestmark = pytest.mark.slow

LONG = ("--epochs", 1_000_000, "--max-seconds", 10_000)
SMALL = ("--samples", 1000, "--layers", "16,8", "--epochs", 1500, "--max-seconds", 10_000)  # 2 s
StartTerminal = Callable[..., Any]

EVERY_SIGNAL = pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"]
)


def published_files(models: Path) -> list[str]:
    return sorted(str(path.relative_to(models)) for path in models.rglob("*") if path.is_file())


@pytest.fixture
def start(
    command: Callable[..., list[str]], environment: dict[str, str], tmp_path: Path
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a training without a terminal, and return once it trains."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command(*arguments),
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stderr is not None
        assert process.stderr.readline().startswith("epoch 1/")
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@EVERY_SIGNAL
def test_without_a_terminal_nothing_is_published(
    number: signal.Signals, start: Callable[..., subprocess.Popen[str]], models: Path
) -> None:
    process = start(*LONG)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 130
    assert stdout == ""
    assert "interrupted: nothing was published" in stderr.splitlines()
    assert "Traceback" not in stderr
    assert published_files(models) == []


def test_json_reports_that_it_was_discarded(
    start: Callable[..., subprocess.Popen[str]], models: Path
) -> None:
    process = start(*LONG, "--json")
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 130
    assert json.loads(stdout) == {
        "version": None,
        "state": "discarded",
        "model": "numnet",
    }
    assert published_files(models) == []


def test_the_current_version_stays_current(
    start: Callable[..., subprocess.Popen[str]], run: Callable[..., Any], models: Path
) -> None:
    run("--epochs", 2)
    before = published_files(models)
    process = start(*LONG)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE_SECONDS)
    assert published_files(models) == before == ["1.npz", "promotions/00000001.json"]


def test_an_interrupted_training_can_be_resumed(
    start: Callable[..., subprocess.Popen[str]], run: Callable[..., Any], models: Path
) -> None:
    options = (*SMALL, "--seed", 3)
    process = start(*options)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=DEADLINE_SECONDS)
    assert stderr.splitlines()[-2:] == [
        "interrupted: nothing was published",
        "--resume continues from the last checkpoint",
    ]
    resumed = run(*options, "--resume")
    assert resumed.stderr.startswith("note: continuing ")
    run(*options, "--force")
    first, second = (Registry.local(models).load(version) for version in (1, 2))
    assert network(first.model).theta.tobytes() == network(second.model).theta.tobytes()


def test_a_killed_training_is_resumed_with_the_same_bits(
    start: Callable[..., subprocess.Popen[str]],
    run: Callable[..., Any],
    models: Path,
    tmp_path: Path,
) -> None:
    options = (*SMALL, "--checkpoint-seconds", 0, "--seed", 4)
    process = start(*options)
    until(lambda: list(tmp_path.glob("var/checkpoints/*.npz")))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    resumed = run(*options, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert re.match(r"note: continuing \d+\.\d s after the start", resumed.stderr)
    assert "epoch 1/" not in resumed.stderr
    assert not list(tmp_path.glob("var/checkpoints/*"))
    whole = run(*options, "--force")
    assert whole.stderr.startswith("epoch 1/")
    first, second = (Registry.local(models).load(version) for version in (1, 2))
    assert network(first.model).theta.tobytes() == network(second.model).theta.tobytes()
    assert first.card["training"]["epochs"] == second.card["training"]["epochs"]


def test_resume_without_a_checkpoint_starts_from_scratch_and_reports_it(
    run: Callable[..., Any],
) -> None:
    done = run("--epochs", 2, "--resume")
    assert done.returncode == 0
    assert done.stderr.startswith("note: no checkpoint of a training with this data and these")


def test_a_damaged_checkpoint_is_refused_with_its_path(
    start: Callable[..., subprocess.Popen[str]], run: Callable[..., Any], tmp_path: Path
) -> None:
    process = start(*LONG, "--checkpoint-seconds", 0)
    [path] = until(lambda: list(tmp_path.glob("var/checkpoints/*.npz")))
    process.kill()
    process.communicate()
    path.write_bytes(path.read_bytes()[:1000])
    done = run(*LONG, "--resume")
    assert done.returncode == 1
    assert re.match(
        rf"error: {path.relative_to(tmp_path)} is not a readable checkpoint .*from scratch\n$",
        done.stderr,
    )


def test_a_terminal_shows_a_progress_bar(terminal: StartTerminal) -> None:
    screen = terminal("--epochs", 100)
    assert screen.exit_code() == 0
    assert "━" in screen.shown
    assert "100%" in screen.shown
    assert re.search(r"ETA 0 s  loss \S+e-\d\d  best \S+e-\d\d  step \S+e-\d\d", screen.shown)
    assert "epoch 1/" not in screen.shown
    assert "version 1 promoted: test MSE" in screen.shown


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGINT", "SIGTERM"])
def test_at_a_terminal_yes_publishes_the_best_weights_so_far(
    how: str, terminal: StartTerminal, models: Path
) -> None:
    screen = terminal(*LONG).wait_for("step")
    screen.type("\x03") if how == "Ctrl-C" else screen.send(signal.Signals[how])
    screen.wait_for("Publish the best weights so far (test MSE ").wait_for("[y/N]").type("y\n")
    assert screen.exit_code() == 0
    assert "version 1 promoted" in screen.shown
    assert "(interrupted)" in screen.shown
    assert published_files(models) == ["1.npz", "promotions/00000001.json"]
    registry = Registry.local(models)
    version = registry.load(1, registry.promotion(1).sha256)
    assert version.card["training"]["stopped"] == "interrupted"
    assert version.card["training"]["best_epoch"] >= 1


@pytest.mark.parametrize("answer", ["\n", "n\n"], ids=["Enter", "no"])
def test_at_a_terminal_anything_but_yes_discards(
    answer: str, terminal: StartTerminal, models: Path
) -> None:
    screen = terminal(*LONG).wait_for("step").type("\x03").wait_for("[y/N]").type(answer)
    assert screen.exit_code() == 130
    assert "version" not in screen.shown
    assert published_files(models) == []


@pytest.mark.parametrize("at_first", [signal.SIG_IGN, signal.default_int_handler])
def test_at_a_terminal_a_second_interrupt_ends_immediately(
    at_first: Any, terminal: StartTerminal, models: Path
) -> None:
    before = signal.signal(signal.SIGINT, at_first)  # the process inherits that it is ignored
    try:
        screen = terminal(*LONG)
    finally:
        signal.signal(signal.SIGINT, before)
    screen.wait_for("step").type("\x03").wait_for("[y/N]")
    # repeated, because input() misses a signal that comes just as it begins to wait
    assert screen.exit_code("\x03") == 130
    assert "interrupted: nothing was published" in screen.shown
    assert "Traceback" not in screen.shown
    assert published_files(models) == []


def test_json_does_not_ask_even_at_a_terminal(terminal: StartTerminal, models: Path) -> None:
    screen = terminal(*LONG, "--json").wait_for("step").type("\x03")
    assert screen.exit_code() == 130
    assert "[y/N]" not in screen.shown
    assert '{"version": null, "state": "discarded", "model": "numnet"}' in screen.shown
    assert published_files(models) == []
