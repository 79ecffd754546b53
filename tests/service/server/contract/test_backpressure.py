"""Clients that read slowly: backpressure, memory, and what they cost everyone else."""

import time
from collections.abc import Iterator

import pytest

from tests.patience import seconds, until
from tests.service.server.contract.conftest import RunServer, StartServer
from tests.service.server.harness.application import PART, PARTS_OF_LONG
from tests.service.server.harness.client import Client, request
from tests.service.server.harness.configuration import Configuration, Limits
from tests.service.server.harness.server import Server

LONG_BYTES = len(PART) * PARTS_OF_LONG
SMALL_BUFFER = 8_192
PERIOD = seconds(1.0)


@pytest.fixture(scope="module")
def roomy_server(run_server: RunServer) -> Iterator[Server]:
    """Return a server with memory for many responses that are not read."""
    configuration = Configuration(threads=4, max_body_bytes=16_000_000)
    with run_server(configuration) as server:
        yield server


@pytest.fixture
def roomy(roomy_server: Server) -> Iterator[Server]:
    yield roomy_server
    roomy_server.close_clients()


@pytest.fixture(scope="module")
def impatient_server(run_server: RunServer) -> Iterator[Server]:
    """Return a server that closes a connection when its client reads nothing for a second."""
    limits = Limits(body_seconds=PERIOD, min_bytes_per_second=10_000)
    with run_server(Configuration(threads=2, limits=limits)) as server:
        yield server


@pytest.fixture
def impatient(impatient_server: Server) -> Iterator[Server]:
    yield impatient_server
    impatient_server.close_clients()


@pytest.mark.parametrize("path", ["/long", f"/large?bytes={LONG_BYTES}"])
def test_a_long_response_is_complete(server: Server, path: str) -> None:
    client = server.connect(request(path))
    assert client.response().body == PART * PARTS_OF_LONG
    assert client.send(request("/echo", body=b"next")).response().body == b"next"


def test_a_response_that_is_not_read_holds_no_thread(start_server: StartServer) -> None:
    """It waits in memory, as it is not too long."""
    server = start_server(threads=1, max_waiting=0)
    lazy = server.connect(request("/large?bytes=3000000"), receive_buffer=SMALL_BUFFER)
    server.wait_until_begun("/large?bytes=3000000")
    until(lambda: server.ask("/echo").status == 200)
    assert lazy.is_silent(0) is False
    assert len(lazy.response().body) == 3_000_000
    assert lazy.send(request("/echo", body=b"next")).response().body == b"next"


def test_long_responses_that_are_not_read_hold_no_threads(roomy: Server) -> None:
    lazy = [roomy.connect(request("/long"), receive_buffer=SMALL_BUFFER) for _ in range(8)]
    for client in lazy:
        assert not client.is_silent(seconds(2))
    other = roomy.connect(request("/echo", body=b"abc"))
    assert not other.is_silent(seconds(2))
    assert other.response().body == b"abc"


def test_a_response_that_is_not_read_is_not_all_kept_in_memory(roomy: Server) -> None:
    memory = roomy.memory_bytes()
    lazy = [roomy.connect(request("/long"), receive_buffer=SMALL_BUFFER) for _ in range(3)]
    for client in lazy:
        assert client.head()[1] == 200
    roomy.turn(100)
    assert roomy.ask("/echo", body=b"abc").body == b"abc"
    assert roomy.memory_bytes() - memory < 60_000_000  # of 300 MB
    rest = lazy[0].read(LONG_BYTES)
    assert len(rest) == LONG_BYTES


def test_backpressure_stops_reading_pipelined_requests_while_responses_are_unread(
    roomy: Server,
) -> None:
    """Each response is many times as long as its request."""
    memory = roomy.memory_bytes()
    count, path = 2_000, "/large?bytes=30000&by=lazy"
    lazy = roomy.connect(receive_buffer=SMALL_BUFFER)
    lazy.send(request(path) * count)
    roomy.wait_until_begun(path)
    roomy.turn(100)
    assert roomy.ask("/at-once", body=b"a").status == 200
    assert roomy.memory_bytes() - memory < 30_000_000  # of 60 MB
    assert roomy.requests().count(path) < count
    assert {len(lazy.response().body) for _ in range(count)} == {30_000}


