"""The processes of `make run`: they start, are restarted, and stop together."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from service.web.tokens.admin_token import FILE
from tests.patience import DEADLINE_SECONDS, until
from tests.run_processes import Run

QUICK = {"samples": 200, "layers": [4], "epochs": 20, "max_seconds": 1}
LONG = {  # except for its time limit
    "samples": 200,
    "layers": [4],
    "solver": "adam",
    "epochs": 10**9,
    "patience": 10**9,
    "max_seconds": 2,
}


StartRun = Callable[..., Run]


@pytest.fixture
def start_run(tmp_path: Path) -> Iterator[StartRun]:
    """Return a function that starts `run.py`; it takes the fields of `Run`."""
    with ExitStack() as started:

        def start(**fields: Any) -> Run:
            run = Run(**{"folder": tmp_path} | fields)
            run.start()
            started.callback(run.end)
            return run

        yield start


def ended(run: Run, path: str) -> dict[str, Any]:
    return until(lambda: job if (job := run.job(path))["finished_at"] else None) or {}


def test_a_killed_trainer_is_restarted_and_sigterm_stops_both(
    start_run: StartRun,
) -> None:
    run = start_run()
    run.wait_until_ready()
    assert len(run.processes()) == 4  # run.py, the service's master and server process, the trainer
    (trainer,) = run.processes("trainer.worker")
    os.kill(trainer, signal.SIGKILL)
    run.wait_until_ready()
    (successor,) = run.processes("trainer.worker")
    assert successor != trainer
    assert run.errors().count("the trainer ended (-9): restart") == 1
    assert ended(run, run.submit(QUICK))["state"] == "promoted"
    assert run.ask("GET", "/readyz").json()["version"] == "1"
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(DEADLINE_SECONDS) == 0
    assert run.processes() == []


def test_a_job_interrupted_by_a_stop_continues_after_the_next_start(
    start_run: StartRun,
) -> None:
    run = start_run()
    run.wait_until_ready()
    path = run.submit(LONG)
    until(lambda: run.job(path).get("epoch"))
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(DEADLINE_SECONDS) == 0
    assert run.processes() == []
    assert "the next trainer resumes the job" in run.errors()
    run.start()
    run.wait_until_ready()
    job = ended(run, path)
    assert (job["state"], job["attempt"]) == ("promoted", 1)
    token = (run.folder / "state" / FILE).read_text().strip()
    assert run.errors().count("The admin token is stored in") == 1  # made at the first start alone
    assert token not in run.errors()
    assert token not in (run.folder / "out").read_text()
    run.process.send_signal(signal.SIGHUP)
    assert run.process.wait(DEADLINE_SECONDS) == 0
    assert run.processes() == []


def test_a_second_interrupt_drops_requests_in_flight(start_run: StartRun) -> None:
    run = start_run()
    run.wait_until_ready()
    with socket.create_connection(("127.0.0.1", run.port)) as unfinished:
        unfinished.sendall(b"POST /predict HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\n")
        unfinished.sendall(b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n")
        assert unfinished.recv(100).startswith(b"HTTP/1.1 100 Continue")
        run.process.send_signal(signal.SIGINT)
        until(lambda: "Handling signal: term" in run.errors())
        with pytest.raises(subprocess.TimeoutExpired):
            run.process.wait(1.0)
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(DEADLINE_SECONDS) == 0
    assert run.processes() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_during_the_start_leaves_no_process(start_run: StartRun, number: int) -> None:
    run = start_run()
    until(lambda: run.processes("trainer.worker"))
    run.process.send_signal(number)
    run.process.wait(DEADLINE_SECONDS)
    assert run.processes() == []


def test_a_port_in_use_stops_both(start_run: StartRun) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        run = start_run(port=taken.getsockname()[1])
        assert run.process.wait(DEADLINE_SECONDS) not in (0, None)
        assert run.processes() == []
    assert "in use" in run.errors()


def test_an_invalid_setting_stops_both(start_run: StartRun) -> None:
    run = start_run(settings={"NUMNET_THREADS": "none"})
    assert run.process.wait(DEADLINE_SECONDS) == 1
    assert run.processes() == []
    assert "error: NUMNET_THREADS=none" in run.errors()


def test_sigkill_of_the_parent_stops_both(start_run: StartRun) -> None:
    run = start_run()
    run.wait_until_ready()
    path = run.submit(LONG)
    until(lambda: run.job(path).get("epoch"))
    run.process.kill()
    run.process.wait()
    until(lambda: not run.processes())
    assert "the next trainer resumes the job" in run.errors()
    assert "Handling signal: term" in run.errors()
