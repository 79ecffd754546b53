"""The health check against servers with all kinds of responses."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from service import healthcheck

ROOT = Path(__file__).resolve().parents[2]


class Handler(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()
        self.wfile.write(b'{"status":"..."}')

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("NUMNET_PORT", str(server.server_port))
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (500, 1), (204, 1)])
def test_only_status_200_is_healthy(
    port: int,
    status: int,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Handler, "status", status)
    assert healthcheck.main() == code
    assert capsys.readouterr().out.startswith(str(status))


@pytest.mark.slow
def test_refused_connection_is_not_healthy(
    port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NUMNET_PORT", "1")
    assert healthcheck.main() == 1
    assert "refused" in capsys.readouterr().out


def test_healthcheck_imports_little() -> None:
    """It runs every few seconds, and importing NumPy or Flask would take longer than the check."""
    code = (
        "import sys, service.healthcheck, trainer.heartbeat\n"
        "print({'numpy', 'flask', 'registry', 'network'} & set(sys.modules))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert process.stdout == "set()\n"
