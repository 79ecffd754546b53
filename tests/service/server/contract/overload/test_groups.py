"""Groups of requests share threads, queue and memory: a flood of one leaves room to the others."""

from collections.abc import Iterator

import pytest

from tests.patience import seconds, until
from tests.service.problem_shape import assert_problem
from tests.service.server.contract.conftest import RunServer, StartServer, left_idle
from tests.service.server.harness.client import Client, Response, request
from tests.service.server.harness.configuration import Configuration
from tests.service.server.harness.server import Server

THREADS, QUEUE = 3, 4
LONG = b"a" * 200_000
A, B = "X-Group: a", "X-Group: b"


@pytest.fixture(scope="module")
def small_server(run_server: RunServer) -> Iterator[Server]:
    """Return a server with few threads and a short queue, which two groups have used."""
    with run_server(Configuration(threads=THREADS, max_waiting=QUEUE)) as server:
        for group in (A, B):
            assert server.ask("/echo", group, body=b"short").status == 200
            assert server.ask("/echo", group, body=LONG).status == 200
        yield server


@pytest.fixture
def small(small_server: Server) -> Iterator[Server]:
    yield from left_idle(small_server)


def send(server: Server, count: int, path: str, *lines: str, body: bytes = b"a") -> list[Client]:
    """Send requests one after the other; return when all of them are in flight."""
    clients: list[Client] = []
    for _ in range(count):
        in_flight = server.counters()["in_flight"]
        clients.append(server.connect(request(path, *lines, body=body)))
        until(lambda: server.counters()["in_flight"] == in_flight + 1)  # noqa: B023  # at once
    return clients


def send_into_full_queue(server: Server, path: str, *lines: str) -> Client:
    """Send a request that displaces another one; return when it has."""
    refused = server.counters()["overloaded"]
    client = server.connect(request(path, *lines, body=b"a"))
    until(lambda: server.counters()["overloaded"] == refused + 1)
    return client


def statuses(clients: list[Client]) -> list[int]:
    return [client.response().status for client in clients]


def assert_overloaded(response: Response) -> None:
    assert_problem(response.status, response.body, response.headers, expected=503)
    assert int(response.headers["Retry-After"]) > 0


# Threads


def test_requests_of_one_group_that_block_leave_a_thread_to_others(small: Server) -> None:
    blocked = send(small, THREADS + 1, "/wait?gate=threads", A)
    small.wait_until_waiting("threads", THREADS - 1)
    for _ in range(20):
        assert small.ask("/echo", B, body=b"abc").body == b"abc"
    assert small.requests().count("/wait?gate=threads") == THREADS - 1
    small.open_gate("threads")
    assert statuses(blocked) == [200] * len(blocked)


def test_only_group_uses_every_thread_and_place(run_server: RunServer) -> None:
    with run_server(Configuration(threads=THREADS, max_waiting=QUEUE)) as server:
        assert server.ask("/echo", body=b"a request without a group").status == 200
        clients = send(server, THREADS + QUEUE, "/wait?gate=only", A)
        server.wait_until_waiting("only", THREADS)
        assert_overloaded(server.ask("/echo", A))
        server.open_gate("only")
        assert statuses(clients) == [200] * len(clients)


def test_groups_that_wait_for_a_thread_take_turns(run_server: RunServer) -> None:
    with run_server(Configuration(threads=1)) as server:
        clients = send(server, 1, "/wait?gate=turns", A)
        server.wait_until_waiting("turns")
        for name in ("a1", "a2", "a3"):
            clients += send(server, 1, f"/echo?{name}", A)
        clients += send(server, 1, "/echo?b1", B)
        server.open_gate("turns")
        assert statuses(clients) == [200] * len(clients)
        assert server.requests()[-4:] == ["/echo?a1", "/echo?b1", "/echo?a2", "/echo?a3"]


def test_process_in_which_a_group_has_blocked_its_threads_is_replaced(
    start_server: StartServer,
) -> None:
    server = start_server(threads=2, deadline_seconds=seconds(0.5))
    [blocked] = server.workers()
    for group in (A, B):
        assert server.ask("/echo", group).status == 200
    server.connect(request("/wait?gate=never", A))
    server.wait_until_waiting("never")
    until(lambda: server.ask("/echo", A, body=b"abc").status == 503)
    assert server.ask("/echo", B, body=b"abc").body == b"abc"
    assert server.ask("/ready").status == 200  # for the other groups
    until(lambda: len(server.workers()) == 1 and server.workers() != [blocked])
    assert server.ask("/echo", A).status == server.ask("/echo", B).status == 200


# Queue


