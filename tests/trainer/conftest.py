"""Small tables, installations, and the training command in a shell or on a terminal."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from network.column import numbers
from tests.patience import DEADLINE_SECONDS
from tests.postgresql import temporary_server
from tests.terminal import Terminal
from tests.trainer.installation import Installation
from trainer.data.table import Table

TRAIN = Path(__file__).parents[2] / "trainer" / "train.py"


@pytest.fixture(scope="session")
def make_table() -> Callable[..., Table]:
    """Make tables with features a, b and smooth targets without noise."""

    def make(rows: int = 60, targets: int = 1) -> Table:
        X = np.random.default_rng(5).uniform(-1.0, 1.0, (rows, 2))
        a, b = X.T
        Y = np.column_stack([2 * a - 3 * b + 1, a * b, np.sin(3 * a)])[:, :targets]
        return Table(numbers(("a", "b")), ("u", "v", "w")[:targets], X, Y, "made")

    return make


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The folder to which the trainings of a test publish."""
    return tmp_path / "models"


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment of the tests without settings of numnet."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMNET_")}
    return kept | {"TERM": "xterm", "COLUMNS": "80"}


@pytest.fixture
def command(models: Path) -> Callable[..., list[str]]:
    """Make the command line of a training."""

    def command(*arguments: object) -> list[str]:
        return [sys.executable, str(TRAIN), "--models", str(models), *map(str, arguments)]

    return command


@pytest.fixture
def run(
    command: Callable[..., list[str]], environment: dict[str, str], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a training in an empty folder, without a terminal."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments),
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )

    return run


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """An empty installation on SQLite."""
    with contextlib.closing(Installation(tmp_path)) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def new_database() -> Iterator[Callable[[], str]]:
    """Create databases on a temporary PostgreSQL server and return their URLs."""
    with temporary_server() as new:
        yield new


@pytest.fixture
def terminal(
    command: Callable[..., list[str]], environment: dict[str, str], tmp_path: Path
) -> Iterator[Callable[..., Terminal]]:
    """Start trainings on terminals."""
    with contextlib.ExitStack() as stack:

        def start(*arguments: object) -> Terminal:
            terminal = Terminal(command(*arguments), environment, tmp_path)
            stack.callback(terminal.close)
            return terminal

        yield start
