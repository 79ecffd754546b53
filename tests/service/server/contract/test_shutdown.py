"""Graceful shutdown under all kinds of connections, and SIGKILL of each process."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.patience import seconds, until
from tests.service.server.contract.conftest import StartServer
from tests.service.server.harness.client import Client, request
from tests.service.server.harness.server import Server

SHORT = {"stop_idle_seconds": seconds(1), "linger_seconds": seconds(0.5)}


class Load:
    """Clients that send requests all the time, until the server takes no more connections.

    Half of them keep their connection alive, the others open one for each request.

    Attributes
    ----------
    failures : what went wrong with a request that the server had taken a connection for
    answered : the number of responses
    """

    def __init__(self, server: Server, clients: int = 8) -> None:
        self._address = server.address
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(number % 2 == 0,)) for number in range(clients)
        ]
        self.failures: list[str] = []
        self.answered = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            self.wait_for_more(100)
            yield
        finally:
            self._ended.set()
            for thread in self._threads:
                thread.join()

    def wait_for_more(self, count: int) -> None:
        """Wait until that many more requests have been answered."""
        before = self.answered
        until(lambda: self.answered >= before + count)

    def wait_until_refused(self) -> None:
        """Wait until no client can connect any more."""
        for thread in self._threads:
            thread.join(seconds(30))
            assert not thread.is_alive()

    def _run(self, keeps_alive: bool) -> None:
        paths = ["/echo", "/at-once", "/pause"]
        while not self._ended.is_set():
            try:
                client = Client(self._address)
            except ConnectionRefusedError:
                return
            with client:
                is_open = True
                while is_open and not self._ended.is_set():
                    path = paths[self.answered % len(paths)]
                    is_open = self._ask(client, path) and keeps_alive

    def _ask(self, client: Client, path: str) -> bool:
        """Send one request; return whether the connection can take another one."""
        try:
            response = client.send(request(path, body=b"abc")).response()
        except (OSError, EOFError) as error:
            self.failures.append(f"{path}: {error!r}")
            return False
        with self._lock:
            self.answered += 1
        if (response.status, response.body) != (200, b"abc"):
            self.failures.append(f"{path}: {response}")
        return response.headers.get("Connection") != "close"


def refuses_connections(server: Server) -> bool:
    """Return whether no process listens; a stopping one may drop what would connect."""
    try:
        socket.create_connection(server.address, seconds(0.2)).close()
    except ConnectionRefusedError:
        return True
    except TimeoutError:
        return False
    return False


def announce(length: int) -> bytes:
    """Return the head of a request whose body is still to be sent."""
    return request("/echo", f"Content-Length: {length}", method="POST")


def test_a_graceful_shutdown_answers_requests_in_flight_and_closes_every_connection(
    start_server: StartServer,
) -> None:
    server = start_server(threads=2, **SHORT)
    idle, kept_alive = server.connect(), server.connect()
    for _ in range(3):
        response = kept_alive.send(request("/at-once", body=b"abc")).response()
        assert response.headers.get("Connection", "keep-alive") == "keep-alive"
    running = server.connect(request("/wait?gate=stop", body=b"abc"))
    server.wait_until_waiting("stop")
    body_arrives = server.connect(announce(3) + b"a")
    head_arrives = server.connect(request("/echo", body=b"abc")[:20])
    server.turn()
    server.terminate()
    until(server.is_stopping)
    response = kept_alive.send(request("/at-once", body=b"abc")).response()
    assert (response.body, response.headers["Connection"]) == (b"abc", "close")
    assert kept_alive.ended()
    assert body_arrives.send(b"bc").response().body == b"abc"
    assert head_arrives.send(request("/echo", body=b"abc")[20:]).response().body == b"abc"
    assert idle.ended()
    server.open_gate("stop")
    response = running.response()
    assert (response.body, response.headers["Connection"]) == (b"abc", "close")
    assert running.ended()
    assert server.wait() == 0
    assert refuses_connections(server)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_graceful_shutdown_under_load_fails_no_request(
    start_server: StartServer, workers: int
) -> None:
    """Neither on kept-alive connections nor on new ones: they are answered or not connected."""
    server = start_server(workers=workers, threads=2)
    load = Load(server)
    with load.running():
        server.terminate()
        load.wait_until_refused()
    assert load.failures == []
    assert server.wait() == 0


def test_a_graceful_shutdown_waits_for_a_slow_reader(start_server: StartServer) -> None:
    server = start_server(threads=2, buffered_bodies=50, **SHORT)
    size = 20_000_000
    slow = server.connect(request(f"/large?bytes={size}"), receive_buffer=65_536)
    assert slow.head()[1] == 200
    pipelined = server.connect(request("/echo", body=b"abc") * 3)
    server.terminate()
    until(lambda: refuses_connections(server))
    assert pipelined.response().body == b"abc"
    assert len(slow.read_all()) == size
    assert server.wait() == 0


def test_a_graceful_shutdown_delivers_responses_that_are_not_read_yet(
    start_server: StartServer,
) -> None:
    """Some of them fit into the system's buffers, others do not."""
    server = start_server(threads=4, max_body_bytes=16_000_000, **SHORT)
    sizes = range(100_000, 5_000_000, 300_000)
    clients = [
        server.connect(request(f"/large?bytes={size}"), receive_buffer=8_192) for size in sizes
    ]
    server.turn()
    server.wait_until_idle()
    server.terminate()
    until(lambda: refuses_connections(server))
    for size, client in zip(sizes, clients, strict=True):
        assert len(client.response().body) == size
        assert client.ended()
    assert server.wait() == 0


