"""The servers that benchmarks compare: how each is started, and how it takes one row.

All run with one server process on one core, and with the access log that they ship with.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.repository import ROOT

ROW = {"x1": 0.1, "x2": 0.2, "x3": 0.3, "x4": 0.4}

# gunicorn's options for every rival that runs under it: as many threads as numnet has.
GUNICORN = (
    *("-m", "gunicorn", "--worker-class", "gthread", "--threads", "4", "--keep-alive", "75"),
    "--no-control-socket",
)


@dataclass(frozen=True, eq=False)
class ServerProgram:
    """A server, and how it takes one row.

    Attributes
    ----------
    command : starts it; `{port}` and `{folder}` stand for its port and the folder of the weights
    environment : environment variables, with the same placeholders
    root : the working directory and PYTHONPATH
    method, path, body : of the request that predicts `ROW`
    prediction : takes the predicted number from the decoded JSON response
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    root: Path = ROOT
    method: str = "POST"
    path: str = "/predict"
    body: bytes = json.dumps(ROW).encode()
    prediction: Callable[[Any], Any] = lambda answer: answer["prediction"]


def rival_python(rival: str) -> str:
    """Return the path of the Python interpreter in a rival's own virtual environment."""
    return str(ROOT / f".venv-bench-{rival}" / "bin" / "python")


NUMNET = ServerProgram(
    "numnet",
    (sys.executable, "-m", "service"),
    {"NUMNET_PORT": "{port}", "NUMNET_MODELS": "{folder}/models", "NUMNET_STATE": "{folder}/state"},
)
# The same HTTP servers without any model. They write an access log, as numnet does.
GTHREAD_CONSTANT = ServerProgram(
    "constant, gunicorn's own worker",
    (
        *(sys.executable, *GUNICORN, "--bind", "127.0.0.1:{port}", "--access-logfile", "-"),
        "benchmarks.servers.constant:application",
    ),
)
CONSTANT = ServerProgram(
    "constant, numnet's worker",
    (sys.executable, "-m", "benchmarks.servers.constant"),
    NUMNET.environment,
)
FASTAPI = ServerProgram(
    "FastAPI",
    (
        *(rival_python("fastapi"), "-m", "uvicorn", "--port", "{port}", "--workers", "1"),
        *("--loop", "uvloop", "--http", "httptools", "benchmarks.servers.fastapi_app:app"),
    ),
)
FLASK = ServerProgram(
    "Flask + marshmallow",
    (
        *(rival_python("flask"), *GUNICORN, "--bind", "127.0.0.1:{port}"),
        "benchmarks.servers.flask_app:app",
    ),
)
BENTOML = ServerProgram(
    "BentoML",
    (
        *(rival_python("bentoml"), "-m", "bentoml", "serve", "--host", "127.0.0.1"),
        *("--port", "{port}", "benchmarks.servers.bentoml_service:Network"),
    ),
    {"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": "{folder}/bentoml"},
)
MLSERVER = ServerProgram(
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
