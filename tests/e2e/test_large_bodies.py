"""Bodies that become much more when they are parsed, and the largest valid ones, over a socket."""

import gzip
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import requests
from numpy.typing import NDArray

from registry import Registry
from tests.e2e.conftest import Service, StartService
from tests.patience import DEADLINE_SECONDS
from tests.service.small_models import promote, publish, small_model

BODY_BYTES = 16 * 1024 * 1024
MOST_MEGABYTES = 150.0  # that a process may grow
LONG_DEADLINE = {"NUMNET_DEADLINE_SECONDS": "300"}  # on a busy machine
JSON, CSV, LINES = "application/json", "text/csv", "application/jsonlines"
NAME = '"n{}":0'
INFER, V1 = "/v2/models/numnet/infer", "/v1/models/numnet:predict"


@pytest.fixture
def service(registry: Registry, start_service: StartService) -> Service:
    promote(registry, publish(registry, small_model()))
    return start_service(settings=LONG_DEADLINE)


def filled(start: str, item: str, end: str) -> bytes:
    """Return as many items, separated by commas, as a body may have."""
    items = (BODY_BYTES - len(start) - len(end)) // (len(item) + 1)
    return (start + ",".join([item] * items) + end).encode()


def names(count: int, form: str) -> str:
    return ",".join(form.format(index) for index in range(count))


def one_row(count: int) -> bytes:
    return f"{{{names(count, NAME)}}}".encode()


