"""`POST /predict` beside a bare WSGI constant under the same gunicorn settings, driven by wrk.

Both servers run all the time, one worker each, on one core; wrk drives them in turn from another,
in short bursts, so that what else the machine does hits both. A ratio is that of paired bursts.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.report import machine, quartiles, spread, verdict

ROOT = Path(__file__).resolve().parent.parent
SERVER_CORE, LOAD_CORE = 0, 1
PORTS = {"constant": 8970, "numnet": 8971}
CONNECTIONS = (1, 8, 32)
BURSTS = 15
BAR = 0.75
SCRIPT = """
wrk.method = "POST"
wrk.body = '{"x1": 0.1, "x2": 0.2, "x3": 0.3, "x4": 0.4}'
wrk.headers["Content-Type"] = "application/json"
"""


def serve(name: str) -> None:
    """Run one of the two servers in this process, set as `python -m service` sets itself."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.sched_setaffinity(0, {SERVER_CORE})

    from benchmarks.constant import application
    from registry import Settings
    from service.__main__ import Server

    class Constant(Server):
        def load(self) -> Any:
            return application

    server = {"numnet": Server, "constant": Constant}[name]
    server(Settings.from_environment()).run()


def start(name: str, models: str, log: Any) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "NUMNET_MODELS": models,
        "NUMNET_PORT": str(PORTS[name]),
        "NUMNET_WORKERS": "1",
    }
    return subprocess.Popen(
        [sys.executable, __file__, name], env=environment, stdout=log, stderr=log
    )


def requests_per_second(name: str, connections: int, script: str) -> float:
    command = [
        *("taskset", "-c", str(LOAD_CORE), "wrk", "--threads", "1", "--duration", "1s"),
        *("--connections", str(connections), "--script", script),
        f"http://127.0.0.1:{PORTS[name]}/predict",
    ]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        sys.exit(f"{name} did not answer every request:\n{output}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    assert found, output
    return float(found[1])


def main() -> None:
    for tool in ("wrk", "taskset"):
        if not shutil.which(tool):
            sys.exit(f"{tool} was not found (Debian and Ubuntu: apt install wrk util-linux)")
    if (os.cpu_count() or 1) < 2:
        sys.exit("two cores are needed: one to serve, one to send")
    print(machine("gunicorn", "flask", "numpy"))
    print(f"requests/s, median [quartiles] of {BURSTS} bursts of 1 s, access log on\n")
    print("| connections | constant | numnet | ratio | bar | |\n|---|---|---|---|---|---|")
    missed = 0
    with ExitStack() as stack:
        models = stack.enter_context(tempfile.TemporaryDirectory())
        script = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".lua"))
        script.write(SCRIPT)
        script.flush()
        train = [sys.executable, str(ROOT / "trainer" / "train.py"), "--models", models]
        subprocess.run([*train, "--epochs", "20"], check=True, capture_output=True)
        log = stack.enter_context(tempfile.TemporaryFile())
        for name in PORTS:
            process = start(name, models, log)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        time.sleep(3)
        for connections in CONNECTIONS:
            rates: dict[str, list[float]] = {name: [] for name in PORTS}
            for name in PORTS:
                requests_per_second(name, connections, script.name)  # warm up
            for _ in range(BURSTS):
                for name in PORTS:
                    rates[name].append(requests_per_second(name, connections, script.name))
            pairs = zip(rates["numnet"], rates["constant"], strict=True)
            ratios = [ours / constant for ours, constant in pairs]
            met = quartiles(ratios)[1] >= BAR
            missed += not met
            print(
                f"| {connections} | {spread(rates['constant'], ',.0f')} | "
                f"{spread(rates['numnet'], ',.0f')} | {spread(ratios)} | ≥ {BAR} | "
                f"{verdict(met)} |",
                flush=True,
            )
    sys.exit(missed)


if __name__ == "__main__":
    if sys.argv[1:]:
        serve(sys.argv[1])
    else:
        main()
