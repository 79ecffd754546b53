"""Many rows in one request: as JSON beside rivals, in binary beside `predict` in process."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks.cores import LOAD_CORE, SERVER_CORE, on_core
from benchmarks.report import Verdicts, spread
from benchmarks.servers.programs import FASTAPI, MLSERVER, NUMNET
from benchmarks.servers.running import Server
from network import Array
from registry import Registry

JSON_ROWS, BINARY_ROWS = 10_000, 100_000
JSON_TURNS, BINARY_TURNS = 15, 31
TOLERANCE = 1e-9
JSON_BARS = {FASTAPI: 5.0, MLSERVER: 2.0}  # numnet's rows/s ÷ the other's, at least
BINARY_BAR = 0.8  # rows/s over HTTP ÷ in process, at least


@dataclass(frozen=True)
class Request:
    """A request with many rows.

    Attributes
    ----------
    predictions : reads the predictions (N,) from the response's body
    """

    path: str
    body: bytes
    headers: dict[str, str]
    predictions: Callable[[bytes], Any]


def measure(servers: list[Server], folder: Path, verdicts: Verdicts) -> None:
    """Print both tables."""
    model = Registry.local(folder / "models").load(1).model
    running = {server.program: server for server in servers}
    rng = np.random.default_rng(0)
    with on_core(LOAD_CORE):
        _json(running, rng.uniform(-1.0, 1.0, (JSON_ROWS, 4)), model.predict, verdicts)
        X = rng.uniform(-1.0, 1.0, (BINARY_ROWS, 4))
        _binary(running[NUMNET], X, model.predict, verdicts)


def _json(
    running: dict[Any, Server], X: Array, predict: Callable[[Array], Array], verdicts: Verdicts
) -> None:
    rows = _dump(instances=X.tolist())
    requests = {
        ("numnet", NUMNET): Request("/predict", rows, _JSON, _member("predictions")),
        ("FastAPI", FASTAPI): Request("/rows", rows, _JSON, _member("predictions")),
        ("numnet, V2", NUMNET): Request("/v2/models/numnet/infer", _v2(X), _JSON, _v2_output),
        ("MLServer, V2", MLSERVER): Request("/v2/models/network/infer", _v2(X), _JSON, _v2_output),
    }
    compared = {"FastAPI": "numnet", "MLServer, V2": "numnet, V2"}  # with the same request
    print(f"\n### {JSON_ROWS:,} rows of JSON\n")
    print(f"one request at a time, median [quartiles] of {JSON_TURNS} turns\n")
    print("| | rows/s | numnet ÷ it | bar | |\n|---|---|---|---|---|")
    for (_, program), request in requests.items():
        _check(running[program], request, predict(X))
    turns, parsing = [], []
    for _ in range(JSON_TURNS):
        turns.append(
            {
                name: JSON_ROWS / _seconds(running[program], request)
                for (name, program), request in requests.items()
            }
        )
        with on_core(SERVER_CORE):
            begun = time.perf_counter()
            orjson.loads(rows)
            parsing.append(JSON_ROWS / (time.perf_counter() - begun))
    for name, program in requests:
        ratios = [turn[compared.get(name, name)] / turn[name] for turn in turns]
        print(
            f"| {name} | {spread([turn[name] for turn in turns], ',.0f')} | "
            f"{spread(ratios) if name in compared else ''} | "
            f"{verdicts.at_least(ratios, JSON_BARS.get(program))} |",
            flush=True,
        )
    ratios = [turn["numnet"] / each for turn, each in zip(turns, parsing, strict=True)]
    print(f"| orjson.loads alone | {spread(parsing, ',.0f')} | {spread(ratios)} | | |")


def _binary(
    numnet: Server, X: Array, predict: Callable[[Array], Array], verdicts: Verdicts
) -> None:
    requests = {".npy": _npy_request(X), "V2 binary": _v2_binary_request(X)}
    print(f"\n### {BINARY_ROWS:,} binary rows\n")
    print(
        "rows/s of numnet beside `Model.predict` in a process on the server's core, "
        f"median [quartiles] of {BINARY_TURNS} turns\n"
    )
    print("| | rows/s | ÷ in process | bar | |\n|---|---|---|---|---|")
    for request in requests.values():
        _check(numnet, request, predict(X))
    turns = []
    for _ in range(BINARY_TURNS):
        with on_core(SERVER_CORE):
            begun = time.perf_counter()
            predict(X)
            turn = {"in process": BINARY_ROWS / (time.perf_counter() - begun)}
        for name, request in requests.items():
            turn[name] = BINARY_ROWS / _seconds(numnet, request)
        turns.append(turn)
    for name in ("in process", *requests):
        ratios = [turn[name] / turn["in process"] for turn in turns]
        alone = name == "in process"
        print(
            f"| {name} | {spread([turn[name] for turn in turns], ',.0f')} | "
            f"{'' if alone else spread(ratios)} | "
            f"{verdicts.at_least(ratios, None if alone else BINARY_BAR)} |",
            flush=True,
        )


def _seconds(server: Server, request: Request) -> float:
    begun = time.perf_counter()
    server.post(request.body, request.path, request.headers)
    return time.perf_counter() - begun


def _check(server: Server, request: Request, expected: Array) -> None:
    """Exit unless a server predicts the same as `Model.predict`; this also warms it up."""
    response = server.post(request.body, request.path, request.headers)
    found = np.asarray(request.predictions(response), dtype=np.float64).ravel()
    np.testing.assert_allclose(found, expected[:, 0], rtol=0.0, atol=TOLERANCE)


_JSON = {"Content-Type": "application/json"}


def _dump(**document: Any) -> bytes:
    return json.dumps(document).encode()


def _member(name: str) -> Callable[[bytes], Any]:
    return lambda response: json.loads(response)[name]


def _v2(X: Array) -> bytes:
    tensor = {"name": "input", "shape": X.shape, "datatype": "FP64", "data": X.ravel().tolist()}
    return _dump(inputs=[tensor])


def _v2_output(response: bytes) -> Any:
    return json.loads(response)["outputs"][0]["data"]


def _npy_request(X: Array) -> Request:
    file = BytesIO()
    np.save(file, X)
    headers = {"Content-Type": "application/x-npy", "Accept": "application/x-npy"}
    return Request(
        "/predict", file.getvalue(), headers, lambda response: np.load(BytesIO(response))
    )


def _v2_binary_request(X: Array) -> Request:
    tensor = {
        "name": "input",
        "shape": X.shape,
        "datatype": "FP64",
        "parameters": {"binary_data_size": X.nbytes},
    }
    head = _dump(inputs=[tensor], parameters={"binary_data_output": True})
    return Request(
        "/v2/models/numnet/infer",
        head + X.tobytes(),
        {"Inference-Header-Content-Length": str(len(head))},
        lambda response: np.frombuffer(response[-8 * len(X) :]),
    )
