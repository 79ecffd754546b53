"""Tables that are uploaded to a real service, which is killed or has no room meanwhile."""

import base64
import os
import resource
import signal
import socket
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from registry import Registry
from tests.e2e.conftest import ADMIN, ADMIN_TOKEN, Service, StartService
from tests.patience import DEADLINE_SECONDS, until
from tests.service.small_models import serve, small_model

ROWS = "".join(f"{row % 97},{row % 89},{row}\n" for row in range(250_000))
TABLE = f"a,b,y\n{ROWS}".encode()  # 3 MB, which the limit of other bodies is far below
SETTINGS = {"NUMNET_MAX_BODY_BYTES": "500000", "NUMNET_MAX_DATA_BYTES": "8000000"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def settings(data: Path) -> dict[str, str]:
    return SETTINGS | {"NUMNET_DATA": str(data)}


@pytest.fixture(autouse=True)
def served(registry: Registry) -> None:
    serve(registry, small_model())


def upload(service: Service, name: str, body: bytes = TABLE) -> int:
    return send(service, name, body).status_code


def send(service: Service, name: str, body: bytes | Iterable[bytes]) -> requests.Response:
    return requests.post(
        f"{service.url}/data/{name}",
        data=body,
        headers=ADMIN,
        timeout=DEADLINE_SECONDS,
    )


def begin(service: Service, length: int, token: str = ADMIN_TOKEN) -> socket.socket:
    """Send the head of an upload."""
    client = service.connect()
    client.sendall(
        f"POST /data/a.csv HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Length: {length}\r\n\r\n".encode()
    )
    return client


def processes(service: Service) -> list[int]:
    """Return the ids of the server processes."""
    master = service.process.pid
    return [
        int(each) for each in Path(f"/proc/{master}/task/{master}/children").read_text().split()
    ]


def open_files(service: Service, folder: Path) -> list[str]:
    """Return the files of a folder that the service's processes have open."""
    found = []
    for process in processes(service):
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            with suppress(FileNotFoundError):
                target = os.readlink(descriptor)  # noqa: PTH115  # of a deleted file
                if target.startswith(f"{folder}/"):
                    found.append(target)
    return found


def test_table_larger_than_other_bodies_is_stored(
    start_service: StartService, settings: dict[str, str], data: Path
) -> None:
    service = start_service(settings=settings)
    assert upload(service, "a.csv") == 201
    assert (data / "a.csv").read_bytes() == TABLE
    parts = (TABLE[start : start + 50_000] for start in range(0, len(TABLE), 50_000))
    assert send(service, "b.csv", parts).status_code == 201  # chunked
    assert (data / "b.csv").read_bytes() == TABLE
    assert open_files(service, data) == []


def test_page_that_is_signed_in_uploads_a_large_table(
    start_service: StartService, settings: dict[str, str], data: Path
) -> None:
    service = start_service(settings=settings)
    value = base64.urlsafe_b64encode(ADMIN_TOKEN.encode()).decode()
    answer = requests.put(
        f"{service.url}/data/a.csv",
        data=TABLE,
        headers={"Sec-Fetch-Site": "same-origin"},
        cookies={f"numnet-token-{service.port}": value},
        timeout=DEADLINE_SECONDS,
    )
    assert answer.status_code == 201
    assert (data / "a.csv").read_bytes() == TABLE


def test_two_tables_are_uploaded_at_once(
    start_service: StartService, settings: dict[str, str], data: Path
) -> None:
    service = start_service(settings=settings)
    with ThreadPoolExecutor(4) as pool:
        names = ["a.csv", "b.csv", "c.csv", "a.csv"]
        statuses = sorted(pool.map(lambda name: upload(service, name), names))
        assert statuses == [200, 201, 201, 201]
    assert sorted(path.name for path in data.iterdir()) == ["a.csv", "b.csv", "c.csv"]


def test_upload_without_the_token_is_refused_before_its_body(
    start_service: StartService, settings: dict[str, str], data: Path
) -> None:
    service = start_service(settings=settings)
    for token, status in (("", b"401"), ("a-wrong-t0ken-of-tests", b"403")):
        with begin(service, len(TABLE), token) as client:
            assert client.recv(12) == b"HTTP/1.1 " + status
    assert not data.exists()


def test_table_beyond_the_limit_is_refused(
    start_service: StartService, settings: dict[str, str], data: Path
) -> None:
    service = start_service(settings=settings | {"NUMNET_MAX_DATA_BYTES": "1000000"})
    with begin(service, len(TABLE)) as client:
        assert client.recv(12) == b"HTTP/1.1 413"
    parts = (TABLE[start : start + 50_000] for start in range(0, len(TABLE), 50_000))
    with suppress(requests.ConnectionError):  # if the client was still sending
        assert send(service, "b.csv", parts).status_code == 413
    assert [*data.iterdir()] == []


@pytest.mark.parametrize("victim", ["process", "all"])
def test_killed_service_leaves_nothing_of_an_upload(
    start_service: StartService, settings: dict[str, str], data: Path, victim: str
) -> None:
    service = start_service(settings=settings)
    with begin(service, len(TABLE)) as client:
        client.sendall(TABLE[:2_500_000])
        until(lambda: open_files(service, data))
        if victim == "all":
            for process in (service.process.pid, *processes(service)):
                os.kill(process, signal.SIGKILL)
        else:
            os.kill(processes(service)[0], signal.SIGKILL)
        with suppress(ConnectionResetError):
            assert client.recv(1000) == b""
    assert [*data.iterdir()] == []
    if victim == "process":
        until(lambda: service.get("/readyz").ok)
        assert upload(service, "a.csv") == 201


def test_client_that_disconnects_leaves_nothing(
    start_service: StartService, settings: dict[str, str], data: Path
) -> None:
    service = start_service(settings=settings)
    client = begin(service, len(TABLE))
    client.sendall(TABLE[:2_500_000])
    until(lambda: open_files(service, data))
    client.close()
    until(lambda: not open_files(service, data))
    assert [*data.iterdir()] == []
    assert service.get("/readyz").ok


def test_full_disk_is_a_507(
    start_service: StartService, settings: dict[str, str], data: Path
) -> None:
    """A limit on the size of files has the errors of a full disk."""
    service = start_service(settings=settings)
    for process in processes(service):
        resource.prlimit(process, resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
    with begin(service, len(TABLE)) as client:
        client.sendall(TABLE[:2_999_000])
        answer = client.recv(10_000)
    assert answer.startswith(b"HTTP/1.1 507")
    assert b"/problems/insufficient-storage" in answer
    assert [*data.iterdir()] == []
    assert upload(service, "a.csv", TABLE[:900_000].rpartition(b"\n")[0]) == 201
    assert service.get("/readyz").ok


def test_predictions_go_on_during_an_upload(
    start_service: StartService, settings: dict[str, str]
) -> None:
    service = start_service(settings=settings | {"NUMNET_THREADS": "2"})
    with ThreadPoolExecutor(1) as pool:
        uploading = pool.submit(upload, service, "a.csv")
        answered = 0
        while not uploading.done():
            began = time.monotonic()
            assert service.predict(dict.fromkeys(("x1", "x2", "x3", "x4"), 0.5)).ok
            assert time.monotonic() - began < DEADLINE_SECONDS / 2
            answered += 1
        assert uploading.result() == 201
        assert answered
