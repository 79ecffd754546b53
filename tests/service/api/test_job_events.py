"""A job as server-sent events: what is sent of it, and to a socket that is slow to take it.

Watchers of a real service are in tests/e2e/jobs/test_events.py.
"""

import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from service.api.job_events import HEARTBEAT_SECONDS, Watcher, Watchers, event
from service.services import services_of
from tests.patience import DEADLINE_SECONDS
from tests.service.conftest import ADMIN
from trainer.jobs import Job


def job(revision: int) -> Job:
    return Job("a-job", "running", revision, {"id": "a-job", "words": "two\nlines, é"})


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A socket that takes little at a time without blocking, and its other end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        ours.setblocking(False)
        theirs.settimeout(DEADLINE_SECONDS)
        yield ours, theirs


def test_an_event_is_one_line_of_json_with_the_revision_as_its_id() -> None:
    number, name, data, *end = event(job(7), first=True).decode().split("\n")
    assert (number, name, end) == ("id: 7", "event: job", ["", ""])
    assert json.loads(data.removeprefix("data: ")) == job(7).document


def test_a_slow_watcher_gets_what_it_began_and_the_newest_but_none_between(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    watcher = Watcher(ours, "a-job", b"HEAD", 1)
    events = [b"%d" % number * 1_000_000 for number in range(5)]
    watcher.offer(events[0])
    watcher.send()
    for each in events[1:]:
        watcher.offer(each)
        watcher.send()
    assert watcher.unsent
    received = b""
    while watcher.unsent:
        received += theirs.recv(2**20)
        watcher.send()
    ours.shutdown(socket.SHUT_WR)
    while part := theirs.recv(2**20):
        received += part
    assert received == b"HEAD" + events[0] + events[4]


def test_a_watcher_that_is_gone_is_an_error(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.close()
    with pytest.raises(OSError, match="Broken pipe"):
        Watcher(ours, "a-job", b"HEAD", 1).send()


def test_another_server_streams_from_its_own_thread(client: FlaskClient) -> None:
    """Where connections cannot be taken over, as under Flask's own server."""
    path = client.post("/retrain", headers=ADMIN).headers["Location"]
    answer = client.get(f"{path}/events", buffered=False)
    assert answer.headers["Content-Type"] == "text/event-stream"
    stream = iter(answer.response)
    first = next(stream)
    assert b'"state":"queued"' in first
    thread = threading.Thread(target=client.delete, args=(path,), kwargs={"headers": ADMIN})
    thread.start()
    last = next(stream)
    assert isinstance(first, bytes)
    assert isinstance(last, bytes)
    assert b'"state":"cancelled"' in last
    assert list(stream) == []
    thread.join()
    number = last.partition(b"\n")[0].removeprefix(b"id: ").decode()
    again = client.get(f"{path}/events", headers={"Last-Event-ID": number})
    assert (again.status_code, again.data) == (204, b"")


def test_head_says_what_would_come(client: FlaskClient) -> None:
    path = client.post("/retrain", headers=ADMIN).headers["Location"]
    answer = client.head(f"{path}/events")
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_watcher_of_a_job_that_does_not_change_gets_signs_of_life(client: FlaskClient) -> None:
    job_id = client.post("/retrain", headers=ADMIN).get_json()["id"]
    jobs = services_of(client.application).jobs
    ahead = 0.0
    watchers = Watchers(jobs, clock=lambda: time.monotonic() + ahead)
    ours, theirs = socket.socketpair()
    with ours, theirs, theirs.makefile("rb") as received:
        ours.setblocking(False)
        environ = {"REQUEST_METHOD": "GET", "numnet.hand_over": lambda: ours}
        assert list(watchers.response(jobs.get(job_id), environ).response) == []
        while received.readline() != b"\r\n":
            pass
        assert received.readline().startswith(b"id: ")
        assert [received.readline()[:6] for _ in range(3)] == [b"event:", b"data: ", b"\n"]
        for _ in range(3):
            ahead += HEARTBEAT_SECONDS
            assert [received.readline() for _ in range(2)] == [b": still here\n", b"\n"]
        client.delete(f"/retrain/{job_id}", headers=ADMIN)
        assert b'"state":"cancelled"' in received.read()


def test_a_watcher_is_told_by_headers_what_everybody_is(client: FlaskClient) -> None:
    path = client.post("/retrain", headers=ADMIN).headers["Location"]
    ours, theirs = socket.socketpair()
    with ours, theirs, theirs.makefile("rb") as received:
        ours.setblocking(False)
        theirs.settimeout(DEADLINE_SECONDS)
        answer = client.get(
            f"{path}/events",
            headers={"X-Request-ID": "kept"},
            environ_overrides={"numnet.hand_over": lambda: ours},
            buffered=True,
        )
        assert answer.data == b""
        assert received.readline() == b"HTTP/1.1 200 OK\r\n"
        lines = iter(received.readline, b"\r\n")
        told = dict(line.decode().rstrip().split(": ", 1) for line in lines)
        expected = {name: value for name, value in answer.headers if name != "Content-Length"}
        assert told.items() >= expected.items()
        assert {"X-Content-Type-Options", "X-Accel-Buffering", "Server", "Date"} <= told.keys()
        assert (told["Connection"], told["X-Request-ID"]) == ("close", "kept")
        client.delete(path, headers=ADMIN)
        assert b'"state":"cancelled"' in received.read()
