"""Services as processes of their own: started by `python -m service`, stopped by SIGTERM."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from benchmarks.ports import free_port
from registry import Registry
from tests.patience import DEADLINE_SECONDS, until

ROOT = Path(__file__).resolve().parents[2]
ADMIN_TOKEN = "an-admin-t0ken-of-tests"
ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder as slow: each needs processes."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@dataclass
class Service:
    """A running service.

    Attributes
    ----------
    models : the models folder
    output : the folder for standard output, standard error and state
    workers : number of server processes
    settings : further environment variables
    wrapper : command that starts the service, such as `prlimit`
    """

    models: Path
    output: Path
    workers: int = 1
    settings: dict[str, str] = field(default_factory=dict)
    wrapper: Sequence[str] = ()
    port: int = field(default_factory=free_port)

    def start(self) -> None:
        """Start the service and wait until it answers."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMNET_")}
        self.output.mkdir(exist_ok=True)
        with (self.output / "stdout").open("ab") as out, (self.output / "stderr").open("ab") as err:
            self.process = subprocess.Popen(
                [*self.wrapper, sys.executable, "-m", "service"],
                cwd=ROOT,
                env={
                    **kept,
                    "NUMNET_MODELS": str(self.models),
                    "NUMNET_STATE": str(self.output / "state"),
                    "NUMNET_ADMIN_TOKEN": ADMIN_TOKEN,
                    "NUMNET_PORT": str(self.port),
                    "NUMNET_WORKERS": str(self.workers),
                    **self.settings,
                },
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        until(self._is_live)

    def stop(self, deadline_seconds: float = DEADLINE_SECONDS) -> int:
        """Stop the service gracefully and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(deadline_seconds)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, timeout=DEADLINE_SECONDS)

    def predict(self, document: Any, **arguments: Any) -> requests.Response:
        """Post a document as JSON to `/predict`, over a new connection."""
        return requests.post(
            f"{self.url}/predict", json=document, timeout=DEADLINE_SECONDS, **arguments
        )

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), DEADLINE_SECONDS)

    def access_log(self) -> list[dict[str, Any]]:
        """Return the access log; every line must be JSON."""
        return [json.loads(line) for line in (self.output / "stdout").read_text().splitlines()]

    def access_lines(self, request_id: str) -> list[dict[str, Any]]:
        """Return the access log's entries of one request."""
        return [entry for entry in self.access_log() if entry["request_id"] == request_id]

    def log(self) -> list[dict[str, Any]]:
        """Return the log; every line must be JSON."""
        return [json.loads(line) for line in (self.output / "stderr").read_text().splitlines()]

    def _is_live(self) -> bool:
        assert self.process.poll() is None, (self.output / "stderr").read_text()
        try:
            return self.get("/livez").ok
        except requests.ConnectionError:
            return False


StartService = Callable[..., Service]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return the registry that `start_service` serves by default."""
    return Registry.local(tmp_path / "models")


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[StartService]:
    """Return a function that starts a service; it takes the fields of `Service`."""
    with contextlib.ExitStack() as running:

        def start(**fields: Any) -> Service:
            service = Service(
                **{"models": tmp_path / "models", "output": tmp_path / "out"} | fields
            )
            service.start()
            running.callback(_end, service)
            return service

        yield start


def _end(service: Service) -> None:
    if service.process.poll() is None:
        service.stop()
