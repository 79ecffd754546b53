"""Who is measured in `serving.py`: each server as it is started, asked and understood.

All run on one core with one worker, and with their access log as they ship it.
"""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.installation import free_port, until
from benchmarks.repository import ROOT
from benchmarks.servers import weights
from registry import Registry

SERVER_CORE, LOAD_CORE = 0, 1
ROW = {"x1": 0.1, "x2": 0.2, "x3": 0.3, "x4": 0.4}

# What gunicorn is given wherever it serves: threads and keep-alive as numnet's.
GUNICORN = (
    *("-m", "gunicorn", "--worker-class", "gthread", "--threads", "4", "--keep-alive", "75"),
    "--no-control-socket",
)


@dataclass(frozen=True, eq=False)
class Contestant:
    """A server, and how it takes one row.

    Attributes
    ----------
    command : starts it; `{port}` and `{folder}` stand for the port and the folder of the weights
    environment : the same for variables
    body : one row, as it takes it
    prediction : the number in its answer
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    path: str = "/predict"
    body: bytes = json.dumps(ROW).encode()
    prediction: Callable[[Any], Any] = lambda answer: answer["prediction"]


def _python(rival: str) -> str:
    return str(ROOT / f".venv-bench-{rival}" / "bin" / "python")


NUMNET = Contestant(
    "numnet",
    (sys.executable, "-m", "service"),
    {"NUMNET_PORT": "{port}", "NUMNET_MODELS": "{folder}/models", "NUMNET_STATE": "{folder}/state"},
)
# What is like numnet in all but what it does: the constants write an access log too.
GTHREAD_CONSTANT = Contestant(
    "constant, gunicorn's own worker",
    (
        *(sys.executable, *GUNICORN, "--bind", "127.0.0.1:{port}", "--access-logfile", "-"),
        "benchmarks.servers.constant:application",
    ),
)
CONSTANT = Contestant(
    "constant, numnet's worker",
    (sys.executable, "-m", "benchmarks.servers.constant"),
    NUMNET.environment,
)
FASTAPI = Contestant(
    "FastAPI",
    (
        *(_python("fastapi"), "-m", "uvicorn", "--port", "{port}", "--workers", "1"),
        *("--loop", "uvloop", "--http", "httptools", "benchmarks.servers.fastapi_app:app"),
    ),
)
FLASK = Contestant(
    "Flask + marshmallow",
    (
        *(_python("flask"), *GUNICORN, "--bind", "127.0.0.1:{port}"),
        "benchmarks.servers.flask_app:app",
    ),
)
BENTOML = Contestant(
    "BentoML",
    (
        *(_python("bentoml"), "-m", "bentoml", "serve", "--host", "127.0.0.1"),
        *("--port", "{port}", "benchmarks.servers.bentoml_service:Network"),
    ),
    {"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": "{folder}/bentoml"},
)
MLSERVER = Contestant(
    "MLServer",
    (str(ROOT / ".venv-bench-mlserver" / "bin" / "mlserver"), "start", "{folder}/mlserver"),
    {
        "MLSERVER_PARALLEL_WORKERS": "0",
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": "{port}",
        "MLSERVER_GRPC_PORT": "{other_port}",
        "MLSERVER_METRICS_PORT": "{third_port}",
        "MLSERVER_METRICS_DIR": "{folder}/mlserver-metrics",
    },
    path="/v2/models/network/infer",
    body=json.dumps(
        {
            "inputs": [
                {"name": "input", "shape": [1, 4], "datatype": "FP64", "data": [*ROW.values()]}
            ]
        }
    ).encode(),
    prediction=lambda answer: answer["outputs"][0]["data"][0],
)
RIVALS = (FASTAPI, FLASK, BENTOML, MLSERVER)


@dataclass(frozen=True)
class Server:
    """A contestant that runs."""

    contestant: Contestant
    process: "subprocess.Popen[bytes]"
    port: int

    def post(self, body: bytes, path: str, headers: Mapping[str, str]) -> bytes:
        """The whole answer to a request; ends the benchmark where it is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status != 200:
            sys.exit(f"{self.contestant.name} answered {answer.status}: {content[:2000]!r}")
        return content

    def prediction(self) -> float:
        """Its answer to the row; raises `OSError` while it does not listen."""
        contestant = self.contestant
        headers = {"Content-Type": "application/json"}
        answer = json.loads(self.post(contestant.body, contestant.path, headers))
        return float(contestant.prediction(answer))

    def megabytes(self) -> float:
        """Memory of all its processes, a page that several share by its share (PSS)."""
        return sum(map(_pss, _tree(self.process.pid))) / 1e6

    def processor_seconds(self) -> float:
        """Processor time that all its processes have taken."""
        return sum(map(_processor_seconds, _tree(self.process.pid)))


def train(folder: Path) -> None:
    """Train a model, quickly, as numnet's current version."""
    command = [sys.executable, "trainer/train.py", "--models", str(folder / "models")]
    subprocess.run([*command, "--epochs", "20"], cwd=ROOT, check=True, capture_output=True)


def prepare(folder: Path) -> weights.Layers:
    """Train a model, and give its weights to the rivals."""
    train(folder)
    layers = weights.folded_layers(Registry.local(folder / "models").load(1).model)
    weights.save(folder / "weights.npz", layers)
    for name in ("mlserver", "mlserver-metrics", "bentoml"):
        (folder / name).mkdir()
    joblib = (_python("mlserver"), "-m", "benchmarks.servers.mlserver_model")
    subprocess.run(
        [*joblib, str(folder / "weights.npz"), str(folder / "mlserver")], cwd=ROOT, check=True
    )
    return layers


@contextmanager
def running(contestant: Contestant, folder: Path, workers: int = 1) -> Iterator[Server]:
    """Run a server on its core, from when it answers to the end of the block."""
    names = {
        "folder": str(folder),
        "port": (port := str(free_port())),
        "other_port": str(free_port()),
        "third_port": str(free_port()),
    }
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("NUMNET_")},
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
        "WEIGHTS": str(folder / "weights.npz"),
        "NUMNET_WORKERS": str(workers),
        **{key: value.format_map(names) for key, value in contestant.environment.items()},
    }
    log = folder / f"{contestant.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *("taskset", "--cpu-list", str(SERVER_CORE)),
                *(part.format_map(names) for part in contestant.command),
            ],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )
    server = Server(contestant, process, int(port))
    try:
        until(lambda: _answers(server, log))
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(server: Server, log: Path) -> bool:
    if server.process.poll() is not None:
        sys.exit(f"{server.contestant.name} did not start:\n{log.read_text()[-4000:]}")
    try:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.connect()
        connection.close()
        time.sleep(0.5)  # BentoML listens before it can answer
        server.prediction()
    except OSError:
        return False
    return True


def _tree(process: int) -> Iterator[int]:
    yield process
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    for child in children:
        yield from _tree(int(child))


def _pss(process: int) -> int:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _processor_seconds(process: int) -> float:
    """Source: proc_pid_stat(5), fields 14 and 15, utime and stime."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
