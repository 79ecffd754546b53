"""Event streams of jobs on a service with one thread. No trainer runs."""

import os
import re
import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.structures import CaseInsensitiveDict

from registry import Registry
from service.server.limits import Limits
from tests.e2e.conftest import ADMIN, Service, StartService
from tests.e2e.jobs.watching import Watching, is_closed
from tests.patience import DEADLINE_SECONDS, until
from tests.service.problem_shape import assert_problem
from tests.service.small_models import FEATURES, serve, small_model

ROW = dict.fromkeys(FEATURES, 0.5)
ONE_THREAD = {"NUMNET_THREADS": "1"}
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service of one process with one thread; tests leave no job behind."""
    folder = tmp_path_factory.mktemp("events")
    serve(Registry.local(folder / "models"), small_model())
    running = Service(folder / "models", folder / "out", settings=ONE_THREAD)
    running.start()
    yield running
    assert running.stop() == 0
    assert [entry for entry in running.log() if entry["level"] not in ("INFO", "WARNING")] == []


@pytest.fixture
def job_id(service: Service) -> Iterator[str]:
    """Return a queued job; it is cancelled at the end of the test."""
    found = submit(service)
    yield found
    cancel(service, found)


def submit(service: Service) -> str:
    answer = requests.post(f"{service.url}/retrain", headers=ADMIN, timeout=DEADLINE_SECONDS)
    assert answer.status_code == 202, answer.text
    job: str = answer.json()["id"]
    return job


def cancel(service: Service, job_id: str) -> None:
    answer = requests.delete(
        f"{service.url}/retrain/{job_id}", headers=ADMIN, timeout=DEADLINE_SECONDS
    )
    assert answer.status_code == 200, answer.text


def open_files(service: Service) -> int:
    """Return the number of files that the server process has open."""
    pid = service.process.pid
    (process,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return len(os.listdir(f"/proc/{process}/fd"))  # noqa: PTH208  # only the number of names is needed


def read_all(connection: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    with connection.makefile("rb") as file:
        return file.read()


def test_fifty_watchers_do_not_occupy_the_one_thread(service: Service, job_id: str) -> None:
    files = open_files(service)
    with ExitStack() as open_:
        watchings = [open_.enter_context(Watching(service, job_id)) for _ in range(50)]
        firsts = [watching.next() for watching in watchings]
        assert len({number for number, _ in firsts}) == 1
        assert {(job["id"], job["state"]) for _, job in firsts} == {(job_id, "queued")}
        for _ in range(20):
            assert service.predict(ROW).status_code == 200
        cancel(service, job_id)
        for watching, (first, _) in zip(watchings, firsts, strict=True):
            ((last, job),) = watching.events()
            assert (last > first, job["state"]) == (True, "cancelled")
            assert is_closed(watching.connection)
    until(lambda: open_files(service) <= files + 5)


def test_an_event_stream_has_the_headers_of_one_and_closes_the_connection(
    service: Service, job_id: str
) -> None:
    with Watching(service, job_id, "X-Request-ID: watcher-1") as watching:
        status, *headers = watching.head.splitlines()
        assert status == "HTTP/1.1 200 OK"
        told: CaseInsensitiveDict[str] = CaseInsensitiveDict(
            dict(line.split(": ", 1) for line in headers)
        )
        assert told.pop("Date")
        assert told == {
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-store",
            "X-Request-ID": "watcher-1",
            "X-Accel-Buffering": "no",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            "Server": "numnet",
            "Connection": "close",
            "Transfer-Encoding": "chunked",
        }
    (line,) = until(partial(service.access_lines, "watcher-1"))
    assert (line["method"], line["status"]) == ("GET", 200)
    assert line["path"] == f"/retrain/{job_id}/events"
    assert line["route"] == "/retrain/<job_id>/events"


def test_a_reconnecting_watcher_gets_the_current_state_and_a_204_after_the_last_event(
    service: Service, job_id: str
) -> None:
    with Watching(service, job_id) as watching:
        first, _ = watching.next()
    with Watching(service, job_id, f"Last-Event-ID: {first - 1}") as watching:
        assert watching.next()[0] == first
    cancel(service, job_id)
    with Watching(service, job_id, f"Last-Event-ID: {first}") as watching:
        ((last, job),) = watching.events()
        assert (last > first, job["state"]) == (True, "cancelled")
    for seen in ("", "x", "1", str(last + 1), "9" * 400):
        with Watching(service, job_id, f"Last-Event-ID: {seen}") as watching:
            assert [number for number, _ in watching.events()] == [last]
    with Watching(service, job_id, f"Last-Event-ID: {last}") as watching:
        assert watching.status == 204


def test_head_has_no_body_and_an_unknown_job_gets_a_404(service: Service, job_id: str) -> None:
    answer = requests.head(f"{service.url}/retrain/{job_id}/events", timeout=DEADLINE_SECONDS)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"] == "text/event-stream"
    unknown = service.get("/retrain/none/events")
    assert_problem(unknown.status_code, unknown.content, unknown.headers, expected=404)


def test_a_watcher_that_does_not_read_delays_no_other_client(service: Service, job_id: str) -> None:
    with service.connect() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        lazy.sendall(f"GET /retrain/{job_id}/events HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        watching = Watching(service, job_id)
        watching.next()
        assert service.predict(ROW).status_code == 200
        cancel(service, job_id)
        assert [job["state"] for _, job in watching.events()] == ["cancelled"]
        assert service.predict(ROW).status_code == 200
        watching.close()
        assert b'"state":"cancelled"' in read_all(lazy)


@pytest.mark.parametrize("way", ["close", "half", "reset"])
def test_connections_of_watchers_that_disconnect_are_closed(
    service: Service, job_id: str, way: str
) -> None:
    with ExitStack() as open_:
        stays, *leaving = [open_.enter_context(Watching(service, job_id)) for _ in range(21)]
        for watching in (stays, *leaving):
            watching.next()
        files = open_files(service)
        for watching in leaving:
            if way == "half":
                watching.connection.shutdown(socket.SHUT_WR)
            else:
                if way == "reset":
                    now = struct.pack("ii", 1, 0)
                    watching.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
                watching.close()
        until(lambda: open_files(service) <= files - 20)
        cancel(service, job_id)
        assert [job["state"] for _, job in stays.events()] == ["cancelled"]


def test_a_kept_alive_connection_can_request_an_event_stream(service: Service, job_id: str) -> None:
    with Watching(service, job_id, before=LIVEZ * 3) as watching:
        assert (watching.status, watching.next()[1]["state"]) == (200, "queued")


@pytest.mark.parametrize("behind", [LIVEZ, LIVEZ * 1_000, b"\0" * 100_000, b"x"])
def test_bytes_after_a_request_for_an_event_stream_are_ignored(
    service: Service, job_id: str, behind: bytes
) -> None:
    with ExitStack() as open_:
        kept = open_.enter_context(requests.Session())
        assert kept.get(f"{service.url}/livez", timeout=DEADLINE_SECONDS).ok
        pipelining = open_.enter_context(service.connect())
        request = f"GET /retrain/{job_id}/events HTTP/1.1\r\nHost: here\r\n\r\n".encode()
        pipelining.sendall(request + behind)
        watching = open_.enter_context(Watching(service, job_id))
        watching.next()
        watching.connection.sendall(behind)
        assert kept.post(f"{service.url}/predict", json=ROW, timeout=DEADLINE_SECONDS).ok
        assert service.predict(ROW).ok
        cancel(service, job_id)
        assert [job["state"] for _, job in watching.events()] == ["cancelled"]
        received = read_all(pipelining)
        assert received.count(b"HTTP/1.1") == 1
        assert b'"state":"cancelled"' in received
        assert kept.get(f"{service.url}/livez", timeout=DEADLINE_SECONDS).ok


def test_event_streams_do_not_delay_a_graceful_stop(start_service: StartService) -> None:
    service = start_service(settings=ONE_THREAD)
    job = submit(service)
    with ExitStack() as open_:
        watchings = [open_.enter_context(Watching(service, job)) for _ in range(10)]
        for watching in watchings:
            watching.next()
        begun = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(DEADLINE_SECONDS) == 0
        assert time.monotonic() - begun < Limits().graceful_seconds
        for watching in watchings:
            assert list(watching.events()) == []


def test_more_watchers_than_open_files_allow_get_a_503(
    start_service: StartService,
) -> None:
    service = start_service(settings=ONE_THREAD, wrapper=["prlimit", "--nofile=160"])
    job = submit(service)
    with ExitStack() as open_:
        watchings = [open_.enter_context(Watching(service, job)) for _ in range(40)]
        for watching in watchings:
            watching.next()
        answer = service.get(f"/retrain/{job}/events")
        assert_problem(answer.status_code, answer.content, answer.headers, expected=503)
        assert int(answer.headers["Retry-After"]) > 0
        assert service.get("/livez").ok
        watchings[0].close()

        def may_watch() -> bool:
            with Watching(service, job) as watching:
                return watching.status == 200

        until(may_watch)
    entries: list[dict[str, Any]] = [each for each in service.log() if each["level"] == "ERROR"]
    assert all(re.match(r"unavailable: \d+ watchers", each["message"]) for each in entries)
