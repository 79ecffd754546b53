"""Clients that send slowly: time limits, and what they cost everyone else."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.patience import seconds, until
from tests.service.problem_shape import assert_problem
from tests.service.server.contract.conftest import RunServer
from tests.service.server.harness.client import Client, request
from tests.service.server.harness.configuration import Configuration, Limits
from tests.service.server.harness.server import Server

PERIOD = seconds(1.0)
RATE = 10_000  # bytes per second
LIMITS = Limits(
    head_seconds=PERIOD,
    body_seconds=PERIOD,
    min_bytes_per_second=RATE,
    idle_seconds=PERIOD,
    linger_seconds=PERIOD,
)


@pytest.fixture(scope="module")
def impatient_server(run_server: RunServer) -> Iterator[Server]:
    """Return a server whose time limits are one second."""
    configuration = Configuration(threads=2, limits=LIMITS)
    with run_server(configuration) as server:
        yield server


@pytest.fixture
def impatient(impatient_server: Server) -> Iterator[Server]:
    yield impatient_server
    impatient_server.close_clients()


def announce(length: int, path: str = "/echo") -> bytes:
    """Return the head of a request whose body is still to be sent."""
    return request(path, f"Content-Length: {length}", method="POST")


def assert_times_out(client: Client) -> None:
    """Check that a client gets a 408, and that its connection ends."""
    response = client.response()
    assert_problem(response.status, response.body, response.headers, expected=408)
    assert response.headers["Connection"] == "close"
    assert client.ended()


def send_for(client: Client, duration: float) -> None:
    """Send bytes all the time, whatever the server answers."""
    deadline = time.monotonic() + duration
    while time.monotonic() < deadline:
        client.send(b"a" * 1_000)


def test_requests_that_stop_arriving_get_a_408_and_are_counted(impatient: Server) -> None:
    before = impatient.counters()["slow"]
    chunked = request("/echo", "Transfer-Encoding: chunked", method="POST")
    clients = [
        impatient.connect(sent)
        for sent in (
            b"P",
            b"POST / HTTP/1.1\r\nHost: he",
            announce(9),
            announce(9) + b"1234",
            chunked + b"9\r\n1234",
            chunked + b"4\r\n1234\r\n",
            announce(900_000) + b"a" * 60_000,
        )
    ]
    for client in clients:
        assert_times_out(client)
    assert impatient.counters()["slow"] == before + len(clients)
    assert impatient.ask("/echo").status == 200


def test_a_head_that_arrives_too_slowly_gets_a_408(impatient: Server) -> None:
    """However steadily it comes: the time limit is for the whole head."""
    client = impatient.connect(b"GET / HTTP/1.1\r\nHost: here\r\nA: ")
    deadline = time.monotonic() + 20 * PERIOD
    while client.is_silent(PERIOD / 10):
        assert time.monotonic() < deadline
        client.send(b"a")
    assert_times_out(client)


def test_bodies_that_arrive_too_slowly_get_a_408(impatient: Server) -> None:
    plain = impatient.connect(announce(900_000))
    chunked = impatient.connect(request("/echo", "Transfer-Encoding: chunked", method="POST"))
    deadline = time.monotonic() + 20 * PERIOD
    while plain.is_silent(PERIOD / 10) and chunked.is_silent(0):
        assert time.monotonic() < deadline
        plain.send(b"a")
        chunked.send(b"1\r\na\r\n")
    for client in (plain, chunked):
        assert_times_out(client)


def test_a_body_that_arrives_fast_enough_has_no_total_time_limit(
    impatient: Server,
) -> None:
    part = b"a" * int(PERIOD * RATE)  # ten times the least, in each tenth of a period
    count = 25
    client = impatient.connect(announce(count * len(part)))
    for _ in range(count):
        assert client.is_silent(PERIOD / 10)
        client.send(part)
    assert client.response().body == part * count


def test_a_timed_out_body_gets_a_408_in_the_format_of_its_protocol(
    impatient: Server,
) -> None:
    paths = ("/v2/models", "/v1/models", "/invocations")
    responses = [
        client.response()
        for client in [impatient.connect(announce(9, path) + b"1") for path in paths]
    ]
    assert [each.status for each in responses] == [408] * 3
    documents = [json.loads(each.body) for each in responses]
    assert [each.keys() for each in documents[:2]] == [{"error"}] * 2
    assert documents[2].keys() == {"error_code", "message"}


def test_an_idle_connection_is_closed_without_a_response(impatient: Server) -> None:
    new, kept_alive = impatient.connect(), impatient.connect(request("/echo"))
    assert kept_alive.response().status == 200
    assert new.ended()
    assert kept_alive.ended()


def test_requests_reset_the_idle_timeout(impatient: Server) -> None:
    client = impatient.connect()
    for _ in range(6):
        assert client.send(request("/at-once", body=b"a")).response().status == 200
        assert client.is_silent(PERIOD / 4)


def test_client_timeouts_do_not_apply_while_the_application_works(impatient: Server) -> None:
    """Time limits are for clients, not for the application."""
    client = impatient.connect(request("/wait?gate=not-slow", body=b"abc"))
    assert client.is_silent(1.5 * PERIOD)
    impatient.open_gate("not-slow")
    assert client.response().body == b"abc"


def test_a_client_that_keeps_sending_after_its_last_response_is_disconnected(
    impatient: Server,
) -> None:
    client = impatient.connect(announce(10**12))
    assert client.response().status == 413
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        send_for(client, 20 * PERIOD)


@pytest.mark.usefixtures("many_files")
def test_a_thousand_slow_clients_delay_no_other_client(server: Server) -> None:
    """They are many more than there are threads."""
    slow: list[tuple[Client, bytes]] = []
    for _ in range(250):
        slow.append((server.connect(), b"GET /echo HTTP/1.1\r\nHost: here\r\n\r\n"))
        slow.append((server.connect(announce(4)[:13]), announce(4)[13:] + b"abcd"))
        slow.append((server.connect(announce(4)), b"abcd"))
        slow.append((server.connect(announce(4) + b"a"), b"bcd"))
    fast = server.connect()
    for _ in range(50):
        for path in ("/echo", "/at-once", "/quick"):
            begun = time.monotonic()
            assert fast.send(request(path, body=b"abc")).response().body == b"abc"
            assert time.monotonic() - begun < seconds(1)
    for client, rest in slow:
        assert client.send(rest).response().status == 200
    server.close_clients()
    until(lambda: server.open_connections() == 0)
