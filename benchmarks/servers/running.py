"""Train the model that all servers serve, and run a server on a core of its own."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import process_usage
from benchmarks.cores import SERVER_CORE
from benchmarks.ports import free_port
from benchmarks.repository import ROOT
from benchmarks.servers import weights
from benchmarks.servers.programs import ServerProgram, rival_python
from benchmarks.waiting import wait_until
from network import Model
from registry import Registry

STOP_SECONDS = 20


@dataclass(frozen=True)
class Server:
    """A running server."""

    program: ServerProgram
    process: "subprocess.Popen[bytes]"
    port: int

    def post(self, body: bytes, path: str, headers: Mapping[str, str]) -> bytes:
        """Send a request and return the response's body; exit when the status is not 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", path, body, dict(headers))
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if response.status != 200:
            sys.exit(f"{self.program.name} answered {response.status}: {content[:2000]!r}")
        return content

    def prediction(self) -> float:
        """Return its prediction for `ROW`; raise `OSError` while it does not listen."""
        headers = {"Content-Type": "application/json"}
        document = json.loads(self.post(self.program.body, self.program.path, headers))
        return float(self.program.prediction(document))

    def megabytes(self) -> float:
        """Return the memory (PSS) of all its processes."""
        return process_usage.megabytes(self.process.pid)

    def processor_seconds(self) -> float:
        """Return the processor time that all its processes have used."""
        return process_usage.processor_seconds(self.process.pid)


def train(folder: Path) -> None:
    """Train a model for a moment and make it the current version in `folder/models`."""
    command = [sys.executable, "trainer/train.py", "--models", str(folder / "models")]
    subprocess.run([*command, "--epochs", "20"], cwd=ROOT, check=True, capture_output=True)


def prepare_rivals(folder: Path) -> weights.Layers:
    """Write the weights of version 1 in the forms that the rivals load, and return them."""
    model = Registry.local(folder / "models").load(1).model
    if not isinstance(model, Model):
        raise TypeError("the rivals can serve one network only")
    layers = weights.folded_layers(model)
    weights.save(folder / "weights.npz", layers)
    for name in ("mlserver", "mlserver-metrics", "bentoml"):
        (folder / name).mkdir()
    command = (rival_python("mlserver"), "-m", "benchmarks.servers.mlserver_model")
    subprocess.run(
        [*command, str(folder / "weights.npz"), str(folder / "mlserver")], cwd=ROOT, check=True
    )
    return layers


@contextmanager
def running(program: ServerProgram, folder: Path, processes: int = 1) -> Iterator[Server]:
    """Run a server on `SERVER_CORE` until the block ends; the block starts when it answers."""
    port = free_port()
    names = {
        "folder": str(folder),
        "port": str(port),
        "other_port": str(free_port()),
        "third_port": str(free_port()),
    }
    log = folder / f"{program.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *("taskset", "--cpu-list", str(SERVER_CORE)),
                *(part.format_map(names) for part in program.command),
            ],
            cwd=program.root,
            env=_environment(program, names, processes),
            stdout=output,
            stderr=output,
        )
    server = Server(program, process, port)
    try:
        wait_until(lambda: _answers(server, log))
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment(program: ServerProgram, names: dict[str, str], processes: int) -> dict[str, str]:
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("NUMNET_")},
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": str(program.root),
        "WEIGHTS": f"{names['folder']}/weights.npz",
        "NUMNET_WORKERS": str(processes),
        **{key: value.format_map(names) for key, value in program.environment.items()},
    }


def _answers(server: Server, log: Path) -> bool:
    if server.process.poll() is not None:
        sys.exit(f"{server.program.name} did not start:\n{log.read_text()[-4000:]}")
    try:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.connect()
        connection.close()
        time.sleep(0.5)  # BentoML listens before it can answer
        server.prediction()
    except OSError:
        return False
    return True