@pytest.mark.parametrize("path", ["/quick", "/at-once"])
def test_pipelined_responses_to_a_slow_reader_arrive_in_order(roomy: Server, path: str) -> None:
    count = 4_000
    lazy = roomy.connect(receive_buffer=SMALL_BUFFER)
    bodies = [b"%d" % number for number in range(count)]
    lazy.send_in_background(b"".join(request(path, body=body) for body in bodies))
    roomy.wait_until_begun(path)
    assert roomy.ask(path, body=b"abc").body == b"abc"
    assert [lazy.response().body for _ in range(count)] == bodies


def unread_responses(roomy: Server, *last: bytes) -> list[tuple[int, Client]]:
    """Let clients pipeline 1, 2, 3 … requests, and read nothing yet.

    The buffers are full after one of these numbers of responses: with the last response of one
    client, before it for the clients with more requests, and not at all for those with fewer.
    """
    path = "/large?bytes=200000"
    clients = [
        (count, roomy.connect(request(path) * count, *last, receive_buffer=SMALL_BUFFER))
        for count in range(1, 26)
    ]
    roomy.turn(100)
    roomy.wait_until_idle()
    return clients


def assert_complete(client: Client, count: int) -> None:
    assert {len(client.response().body) for _ in range(count)} == {200_000}


def test_half_closed_slow_readers_get_their_responses_and_the_end(roomy: Server) -> None:
    clients = unread_responses(roomy)
    for _, client in clients:
        client.half_close()
    roomy.turn()
    for count, client in clients:
        assert_complete(client, count)
        assert client.ended()


def test_slow_readers_get_the_response_to_a_later_request(roomy: Server) -> None:
    clients = unread_responses(roomy)
    body = b"next" * 100_000
    for _, client in clients:
        client.send_in_background(request("/echo", body=body))
    roomy.turn()
    for count, client in clients:
        assert_complete(client, count)
        assert client.response().body == body


def test_slow_readers_get_the_refusal_of_a_later_request(roomy: Server) -> None:
    for count, client in unread_responses(roomy, b"GET /\r\n\r\n"):
        assert_complete(client, count)
        assert client.response().status == 400
        assert client.ended()


def test_slow_readers_get_the_100_continue_of_a_later_request(roomy: Server) -> None:
    announced = request("/echo", "Expect: 100-continue", "Content-Length: 3", method="POST")
    for count, client in unread_responses(roomy, announced):
        assert_complete(client, count)
        assert client.head() == ("HTTP/1.1", 100, [])
        assert client.send(b"abc").response().body == b"abc"


@pytest.mark.parametrize("path", ["/long", f"/large?bytes={LONG_BYTES}"])
def test_a_client_that_stops_reading_is_closed(impatient: Server, path: str) -> None:
    lazy = impatient.connect(request(path), receive_buffer=SMALL_BUFFER)
    assert not lazy.is_silent(seconds(20))
    until(lambda: impatient.open_connections() == 0)
    impatient.wait_until_idle()
    assert len(lazy.read_all()) < LONG_BYTES


def test_a_client_that_reads_fast_enough_is_not_closed(impatient: Server) -> None:
    client = impatient.connect(request("/long"))
    assert client.head()[1] == 200
    received = 0
    deadline = time.monotonic() + 2 * PERIOD
    while time.monotonic() < deadline:
        received += len(client.read(500_000))
        time.sleep(PERIOD / 20)  # the pace of reading is what is tested
    assert received + len(client.read(LONG_BYTES - received)) == LONG_BYTES


def test_a_response_to_a_long_body_has_a_least_rate_of_its_own(run_server: RunServer) -> None:
    limits = Limits(body_seconds=PERIOD, min_bytes_per_second=-1, long_bytes_per_second=10_000)
    with run_server(Configuration(threads=2, limits=limits)) as server:
        short, long = (
            server.connect(request("/long", body=b"a" * size), receive_buffer=SMALL_BUFFER)
            for size in (1_000, 200_000)
        )
        until(lambda: server.open_connections() == 2)
        until(lambda: server.open_connections() == 1)
        assert len(long.read_all()) < LONG_BYTES
        assert len(short.read(LONG_BYTES)) == LONG_BYTES


def test_clients_that_disconnect_during_a_response_release_their_resources(
    roomy: Server,
) -> None:
    memory = roomy.memory_bytes()
    for _ in range(10):
        client = roomy.connect(request("/long"), receive_buffer=SMALL_BUFFER)
        assert client.head()[1] == 200
        client.reset()
    roomy.wait_until_idle()
    until(lambda: roomy.open_connections() == 0)
    assert roomy.memory_bytes() - memory < 60_000_000
