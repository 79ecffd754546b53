"""The command as a process of its own, against services that are processes, too."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ADMIN_TOKEN, ROOT, Service
from tests.patience import DEADLINE_SECONDS


@dataclass(frozen=True)
class Ended:
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str


@dataclass
class Command:
    """Runs the command in a folder.

    Attributes
    ----------
    folder : in which it runs, and which has its configuration
    variables : of its environment
    """

    folder: Path
    variables: dict[str, str]

    def environment(self, **variables: str) -> dict[str, str]:
        """Return the environment: no variable of numnet but those that a test sets."""
        hidden = ("NUMNET_", "NO_COLOR", "XDG_", "DISPLAY", "WAYLAND_DISPLAY", "COLUMNS")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
        own = {"PYTHONPATH": str(ROOT / "client"), "HOME": str(self.folder), "TERM": "xterm"}
        return kept | own | self.variables | variables

    def arguments(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "numnet.command", *arguments]

    def start(self, *arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
        """Start the command."""
        return subprocess.Popen(
            self.arguments(*arguments), cwd=self.folder, env=self.environment(), **options
        )

    def __call__(self, *arguments: str, stdin: bytes = b"", **variables: str) -> Ended:
        """Run the command to its end."""
        ended = subprocess.run(
            self.arguments(*arguments),
            cwd=self.folder,
            env=self.environment(**variables),
            input=stdin,
            capture_output=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        assert b"Traceback" not in ended.stderr, ended.stderr.decode()
        return Ended(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    def on_terminal(self, *arguments: str, **variables: str) -> tuple[int, bytes]:
        """Run the command on a terminal; return its exit code and what the terminal got."""
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            self.arguments(*arguments),
            cwd=self.folder,
            env=self.environment(**variables),
            stdin=follower,
            stdout=follower,
            stderr=follower,
        )
        os.close(follower)
        written = b""
        with suppress(OSError):  # the other end is closed
            while part := os.read(leader, 65536):
                written += part
        os.close(leader)
        return process.wait(DEADLINE_SECONDS), written


@pytest.fixture
def run_at(tmp_path: Path) -> Callable[..., Command]:
    """Return a function that returns the command for a service's address."""
    folder = tmp_path / "user"
    folder.mkdir()
    return lambda url, **variables: Command(folder, {"NUMNET_URL": url, **variables})


@pytest.fixture
def numnet(service: Service, run_at: Callable[..., Command]) -> Command:
    """Return the command for a service that serves version 2 of two, with its admin token."""
    return run_at(service.url, NUMNET_TOKEN=ADMIN_TOKEN)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service with a trainer, which has no version at first."""
    folder = tmp_path_factory.mktemp("training")
    data = {"NUMNET_DATA": str(folder / "data")}
    running = Service(folder / "models", folder / "out", settings=data)
    running.start()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMNET_")}
    variables = {
        "NUMNET_MODELS": str(running.models),
        "NUMNET_STATE": str(running.output / "state"),
        **data,
    }
    with (folder / "trainer.log").open("wb") as log:
        trainer = subprocess.Popen(
            [sys.executable, "-m", "trainer.worker"], cwd=ROOT, env=kept | variables, stderr=log
        )
    yield running
    trainer.send_signal(signal.SIGTERM)
    ended = trainer.wait(DEADLINE_SECONDS)
    assert ended in (0, -signal.SIGTERM), (folder / "trainer.log").read_text()
    assert running.stop() == 0
