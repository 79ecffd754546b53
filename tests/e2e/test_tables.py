"""Large tables through a running service: streaming, and the bits of the predictions."""

import gzip
import io
import json
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import requests

from network import Array
from registry import Registry
from tests.e2e.conftest import Service
from tests.patience import DEADLINE_SECONDS, until
from tests.service.small_models import random_rows, serve, small_model

MODEL = small_model()
X = random_rows(40_000)
Y = MODEL.predict(X)
NPY, CSV, JSON = "application/x-npy", "text/csv", "application/json"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("tables")
    serve(Registry.local(folder / "models"), MODEL)
    service = Service(models=folder / "models", output=folder / "out")
    service.start()
    yield service
    service.stop()


def npy(array: Array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def post(service: Service, body: bytes, sent: str, wanted: str, **more: str) -> requests.Response:
    headers = {"Content-Type": sent, "Accept": wanted} | more
    return requests.post(
        f"{service.url}/predict", data=body, headers=headers, timeout=DEADLINE_SECONDS
    )


def predictions(answer: requests.Response) -> bytes:
    assert answer.status_code == 200, answer.text
    kind = answer.headers["Content-Type"]
    values: Array
    if kind == NPY:
        values = np.load(io.BytesIO(answer.content))[:, 0]
    elif kind == JSON:
        values = np.array(answer.json()["predictions"])
    else:
        lines = answer.text.splitlines()[1:]
        values = np.array([float(line.partition(",")[0]) for line in lines])
    return values.tobytes()


@pytest.mark.parametrize("wanted", [NPY, CSV, JSON])
def test_a_long_response_is_streamed_in_chunks(service: Service, wanted: str) -> None:
    answer = post(service, npy(X), NPY, wanted)
    assert predictions(answer) == Y.tobytes()
    assert answer.headers["Transfer-Encoding"] == "chunked"
    short = post(service, npy(X[:100]), NPY, wanted)
    assert predictions(short) == Y[:100].tobytes()
    assert int(short.headers["Content-Length"]) == len(short.content)


def test_http_1_0_gets_a_long_response_without_chunks(service: Service) -> None:
    body = npy(X)
    head = (
        f"POST /predict HTTP/1.0\r\nContent-Type: {NPY}\r\nAccept: {NPY}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with service.connect() as connection:
        connection.sendall(head.encode() + body)
        answer = connection.makefile("rb").read()
    got, _, content = answer.partition(b"\r\n\r\n")
    assert b"chunked" not in got
    assert np.load(io.BytesIO(content)).tobytes() == Y.tobytes()


def test_a_compressed_table_is_predicted(service: Service) -> None:
    body = gzip.compress(json.dumps({"instances": X.tolist()}).encode(), 1)
    answer = post(service, body, JSON, JSON, **{"Content-Encoding": "gzip"})
    assert predictions(answer) == Y.tobytes()


def test_a_client_that_disconnects_during_its_response_disturbs_no_other(service: Service) -> None:
    body = npy(X)
    head = (
        f"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Type: {NPY}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    for _ in range(8):
        with service.connect() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(head.encode() + body)
            connection.recv(100)
    assert predictions(post(service, npy(X[:5]), NPY, NPY)) == Y[:5].tobytes()


def test_the_access_log_has_the_number_of_rows(service: Service, tmp_path: Path) -> None:
    post(service, npy(X), NPY, CSV, **{"X-Request-ID": "count-me"})
    [entry] = until(partial(service.access_lines, "count-me"))
    assert (entry["rows"], entry["version"], entry["status"]) == (len(X), "1", 200)
