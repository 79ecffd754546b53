"""A worker's loop with real sockets: slow clients, too many of them, and how it ends."""

import http.client
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger

from config import Settings
from service.server import connection, worker
from service.server.heads import Heads
from service.server.worker import Worker
from service.telemetry.meter import totals
from service.telemetry.telemetry import Telemetry
from tests.patience import DEADLINE_SECONDS, until
from tests.service.problem_shape import assert_problem

GET = "GET {} HTTP/1.1\r\nHost: here\r\n\r\n"


class Application:
    """Answers its body; at some addresses it waits to be let go, fails, or has much to say."""

    quick_paths = frozenset({"/quick", "/hold"})  # which holds the loop
    spared_paths = frozenset({"/spared"})

    def __init__(self) -> None:
        self.released = threading.Event()
        self.waiting = 0
        self.asked: list[str] = []
        self.handed_over: list[socket.socket] = []

    def at_once(self, environ: WSGIEnvironment, body: bytes) -> tuple[bytes, bytes] | None:
        if environ["PATH_INFO"] != "/at-once":
            return None
        return b"Content-Length: %d\r\n" % len(body), body

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.asked.append(path)
        if path == "/wait":
            self.waiting += 1
            self.released.wait(DEADLINE_SECONDS)
        if path in ("/fail-later", "/hand-over", "/hold"):
            self.released.wait(DEADLINE_SECONDS)
        if path == "/hand-over":
            self.handed_over.append(environ["numnet.hand_over"]())
        if path in ("/fail", "/fail-later"):
            raise RuntimeError("lost")
        start_response("200 OK", [("Content-Type", "text/plain")])
        if path == "/fail-late":
            raise RuntimeError("lost")
        if path == "/long":
            return (b"a" * 100_000 for _ in range(1_000))
        return [environ["wsgi.input"].read()]


class InThread(Worker):
    """Without signals, which are the main thread's."""

    def init_signals(self) -> None:
        pass


@dataclass
class Serving:
    """A worker that runs."""

    worker: InThread
    address: tuple[str, int]
    thread: threading.Thread
    application: Application
    telemetry: Telemetry
    open: ExitStack = field(default_factory=ExitStack)

    def connect(self, sent: str | bytes = b"") -> socket.socket:
        client = self.open.enter_context(socket.create_connection(self.address, 10))
        client.sendall(sent if isinstance(sent, bytes) else sent.encode())
        return client

    def ask(self, path: str, body: bytes | None = None, request_id: str = "") -> "Answer":
        """Over a connection of its own."""
        with closing(http.client.HTTPConnection(*self.address, timeout=DEADLINE_SECONDS)) as asking:
            given = {"X-Request-ID": request_id} if request_id else {}
            asking.request("GET" if body is None else "POST", path, body, given)
            return Answer(asking.getresponse())

    def stop(self) -> None:
        self.worker.alive = False
        os.write(self.worker.PIPE[1], b".")

    def wait_for(self, count: int) -> None:
        until(lambda: self.application.waiting >= count)


class Answer:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = dict(answer.getheaders())
        self.body = answer.read()


def answer(client: socket.socket) -> Answer:
    found = http.client.HTTPResponse(client)
    found.begin()
    return Answer(found)


@contextmanager
def serving(**settings: Any) -> Iterator[Serving]:
    application = Application()

    @dataclass
    class Server:
        settings: Settings
        telemetry: Telemetry

        def wsgi(self) -> WSGIApplication:
            return application

    config = Config()
    config.set("graceful_timeout", 10)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1_000)
    telemetry = Telemetry.of_single_process()
    server = Server(Settings(**{"threads": 1, "max_waiting": 1} | settings), telemetry)
    running = InThread(1, os.getppid(), [listener], server, 30, config, Logger(config))
    thread = threading.Thread(target=running.init_process)
    thread.start()
    found = Serving(running, listener.getsockname(), thread, application, telemetry)
    try:
        assert found.ask("/quick").status == 200
        with found.open:
            yield found
    finally:
        application.released.set()
        found.stop()
        thread.join(DEADLINE_SECONDS)
        assert not thread.is_alive()
        running.tmp.close()
        for end in running.PIPE:
            os.close(end)


