"""Separate Compose projects, tested from outside; `make compose-test` runs these tests.

They need a docker engine. They measure figures, which are printed at the end with their bars.
"""

import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.http_api import Api
from benchmarks.ports import free_port
from benchmarks.report import machine, verdict
from tests.documents import repository_copy, run
from tests.patience import seconds, until

IMAGE = f"numnet-test:{os.getpid()}"
BASE = "python:3.13-slim"
TOKEN_FILE = "/state/admin-token"
COMPOSE_SECONDS = 300.0

Figure = tuple[str, str, str]  # what was measured, the figure, the bar and whether it is met

FIGURES: list[Figure] = []


def docker(*arguments: str, check: bool = True) -> str:
    """Return the output of a docker command."""
    done = subprocess.run(
        ["docker", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds(COMPOSE_SECONDS),
    )
    assert not check or done.returncode == 0, f"docker {arguments}\n{done.stdout}{done.stderr}"
    return done.stdout


def inspect(container: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(docker("inspect", container))[0]
    return document


class Project:
    """A clone whose containers and volumes have names of their own."""

    def __init__(self, clone: Path, name: str) -> None:
        self.clone = clone
        self.port = free_port()
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("NUMNET_", "COMPOSE_"))
        }
        self.environment = kept | {
            "COMPOSE_PROJECT_NAME": f"numnet-test-{name}-{os.getpid()}",
            "NUMNET_IMAGE": IMAGE,
            "NUMNET_PORT": str(self.port),
        }

    def run(self, script: str) -> str:
        """Return the output of commands from a document, run with this project's port."""
        script = script.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")
        return run(script, self.clone, self.environment, COMPOSE_SECONDS)

    def compose(self, *arguments: str, **settings: str) -> str:
        """Return the standard output of a compose command."""
        script = shlex.join(["docker", "compose", *arguments])
        try:
            return run(script, self.clone, self.environment | settings, COMPOSE_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from None

    def up(self, *arguments: str, **settings: str) -> float:
        """Start everything, wait until it is healthy, and return the seconds it took."""
        begun = time.monotonic()
        self.compose("up", "--detach", "--wait", *arguments, **settings)
        return time.monotonic() - begun

    def logs(self) -> str:
        return run("docker compose logs --tail 20", self.clone, self.environment)

    def containers(self, *services: str) -> list[str]:
        """Return the ids of the running containers, of all services or of some."""
        return self.compose("ps", "--quiet", *services).split()

    def kill(self, container: str) -> None:
        """Send SIGKILL to a container's first process from outside, as the kernel does when memory
        runs out. After a `docker kill`, Docker would not restart the container.
        """
        process = inspect(container)["State"]["Pid"]
        script = f"import os; os.kill({process}, 9)"
        privileges = ["--rm", "--privileged", "--pid=host", "--user=0", "--network=none"]
        docker("run", *privileges, IMAGE, "python", "-c", script)

    def killed(self, container: str) -> None:
        """Kill a container, and wait until it has been restarted and is healthy."""
        before = inspect(container)["RestartCount"]
        self.kill(container)

        def back() -> bool:
            now = inspect(container)
            healthy: bool = now["State"]["Health"]["Status"] == "healthy"
            return healthy and now["RestartCount"] > before and now["State"]["Running"]

        until(back, 120)

    def api(self) -> Api:
        """Return a client of the published port, with the admin token from the state volume."""
        token = self.compose("exec", "-T", "service", "cat", TOKEN_FILE)
        return Api(self.port, token.strip())

    def jobs(self) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = self.api().get("/retrain")["jobs"]
        return jobs


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the image of the current files with the compose file; remove it at the end."""
    folder = repository_copy(tmp_path_factory.mktemp("image") / "numnet")
    Project(folder, "image").compose("build")
    yield IMAGE
    docker("rmi", IMAGE)


@pytest.fixture(scope="module")
def project(
    request: pytest.FixtureRequest, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """Return a fresh clone, in which nothing runs yet."""
    name = request.module.__name__.rpartition("_")[2]
    project = Project(repository_copy(tmp_path_factory.mktemp("clone") / "numnet"), name)
    try:
        yield project
    finally:
        project.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")


@pytest.fixture(scope="session")
def figure() -> Callable[..., None]:
    """Return a function that has a figure printed at the end, with its unit and its bar, if any."""

    def add(what: str, value: float, unit: str, bar: float | None = None) -> None:
        form = ",.1f" if unit == "s" else ",.0f"
        judged = "" if bar is None else f"≤ {bar:g}, {verdict(value <= bar)}"
        FIGURES.append((what, f"{value:{form}} {unit}".strip(), judged))

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if FIGURES:
        terminalreporter.write_line("\n" + machine("numpy", "gunicorn", "dbos"))
        terminalreporter.write_line("\n| | | bar |\n|---|---|---|")
        for line in FIGURES:
            terminalreporter.write_line(f"| {' | '.join(line)} |")