def test_full_queue_drops_the_newest_request_of_the_group_with_most(small: Server) -> None:
    *older, newest = send(small, THREADS + QUEUE, "/wait?gate=newest", A)
    small.wait_until_waiting("newest", THREADS - 1)
    blocked = send_into_full_queue(small, "/wait?gate=b", B)
    assert_overloaded(newest.response())
    assert newest.send(request("/quick", body=b"next")).response().body == b"next"
    assert_overloaded(small.ask("/echo", A))  # which has most
    for gate in ("newest", "b"):
        small.open_gate(gate)
    assert statuses([*older, blocked]) == [200] * (len(older) + 1)


def test_every_group_has_an_equal_share_of_a_full_queue(small: Server) -> None:
    first = send(small, THREADS + QUEUE, "/wait?gate=share", A)
    small.wait_until_waiting("share", THREADS - 1)
    second: list[Client] = []
    while len(second) < (THREADS + QUEUE) // 2:
        second.append(send_into_full_queue(small, "/wait?gate=share", B))
    assert_overloaded(small.ask("/echo", B))
    assert_overloaded(small.ask("/echo", A))
    small.open_gate("share")
    assert sorted(statuses(first)) == [200] * (len(first) - len(second)) + [503] * len(second)
    assert statuses(second) == [200] * len(second)


def test_waiting_long_body_is_dropped_for_another_group(small: Server) -> None:
    *older, newest = send(small, THREADS + QUEUE, "/wait?gate=long-queue", A, body=LONG)
    assert small.ask("/echo", B, body=b"abc").body == b"abc"
    assert_overloaded(newest.response())
    small.open_gate("long-queue")
    assert statuses(older) == [200] * len(older)


# Long bodies


def test_groups_of_long_bodies_take_turns(small: Server) -> None:
    clients = send(small, 1, "/wait?gate=long-turns", A, body=LONG)
    for name in ("a1", "a2", "a3"):
        clients += send(small, 1, f"/echo?{name}", A, body=LONG)
    clients += send(small, 1, "/echo?b1", B, body=LONG)
    small.open_gate("long-turns")
    assert statuses(clients) == [200] * len(clients)
    assert small.requests()[-4:] == ["/echo?a1", "/echo?b1", "/echo?a2", "/echo?a3"]


def test_unread_responses_of_one_group_leave_one_to_others(start_server: StartServer) -> None:
    server = start_server(threads=2, long_responses=3, long_response_seconds=0.01)
    for group in (A, B):
        assert server.ask("/echo", group, body=LONG).body == LONG
    slow = [server.connect(request("/long", A, body=LONG)) for _ in range(2)]
    for client in slow:
        assert client.head()[1] == 200
    server.wait_until_idle()  # both wait for their clients, and no thread makes more of them
    (waiting,) = send(server, 1, "/echo", A, body=LONG)
    for _ in range(3):
        assert server.ask("/echo", B, body=LONG).body == LONG
    assert waiting.is_silent(0)
    slow[0].close()
    assert waiting.response().body == LONG


# Memory


def test_memory_that_one_group_holds_is_taken_from_its_waiting_requests(
    start_server: StartServer,
) -> None:
    size = 600_000
    server = start_server(threads=2, max_body_bytes=1_000_000, buffered_bodies=2)
    first, second, third = send(server, 3, "/wait?gate=held", A, body=b"a" * size)
    head = request("/echo", B, f"Content-Length: {size}", method="POST")
    arriving = server.connect(head, b"b" * (size - 1))
    assert_overloaded(third.response())
    small = server.connect(request("/echo", B, body=b"b" * 1_000))
    assert small.response().status == 200
    server.open_gate("held")
    assert arriving.send(b"b").response().body == b"b" * size
    assert statuses([first, second]) == [200, 200]


# What is counted


def test_requests_that_end_in_any_way_release_their_places(start_server: StartServer) -> None:
    server = start_server(
        threads=2, max_waiting=QUEUE, deadline_seconds=seconds(1), long_response_seconds=0.01
    )
    for gate, body in (("short", b"short"), ("long", LONG)):
        for group in (A, B):
            assert server.ask("/echo", group, body=body).body == body
        before = server.counters()
        late = [
            server.connect(request(f"/wait?gate={gate}", group, body=body))
            for group in (A,) * 20 + (B,) * 2
        ]
        late.pop(1).reset()
        assert set(statuses(late)) == {503}  # as the queue is full, or at the deadline
        server.connect(request("/long", A, body=body)).reset()
        server.open_gate(gate)
        server.wait_until_idle()
        server.connect(request("/fail?when=within-body", A, body=body)).read_all()
        after = server.counters()
        assert all(after[reason] > before[reason] for reason in ("overloaded", "deadline"))
    slow = [server.connect(request("/long", group, body=LONG)) for group in (A, A, B)]
    assert [client.head()[1] for client in slow] == [200] * 3
    blocked = [server.connect(request("/wait?gate=end", group)) for group in (A, B)]
    server.wait_until_waiting("end", 2)
    server.open_gate("end")
    assert statuses(blocked) == [200, 200]