def test_what_the_application_can_answer_at_once_needs_no_thread() -> None:
    with serving() as service:
        clients = [service.connect(GET.format("/wait")) for _ in range(2)]
        service.wait_for(1)
        for body in (b"", b"abc"):
            assert service.ask("/at-once", body).body == body
        assert service.ask("/quick").status == 200
        service.application.released.set()
        assert [answer(client).status for client in clients] == [200, 200]


def test_who_would_have_to_wait_behind_too_many_is_refused_at_once() -> None:
    with serving(threads=2, max_waiting=3) as service:
        clients = [service.connect(GET.format("/wait")) for _ in range(5)]
        service.wait_for(2)
        until(lambda: len(service.worker._exchanges) == 5)
        refused = service.ask("/wait", request_id="kept")
        assert_problem(refused.status, refused.body, refused.headers, expected=503)
        assert refused.headers["Retry-After"] == "1"
        assert refused.headers["Connection"] == "keep-alive"
        assert refused.headers["X-Request-ID"] == "kept"
        assert refused.headers["X-Content-Type-Options"] == "nosniff"
        detail = "too many requests wait already"
        assert json.loads(service.ask("/v2/models").body) == {"error": detail}
        assert json.loads(service.ask("/v1/models").body) == {"error": detail}
        assert json.loads(service.ask("/invocations").body)["message"] == detail
        service.application.released.set()
        assert [answer(client).status for client in clients] == [200] * 5
        assert service.ask("/wait").status == 200


def test_what_is_in_flight_and_what_is_refused_is_counted() -> None:
    with serving(max_waiting=1, deadline_seconds=2.0) as service:
        counters = service.telemetry.counters

        def in_flight() -> float:
            return totals(counters)["numnet_requests_in_flight"][()]

        clients = [service.connect(GET.format("/wait")) for _ in range(2)]
        service.wait_for(1)
        until(lambda: in_flight() == 2)
        assert service.ask("/a").status == 503
        assert answer(service.connect("no HTTP\r\n\r\n")).status == 400
        assert [answer(client).status for client in clients] == [503, 503]
        service.application.released.set()
        until(lambda: in_flight() == 0)
    refused = {reason: n for (reason,), n in totals(counters)["numnet_requests_refused"].items()}
    assert refused == {"overloaded": 1, "malformed": 1, "deadline": 2, "slow": 0}


def test_a_refused_client_may_ask_again_on_the_same_connection() -> None:
    with serving(max_waiting=0) as service:
        waiting = service.connect(GET.format("/wait"))
        service.wait_for(1)
        client = service.connect(GET.format("/a"))
        assert answer(client).status == 503
        service.application.released.set()
        assert answer(waiting).status == 200
        until(lambda: not service.worker._exchanges)
        client.sendall(GET.format("/b").encode())
        assert answer(client).status == 200


def test_slow_heads_and_slow_bodies_hold_up_nobody() -> None:
    with serving() as service:
        for _ in range(100):
            service.connect("POST / HTTP/1.1\r\nHost: he")
            service.connect("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n1234")
            service.connect()
        assert service.ask("/a", b"abc").body == b"abc"
        assert service.application.asked == ["/quick", "/a"]


