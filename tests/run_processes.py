"""The processes of `make run`, started with `run.py`."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests

from benchmarks.ports import free_port
from service.web.tokens.admin_token import FILE
from tests.patience import DEADLINE_SECONDS, until

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Run:
    """`run.py` with its service and its trainer, on a port and in a folder of its own.

    Parameters
    ----------
    program : arguments of Python, if another program is to be started
    """

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    program: tuple[str, ...] = ("run.py",)

    def start(self) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMNET_")}
        with (self.folder / "out").open("ab") as out, (self.folder / "err").open("ab") as err:
            self.process = subprocess.Popen(
                [sys.executable, *self.program],
                cwd=ROOT,
                env={
                    **kept,
                    "NUMNET_MODELS": str(self.folder / "models"),
                    "NUMNET_STATE": str(self.folder / "state"),
                    "NUMNET_DATA": str(self.folder / "data"),
                    "NUMNET_PORT": str(self.port),
                    "NUMNET_WORKERS": "1",
                    **self.settings,
                },
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until the service answers and the trainer waits for jobs."""
        before = self.errors().count("waiting for jobs")
        until(lambda: self.is_live() and self.errors().count("waiting for jobs") > before)

    def is_live(self) -> bool:
        assert self.process.poll() is None, self.errors()
        try:
            return self.ask("GET", "/livez").ok
        except requests.ConnectionError:
            return False

    def ask(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return requests.request(method, self.url + path, timeout=DEADLINE_SECONDS, **arguments)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token(self) -> str:
        """Return the admin token that the service made."""
        return (self.folder / "state" / FILE).read_text().strip()

    def submit(self, body: dict[str, Any]) -> str:
        """Submit a job and return its path."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.ask("POST", "/retrain", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        return urljoin("/retrain", answer.headers["Location"])

    def job(self, path: str) -> dict[str, Any]:
        document: dict[str, Any] = self.ask("GET", path).json()
        return document

    def errors(self) -> str:
        return (self.folder / "err").read_text()

    def processes(self, words: str = "") -> list[int]:
        """Return the processes of this run, whatever their parent; `words`: of its command line."""
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdecimal() and (
                    f"NUMNET_STATE={self.folder}/state".encode()
                    in (entry / "environ").read_bytes().split(b"\0")
                    and words.encode() in (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                ):
                    found.append(int(entry.name))
        return found

    def end(self) -> None:
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
