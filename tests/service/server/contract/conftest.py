"""Servers under test: one that most tests share, and others with limits of their own."""

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.service.server.harness.configuration import Configuration, Limits
from tests.service.server.harness.launcher import Launcher
from tests.service.server.harness.server import Server, running

RunServer = Callable[[Configuration], AbstractContextManager[Server]]
StartServer = Callable[..., Server]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder as slow: each needs processes."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def run_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunServer]:
    """Return a function that runs a server for the length of a `with` statement."""
    with Launcher() as launcher:
        yield lambda configuration: running(
            launcher, tmp_path_factory.mktemp("server"), configuration
        )


@pytest.fixture(scope="session")
def shared_server(run_server: RunServer) -> Iterator[Server]:
    with run_server(Configuration(threads=4)) as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    """Return the server that tests share, and close the test's connections at the end."""
    yield shared_server
    shared_server.close_clients()


def left_idle(server: Server) -> Iterator[Server]:
    """Yield a server that several tests use, and leave it without connections and requests."""
    yield server
    server.close_clients()
    server.wait_until_idle()


@pytest.fixture
def start_server(run_server: RunServer) -> Iterator[StartServer]:
    """Start servers of a test's own; takes fields of `Configuration` and of `Limits`."""
    with ExitStack() as servers:

        def start(**fields: Any) -> Server:
            limits = {name: fields.pop(name) for name in list(fields) if hasattr(Limits, name)}
            configuration = Configuration(**fields, limits=Limits(**limits))
            return servers.enter_context(run_server(configuration))

        yield start


@pytest.fixture(scope="session")
def many_files() -> None:
    """Allow this process the files that a thousand connections take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 3_000
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            pytest.skip(f"a process may open only {hard} files")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