def test_a_graceful_shutdown_has_a_time_limit(start_server: StartServer) -> None:
    server = start_server(threads=1, graceful_seconds=1, **SHORT)
    endless = server.connect(request("/wait?gate=never"))
    stuck = server.connect(announce(3) + b"a")
    server.wait_until_waiting("never")
    server.terminate()
    server.wait()
    assert endless.ended()
    assert stuck.ended()


def test_an_idle_server_shuts_down_within_seconds(start_server: StartServer) -> None:
    server = start_server(workers=2, **SHORT)
    kept_alive = [server.connect(request("/quick")) for _ in range(5)]
    assert {client.response().status for client in kept_alive} == {200}
    server.terminate()
    assert server.wait(10) == 0
    assert all(client.ended() for client in kept_alive)


def test_replacing_a_server_process_under_load_fails_no_request(start_server: StartServer) -> None:
    server = start_server(workers=2, threads=2)
    load = Load(server)
    with load.running():
        (first, second) = server.workers()
        os.kill(first, signal.SIGTERM)
        until(lambda: len({*server.workers()} - {first}) == 2)
        load.wait_for_more(200)
    assert load.failures == []
    assert second in server.workers()


def test_a_killed_server_process_is_replaced(start_server: StartServer) -> None:
    server = start_server(threads=2, **SHORT)
    running = server.connect(request("/wait?gate=killed"))
    arrives = server.connect(announce(3) + b"a")
    server.wait_until_waiting("killed")
    (victim,) = server.workers()
    os.kill(victim, signal.SIGKILL)
    assert running.ended()
    assert arrives.ended()
    assert server.ask("/echo", body=b"abc").body == b"abc"
    assert server.workers() != [victim]


def test_a_killed_server_process_does_not_affect_another(start_server: StartServer) -> None:
    server = start_server(workers=2)
    clients = [server.connect(request("/quick")) for _ in range(20)]
    assert {client.response().status for client in clients} == {200}
    os.kill(server.workers()[0], signal.SIGKILL)
    survivors = [client for client in clients if is_answered(client)]
    until(lambda: len(server.workers()) == 2)
    assert all(server.ask("/echo").status == 200 for _ in range(20))
    assert all(is_answered(client) for client in survivors)


def is_answered(client: Client) -> bool:
    """Return whether a client gets a response on its connection."""
    try:
        return client.send(request("/echo")).response().status == 200
    except (OSError, EOFError):
        return False


def test_a_server_process_without_its_master_answers_requests_in_flight_and_ends(
    start_server: StartServer,
) -> None:
    server = start_server(threads=2, **SHORT)
    arrives = server.connect(announce(3) + b"a")
    running = server.connect(request("/wait?gate=orphan", body=b"abc"))
    server.wait_until_waiting("orphan")
    (orphan,) = server.workers()
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    until(lambda: refuses_connections(server))
    response = arrives.send(b"bc").response()
    assert (response.body, response.headers["Connection"]) == (b"abc", "close")
    server.open_gate("orphan")
    assert running.response().body == b"abc"
    until(has_ended(orphan))


def has_ended(process: int) -> Callable[[], bool]:
    """Return a condition: that a process, which may be no child of this one, has ended."""

    def condition() -> bool:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        return False

    return condition
