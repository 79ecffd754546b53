"""A server under test, as a process of its own."""

import contextlib
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.patience import until
from tests.service.server.harness.client import Client, Response, request
from tests.service.server.harness.configuration import Configuration
from tests.service.server.harness.launcher import Launcher

STOP_SECONDS = 30.0


class Server:
    """A master process and its server processes.

    Parameters
    ----------
    folder : for its output, its record of requests and its gates

    Attributes
    ----------
    pid : of the master process
    address : of its listener
    """

    def __init__(self, launcher: Launcher, folder: Path, configuration: Configuration) -> None:
        self._folder = folder
        self._open: list[Client] = []
        self.pid = launcher.start(configuration, folder)
        self.address = until(self._listening_at, message="the server does not listen")
        until(lambda: len(self.workers()) == configuration.workers)
        assert self.ask("/quick").status == 200

    # Clients

    def connect(self, *parts: bytes, receive_buffer: int | None = None) -> Client:
        """Open a connection that is closed with the test, and send the parts."""
        client = Client(self.address, receive_buffer)
        self._open.append(client)
        return client.send(*parts)

    def ask(self, path: str, *lines: str, body: bytes | None = None) -> Response:
        """Return the response to one request over a connection of its own."""
        with Client(self.address) as client:
            return client.send(request(path, *lines, body=body)).response()

    def close_clients(self) -> None:
        while self._open:
            self._open.pop().close()

    def turn(self, times: int = 20) -> None:
        """Let the server read what was sent to it.

        Each response proves that the event loop has come round once more, in which it reads a part
        from every connection that has sent something.
        """
        with Client(self.address) as client:
            for _ in range(times):
                assert client.send(request("/quick")).response().status == 200

    # The application

    def requests(self) -> list[str]:
        """Return the path and query of every request that has reached the application."""
        return (self._folder / "requests").read_text().splitlines()

    def wait_until_begun(self, path: str, count: int = 1) -> None:
        """Wait until that many requests have reached the application."""
        until(lambda: sum(each.startswith(path) for each in self.requests()) >= count)

    def wait_until_waiting(self, gate: str, count: int = 1) -> None:
        """Wait until that many requests wait in the application at a gate."""
        self.wait_until_begun(f"/wait?gate={gate}", count)

    def open_gate(self, gate: str) -> None:
        """Let the requests go on that wait at a gate."""
        (self._folder / f"gate-{gate}").touch()

    def counters(self) -> dict[str, float]:
        """Return the number of requests in flight, and of refused requests by reason."""
        found: dict[str, float] = json.loads(self.ask("/counters").body)
        return found

    def wait_until_idle(self) -> None:
        """Wait until no request is queued or with the application."""
        until(lambda: self.counters()["in_flight"] == 0)

    # Output

    def access_log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._output.read_text().splitlines()]

    def access_lines(self, request_id: str) -> list[dict[str, Any]]:
        """Return the access log's entries of one request."""
        return [entry for entry in self.access_log() if entry["request_id"] == request_id]

    def log(self) -> str:
        return self._log.read_text()

    # Processes

    def workers(self) -> list[int]:
        """Return the ids of the server processes that have loaded the application."""
        return [pid for pid in self._children() if (self._folder / f"loaded-{pid}").exists()]

    def memory_bytes(self) -> int:
        """Return the resident memory of the server processes."""
        status = [Path(f"/proc/{pid}/status").read_text() for pid in self.workers()]
        found = [re.search(r"VmRSS:\s+(\d+) kB", each) for each in status]
        return sum(1024 * int(each[1]) for each in found if each)

    def open_connections(self) -> int:
        """Return how many connections the server processes have open."""
        port = f":{self.address[1]:04X}"
        table = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        inodes = {f"socket:[{row[9]}]" for row in table if row[1].endswith(port) and row[3] != "0A"}
        links = [link for pid in self.workers() for link in Path(f"/proc/{pid}/fd").iterdir()]
        return sum(_target(link) in inodes for link in links)

    def terminate(self) -> None:
        """Ask the master process to stop gracefully."""
        os.kill(self.pid, signal.SIGTERM)

    def is_stopping(self) -> bool:
        """Return whether the master process has taken note of the signal."""
        return "Handling signal: term" in self.log()

    def wait(self, timeout: float = STOP_SECONDS) -> int:
        """Wait for the end of the master process; return its exit status."""
        until(self._has_ended, timeout, "the server does not end")
        return int((self._folder / "exit").read_text())

    def end(self) -> None:
        """Stop the server whatever state it is in."""
        self.close_clients()
        if self._has_ended():
            return
        self.terminate()
        try:
            self.wait()
        finally:
            if not self._has_ended():
                for pid in (self.pid, *self._children()):
                    os.kill(pid, signal.SIGKILL)

    def _children(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(each) for each in children.split()]

    def _has_ended(self) -> bool:
        return (self._folder / "exit").exists()

    @property
    def _output(self) -> Path:
        return self._folder / "stdout"

    @property
    def _log(self) -> Path:
        return self._folder / "stderr"

    def _listening_at(self) -> tuple[str, int] | None:
        if not self._log.exists():
            return None
        assert not self._has_ended(), self.log()
        found = re.search(r"Listening at: http://([\d.]+):(\d+)", self.log())
        return (found[1], int(found[2])) if found else None


@contextlib.contextmanager
def running(launcher: Launcher, folder: Path, configuration: Configuration) -> Iterator[Server]:
    """Start a server, and stop it at the end."""
    server = Server(launcher, folder, configuration)
    try:
        yield server
    finally:
        server.end()


def _target(link: Path) -> str:
    with contextlib.suppress(FileNotFoundError):  # closed meanwhile
        return str(link.readlink())
    return ""