@pytest.mark.parametrize(
    "sent",
    ["POST / HTTP/1.1\r\nHost: he", "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n1"],
)
def test_a_request_that_does_not_come_in_time_is_answered_so(
    monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    monkeypatch.setattr(worker, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(connection, "BODY_SECONDS", 0.1)
    with serving() as service:
        late = answer(client := service.connect(sent))
        assert_problem(late.status, late.body, late.headers, expected=408)
        assert client.recv(1) == b""
        assert service.ask("/a").status == 200


def test_who_is_silent_is_closed_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0.1)
    with serving() as service:
        assert service.connect().recv(1) == b""


def test_what_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "TICK_SECONDS", 0.05)
    with serving(threads=1, max_waiting=1, deadline_seconds=0.2) as service:
        running, waiting = (service.connect(GET.format("/wait")) for _ in range(2))
        for client in (running, waiting):
            late = answer(client)
            assert_problem(late.status, late.body, late.headers, expected=503)
            assert client.recv(1) == b""
        assert service.application.waiting == 1
        assert service.ask("/at-once", b"a").status == 200
        service.application.released.set()
        until(lambda: not service.worker._exchanges)
        assert service.ask("/a").status == 200


def test_a_long_answer_waits_for_its_client_without_a_thread() -> None:
    with serving(max_waiting=0) as service:
        lazy = service.connect()
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        lazy.sendall(
            GET.format("/a")
            .encode()
            .replace(b"GET", b"POST")
            .replace(b"\r\n\r\n", b"\r\nContent-Length: 3000000\r\n\r\n")
            + b"a" * 3_000_000
        )
        until(lambda: "/a" in service.application.asked and not service.worker._exchanges)
        assert service.ask("/b").status == 200
        assert answer(lazy).body == b"a" * 3_000_000
        until(lambda: not service.worker._exchanges)
        lazy.sendall(GET.format("/c").encode())
        assert answer(lazy).status == 200


def test_what_a_client_does_not_take_is_not_all_kept_in_memory() -> None:
    with serving(deadline_seconds=1.0) as service:
        lazy = service.connect(GET.format("/long"))
        until(lambda: service.worker._writing)
        (kept,) = service.worker._writing
        until(lambda: not service.worker._exchanges)
        assert len(kept.unsent) < 2 * connection._MOST_UNSENT_BYTES
        assert service.ask("/a").status == 200
        lazy.close()


def test_a_long_answer_reaches_who_reads_it() -> None:
    with serving() as service:
        assert len(service.ask("/long").body) == 100_000_000


def test_requests_that_come_together_are_answered_in_order() -> None:
    with serving() as service:
        paths = ["/a", "/at-once", "/b", "/quick", "/at-once"] * 5
        post = "POST {0} HTTP/1.1\r\nHost: here\r\nContent-Length: {1}\r\n\r\n{0}"
        client = service.connect("".join(post.format(path, len(path)) for path in paths))
        with client.makefile("rb") as stream:
            found = []
            for _ in paths:
                head = b"".join(iter(stream.readline, b"\r\n")).lower()
                if b"content-length" in head:
                    length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
                    found.append(stream.read(length).decode())
                else:
                    length = int(stream.readline(), 16)
                    found.append(stream.read(length).decode())
                    assert stream.readline() + stream.readline() + stream.readline() == (
                        b"\r\n0\r\n\r\n"
                    )
        assert found == paths


@pytest.mark.parametrize(
    "sent", ["GET / HT", "POST /a HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\na"]
)
def test_a_request_that_is_cut_short_is_answered_so(sent: str) -> None:
    with serving() as service:
        client = service.connect(sent)
        client.shutdown(socket.SHUT_WR)
        refused = answer(client)
        assert_problem(refused.status, refused.body, refused.headers, expected=400)
        assert client.recv(1) == b""


def test_a_thousand_requests_at_once_are_answered() -> None:
    with serving() as service:
        count = 1_000
        client = service.connect(GET.format("/quick") * count)
        with client.makefile("rb") as stream:
            found = b""
            while found.count(b"200 OK") < count:
                line = stream.readline()
                assert line
                found += line
        assert service.application.asked.count("/quick") == count + 1


