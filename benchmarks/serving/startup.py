"""Seconds until a second `make run` is ready, beside the server alone."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from benchmarks.ports import free_port
from benchmarks.report import machine, quartiles, spread, verdict
from benchmarks.repository import ROOT

TURNS = 7
BAR_SECONDS = 2.0
COMMANDS = {"make run": ["make", "run"], "server alone": [sys.executable, "-m", "service"]}


def seconds_to_ready(command: list[str], models: str) -> float:
    port = free_port()
    environment = {**os.environ, "NUMNET_MODELS": models, "NUMNET_PORT": str(port)}
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while time.perf_counter() - started < 60:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz"):
                    return time.perf_counter() - started
            except urllib.error.URLError:
                time.sleep(0.005)
        sys.exit(f"{command} was not ready after 60 s")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def main() -> None:
    print(machine("gunicorn", "flask", "numpy"))
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as models:
        train = [sys.executable, str(ROOT / "trainer" / "train.py"), "--models", models]
        subprocess.run([*train, "--epochs", "20"], check=True, capture_output=True)
        for _ in range(TURNS):
            for name, command in COMMANDS.items():
                times[name].append(seconds_to_ready(command, models))
    for name, taken in times.items():
        print(f"{name}: {spread(taken)} s")
    extra = [run - alone for run, alone in zip(*times.values(), strict=True)]
    met = quartiles(extra)[1] <= BAR_SECONDS
    print(f"`make run` adds {spread(extra)} s (bar ≤ {BAR_SECONDS:.0f} s): {verdict(met)}")
    sys.exit(not met)


if __name__ == "__main__":
    main()