HOSTILE: dict[str, tuple[str, str, Callable[[], bytes], int]] = {
    "objects": ("/predict", JSON, lambda: filled('{"instances":[', '{"":0}', "]}"), 422),
    "lists": ("/invocations", JSON, lambda: filled('{"dataframe_records":[', "[]", "]}"), 400),
    "deep rows": ("/predict", JSON, lambda: filled('{"instances":[[', "[]", "]]}"), 413),
    "one row": ("/predict", JSON, lambda: one_row(1_200_000), 413),
    "another row": ("/predict", JSON, lambda: one_row(200_000), 422),
    "tensors": (INFER, JSON, lambda: filled('{"inputs":[', '{"name":"a"}', "]}"), 413),
    "few tensors": (INFER, JSON, lambda: b'{"inputs":[' + b"{}," * 100_000 + b"{}]}", 400),
    "CSV header": ("/predict", CSV, lambda: names(1_500_000, "n{}").encode() + b"\n1\n", 400),
    "line": ("/invocations", LINES, lambda: filled("[", "[]", "]"), 413),
    "line ends": ("/invocations", LINES, lambda: b"\r" * (BODY_BYTES - 1) + b"]", 400),
    "columns": (V1, JSON, lambda: filled('{"inputs":{"x1":[', "[]", "]}}"), 413),
    "CSV lines": ("/predict", CSV, lambda: b"x1,x2,x3,x4" + b"\n" * (BODY_BYTES - 99), 422),
    "CSV cell": (
        "/predict",
        CSV,
        lambda: "x1,x2,x3,x4\n😀".encode() + b"a" * (BODY_BYTES - 99),
        400,
    ),
    "CSV row": ("/predict", CSV, lambda: b"x1,x2,x3,x4\n" + b"10," * (BODY_BYTES // 3 - 9), 400),
}


def grown(service: Service, before: float) -> float:
    """Return by how many MB the server process has grown at its largest."""
    return memory(service, "VmHWM") - before


def memory(service: Service, name: str) -> float:
    master = service.process.pid
    [child] = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{child}/status").read_text())
    assert found
    return 1024 * int(found[1]) / 1e6


def post(service: Service, path: str, body: bytes, **headers: str) -> requests.Response:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(
        service.url + path, data=body, headers=fields, timeout=10 * DEADLINE_SECONDS
    )


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_bodies_need_little_memory(service: Service, kind: str) -> None:
    path, media_type, make, status = HOSTILE[kind]
    body = gzip.compress(make(), 1)
    assert service.predict({"x1": 0, "x2": 0, "x3": 0, "x4": 0}).ok
    before = memory(service, "VmRSS")
    with ThreadPoolExecutor(8) as clients:
        found = clients.map(
            lambda _: post(service, path, body, Content_Type=media_type, Content_Encoding="gzip"),
            range(8),
        )
        assert {response.status_code for response in found} == {status}
    assert grown(service, before) < MOST_MEGABYTES


FORGOTTEN: dict[str, tuple[str, str, bytes, int]] = {
    "rows": ("/predict", CSV, b"x1,x2,x3,x4\n0,1,0,1\n", 200),
    "no rows": ("/predict", CSV, b"x1,x2,x3,x4\n", 422),
    "charset": ("/predict", f"{CSV}; charset=cp1252", b"x1,x2,x3,x4\n0,1,0,1\n", 200),
    "no JSON": ("/predict", JSON, b"!", 400),
    "tensor": (INFER, "application/octet-stream", b"!", 400),
    "method": ("/livez", JSON, b"!", 405),
    "path": ("/nothing", JSON, b"!", 404),
}


@pytest.mark.parametrize("kind", FORGOTTEN)
def test_bodies_are_forgotten_with_their_responses(service: Service, kind: str) -> None:
    path, media_type, start, status = FORGOTTEN[kind]
    body = start + b"\n" * (BODY_BYTES - 1 - len(start))

    def post_once() -> None:  # on a connection of its own
        assert post(service, path, body, Content_Type=media_type).status_code == status

    post_once()
    before = memory(service, "VmRSS")
    for _ in range(4):
        post_once()
    assert memory(service, "VmRSS") - before < 2 * BODY_BYTES / 1e6


def as_npy(X: NDArray[np.int8]) -> bytes:
    file = BytesIO()
    np.save(file, X)
    return file.getvalue()


VALID: dict[str, tuple[str, str, Callable[[], bytes], int]] = {
    "JSON": ("/predict", JSON, lambda: filled('{"instances":[', "[0,1,0,1]", "]}"), 1_677_720),
    "CSV": ("/predict", CSV, lambda: b"x1,x2,x3,x4\n" + b"0,1,0,1\n" * 2_097_150, 2_097_150),
    "semicolons": ("/predict", CSV, lambda: b"x1;x2;x3;x4\n" + b"0;1;0;1\n" * 2_097_150, 2_097_150),
    "NumPy": (
        "/predict",
        "application/x-npy",
        lambda: as_npy(np.zeros((BODY_BYTES // 4 - 64, 4), np.int8)),
        BODY_BYTES // 4 - 64,
    ),
    "JSON Lines": ("/invocations", LINES, lambda: b"[0,1,0,1]\n" * 1_677_720, 1_677_720),
}


@pytest.mark.parametrize("kind", VALID)
def test_the_largest_valid_bodies_are_answered_with_little_memory(
    service: Service, kind: str
) -> None:
    path, media_type, make, rows = VALID[kind]
    before = memory(service, "VmRSS")
    response = post(service, path, make(), Content_Type=media_type, Accept=CSV)
    assert response.status_code == 200
    has_header = path == "/predict"
    assert response.content.count(b"\n") - has_header == rows
    assert grown(service, before) < MOST_MEGABYTES


def test_largest_tensor_of_bytes_is_answered_with_little_memory(service: Service) -> None:
    rows = BODY_BYTES // 4 - 64
    tensor = {"name": "input", "datatype": "INT8", "shape": [rows, 4]}
    head = json.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": 4 * rows}}]})
    before = memory(service, "VmRSS")
    length = {"Inference_Header_Content_Length": str(len(head))}
    response = post(service, INFER, head.encode() + bytes(4 * rows), **length)
    assert response.status_code == 200
    assert response.content.count(b",") > rows
    assert grown(service, before) < MOST_MEGABYTES


def test_eight_valid_bodies_at_once_need_little_memory(service: Service) -> None:
    path, media_type, make, _ = VALID["CSV"]
    body = make()
    before = memory(service, "VmRSS")
    with ThreadPoolExecutor(8) as clients:
        found = clients.map(
            lambda _: post(
                service,
                path,
                gzip.compress(body, 1),
                Content_Type=media_type,
                Content_Encoding="gzip",
            ),
            range(8),
        )
        assert {response.status_code for response in found} == {200}
    with ThreadPoolExecutor(8) as clients:
        found = clients.map(lambda _: post(service, path, body, Content_Type=media_type), range(8))
        statuses = {response.status_code for response in found}
    assert 200 in statuses
    assert statuses <= {200, 503}
    assert grown(service, before) < MOST_MEGABYTES


def test_bodies_without_room_for_their_values_are_refused_with_the_reason(
    registry: Registry, start_service: StartService
) -> None:
    promote(registry, publish(registry, small_model()))
    service = start_service()
    response = post(service, "/predict", filled('{"x1":[', "[]", "]}"), Content_Type=JSON)
    assert response.status_code == 413
    assert json.loads(response.content)["detail"] == (
        "the body has about 11,184,805 values, which need too much memory; send fewer rows per "
        "request"
    )