def test_nobody_waits_for_all_that_another_sends_at_once() -> None:
    with serving() as service:
        holding = service.connect(GET.format("/hold"))
        until(lambda: "/hold" in service.application.asked)
        greedy = service.connect(GET.format("/quick") * 1_000)
        modest = service.connect(GET.format("/a"))
        service.application.released.set()
        assert [answer(client).status for client in (holding, greedy, modest)] == [200] * 3
        asked = service.application.asked
        until(lambda: asked.count("/quick") == 1_001)
        assert asked.index("/a") < 1_000


def test_answers_that_are_not_taken_at_once_hold_up_what_is_asked_behind_them_and_no_more() -> None:
    with serving() as service, socket.socket() as lazy:
        service.worker.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.settimeout(DEADLINE_SECONDS)
        lazy.connect(service.address)
        count = 500
        lazy.sendall((GET.format("/quick") * count).encode())
        until(lambda: service.worker._writing)
        assert service.ask("/quick").status == 200
        received = b""
        while received.count(b"200 OK") < count:
            received += lazy.recv(65536)
        until(lambda: service.worker._received == 0)


def test_a_burst_and_then_silence_is_not_waited_for() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        heads = Heads(Config(), ("127.0.0.1", 8000))
        found = connection.Connection(ours, ("10.0.0.1", 1), heads, 10**9)
        theirs.sendall(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n" + b"a" * 60_000
        )
        now = time.monotonic()
        assert found.receive()
        assert found.incoming.message() is None
        window = connection.BODY_SECONDS + 1
        assert not found.overdue(now + window)  # 60 kB have come
        assert not found.overdue(now + window + 1)
        assert found.overdue(now + 2 * window + 1)  # and nothing since


@pytest.mark.parametrize("path", ["/fail-later", "/hand-over"])
def test_what_fails_or_is_handed_over_after_its_time_costs_no_thread(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(worker, "TICK_SECONDS", 0.05)
    with serving(threads=1, deadline_seconds=0.2) as service:
        late = service.connect(GET.format(path))
        assert answer(late).status == 503
        service.application.released.set()
        until(lambda: not service.worker._exchanges)
        assert service.ask("/a").status == 200
        assert service.application.handed_over == []


def test_a_few_of_what_is_spared_are_taken_where_all_else_is_refused() -> None:
    with serving(max_waiting=0) as service:
        clients = [service.connect(GET.format("/wait"))]
        service.wait_for(1)
        clients += [service.connect(GET.format("/spared")) for _ in range(4)]
        until(lambda: len(service.worker._exchanges) == 5)
        assert service.ask("/a").status == 503
        assert service.ask("/spared").status == 503
        service.application.released.set()
        assert [answer(client).status for client in clients] == [200] * 5


def test_a_half_closed_client_has_its_answer() -> None:
    with serving() as service:
        for path in ("/a", "/at-once"):
            client = service.connect(
                f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\nab"
            )
            client.shutdown(socket.SHUT_WR)
            assert answer(client).body == b"ab"
            assert client.recv(1) == b""


@pytest.mark.parametrize("path", ["/a", "/wait", "/long", "/at-once"])
def test_a_client_that_is_gone_leaves_nothing_behind(path: str) -> None:
    with serving(threads=4, max_waiting=100) as service:
        for _ in range(20):
            client = service.connect(GET.format(path))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        service.application.released.set()
        held = service.worker
        until(lambda: not (held._exchanges or held._writing or held._reading))
        assert held._received == 0
        assert service.ask("/a").status == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("GET /\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: here\n\n", 400),
        ("BREW x HTTP/9.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: here\r\nHost: there\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: here\r\nExpect: a miracle\r\n\r\n", 417),
        ("GET /" + "a" * 10_000 + " HTTP/1.1\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\nA: " + "a" * 10_000 + "\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\n" + "A: a\r\n" * 200 + "\r\n", 431),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: brotli\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("GET / HTTP/1.1\r\nHost: he re\r\n\r\n", 400),
        ("\x16\x03\x01\x02\x00\x01\n", 400),
    ],
)
def test_what_is_not_http_is_a_problem_too(sent: str, status: int) -> None:
    with serving() as service:
        client = service.connect(sent.encode("latin-1"))
        refused = answer(client)
        assert_problem(refused.status, refused.body, refused.headers, expected=status)
        assert refused.headers["Connection"] == "close"
        assert client.recv(1) == b""


@pytest.mark.parametrize("chunk", [b"5\r\nhelloXX0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n"])
def test_a_body_that_is_not_valid_is_forgotten_and_ends_the_connection(chunk: bytes) -> None:
    with serving() as service:
        head = b"POST /quick HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
        client = service.connect(head + chunk + b"GET /quick HTTP")
        refused = answer(client)
        assert_problem(refused.status, refused.body, refused.headers, expected=400)
        assert refused.headers["Connection"] == "close"
        assert client.recv(1) == b""
        until(lambda: service.worker._received == 0)
        assert service.ask("/a").status == 200


@pytest.mark.parametrize(("path", "status"), [("/fail", 500), ("/fail-late", 500)])
def test_an_application_that_fails_is_a_problem(path: str, status: int) -> None:
    with serving() as service:
        failed = service.ask(path)
        assert_problem(failed.status, failed.body, failed.headers, expected=status)
        assert service.ask("/a").status == 200


def test_a_body_beyond_the_limit_is_left_unread_and_its_sender_not_reset() -> None:
    with serving(max_body_bytes=1_024) as service:
        client = service.connect(
            "POST /a HTTP/1.1\r\nHost: here\r\nContent-Length: 9000000\r\n\r\n"
        )
        assert answer(client).headers["Connection"] == "close"
        client.sendall(b"a" * 100_000)
        assert client.recv(1) == b""


def test_bodies_in_parts_take_no_more_memory_than_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_BODIES_IN_MEMORY", 3)
    size, rest = 100_000, 1_000
    head = f"POST /a HTTP/1.1\r\nHost: here\r\nContent-Length: {size}\r\n\r\n".encode()
    with serving(max_body_bytes=size, max_waiting=9) as service:
        hog = service.connect(head + b"a" * (size - 1))
        others = [service.connect(head + b"a" * (size - rest)) for _ in range(3)]
        refused = answer(hog)  # who has sent most
        assert_problem(refused.status, refused.body, refused.headers, expected=503)
        until(lambda: 2.9 * size < service.worker._received <= 3 * size)
        for client in others:
            client.sendall(b"a" * rest)
        assert [answer(client).status for client in others] == [200] * 3
        until(lambda: service.worker._received == 0)


def test_who_is_not_done_makes_room_for_who_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_BODIES_IN_MEMORY", 1)
    size = 1_000_000
    with serving(max_body_bytes=size) as service:
        head = f"POST /v2/a HTTP/1.1\r\nHost: here\r\nContent-Length: {size}\r\n\r\n"
        hog = service.connect(head + "a" * (size - 2_000))
        until(lambda: service.worker._received > size - 2_000)
        assert service.ask("/a", b"b" * 3_000).body == b"b" * 3_000
        assert json.loads(answer(hog).body) == {"error": "too much is being sent at the same time"}
        until(lambda: service.worker._received == 0)


def test_bodies_that_wait_and_answers_that_are_not_taken_count_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "_BODIES_IN_MEMORY", 1)
    size = 2_000_000
    request = f"POST {{}} HTTP/1.1\r\nHost: here\r\nContent-Length: {size}\r\n\r\n" + "a" * size
    with serving(max_body_bytes=size, max_waiting=9) as service:
        waiting = service.connect(request.format("/wait"))
        service.wait_for(1)
        refused = answer(service.connect(request.format("/a")))
        assert_problem(refused.status, refused.body, refused.headers, expected=503)
        service.application.released.set()
        until(lambda: not service.worker._exchanges)
        assert answer(service.connect(request.format("/a"))).status in {200, 503}
        assert len(answer(waiting).body) == size
        until(lambda: not service.worker._writing and service.worker._received == 0)
        assert answer(service.connect(request.format("/a"))).status == 200


def test_one_more_connection_than_there_is_room_for_ends_the_most_silent_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "MOST_CONNECTIONS", 10)
    monkeypatch.setattr(worker, "TICK_SECONDS", 0.05)
    with serving() as service:
        clients = [service.connect(GET.format("/quick")) for _ in range(9)]
        assert {answer(client).status for client in clients} == {200}
        time.sleep(0.1)  # all have been silent for long enough
        assert service.ask("/a").status == 200
        more = [service.connect(GET.format("/quick")) for _ in range(3)]
        assert {answer(client).status for client in more} == {200}
        assert clients[0].recv(1) == b""


def test_connections_beyond_all_room_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MOST_CONNECTIONS", 5)
    with serving() as service:
        service.open.enter_context(_held(service, 5))
        refused = answer(service.connect())
        assert_problem(refused.status, refused.body, refused.headers, expected=503)


@contextmanager
def _held(service: Serving, count: int) -> Iterator[None]:
    """As many fresh connections as have answers."""
    for _ in range(count):
        assert answer(service.connect(GET.format("/quick"))).status in {200, 503}
    yield


def test_a_stop_answers_what_has_begun_and_says_goodbye() -> None:
    with serving(threads=2) as service:
        idle, kept = service.connect(), service.connect(GET.format("/quick"))
        assert answer(kept).headers["Connection"] == "keep-alive"
        under_way = service.connect(GET.format("/wait"))
        service.wait_for(1)
        partly = service.connect("POST /a HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\na")
        service.stop()
        kept.sendall(b"POST /at-once HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n")
        assert answer(kept).headers["Connection"] == "close"
        partly.sendall(b"bc")
        assert answer(partly).body == b"abc"
        assert idle.recv(1) == b""
        service.application.released.set()
        assert answer(under_way).headers["Connection"] == "close"
        service.thread.join(DEADLINE_SECONDS)
        assert not service.thread.is_alive()
        with pytest.raises(ConnectionRefusedError):
            service.connect()


def test_without_its_master_a_worker_answers_what_has_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "TICK_SECONDS", 0.05)
    with serving() as service:
        partly = service.connect("POST /a HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\na")
        until(lambda: service.worker._received)
        service.worker.ppid = -1
        until(lambda: not service.worker._listening)
        time.sleep(0.2)  # several ticks
        partly.sendall(b"bc")
        last = answer(partly)
        assert (last.body, last.headers["Connection"]) == (b"abc", "close")
        service.thread.join(DEADLINE_SECONDS)
        assert not service.thread.is_alive()


def test_every_request_has_a_line_in_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    with serving(max_waiting=0) as service:
        service.ask("/a", request_id="1")
        service.ask("/at-once", b"abc", request_id="2")
        until(lambda: not service.worker._exchanges)
        waiting = service.connect(GET.format("/wait"))
        service.wait_for(1)
        service.ask("/b", request_id="3")
        service.application.released.set()
        answer(waiting)
        answer(service.connect("GET x\r\n\r\n"))
        answer(service.connect("GET /v2\r\n\r\n"))
    lines = [json.loads(each) for each in capfd.readouterr().out.splitlines()]
    known = {each["request_id"]: (each["path"], each["status"], each["bytes"]) for each in lines}
    assert known["1"] == ("/a", 200, 0)
    assert known["2"] == ("/at-once", 200, 3)
    assert known["3"][:2] == ("/b", 503)
    assert [each["status"] for each in lines].count(400) == 2
    assert {each["client"] for each in lines} == {"127.0.0.1"}
