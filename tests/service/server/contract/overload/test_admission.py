"""What the server refuses when there is too much: queue, deadline, memory and connections."""

import json
from collections.abc import Iterator

import pytest

from tests.patience import seconds, until
from tests.service.problem_shape import assert_problem
from tests.service.server.contract.conftest import RunServer, StartServer, left_idle
from tests.service.server.harness.client import Client, Response, request
from tests.service.server.harness.configuration import Configuration, Limits
from tests.service.server.harness.errors import assert_common_headers
from tests.service.server.harness.server import Server

QUEUE = 3
THREADS = 2
LARGE = 8_000_000
CONNECTIONS = 10


@pytest.fixture(scope="module")
def small_server(run_server: RunServer) -> Iterator[Server]:
    """Return a server with few threads and a short queue."""
    configuration = Configuration(threads=THREADS, max_waiting=QUEUE)
    with run_server(configuration) as server:
        yield server


@pytest.fixture
def small(small_server: Server) -> Iterator[Server]:
    yield from left_idle(small_server)


@pytest.fixture(scope="module")
def hasty_server(run_server: RunServer) -> Iterator[Server]:
    """Return a server with one thread and a short deadline."""
    configuration = Configuration(threads=1, max_waiting=10, deadline_seconds=seconds(0.5))
    with run_server(configuration) as server:
        yield server


@pytest.fixture
def hasty(hasty_server: Server) -> Iterator[Server]:
    yield from left_idle(hasty_server)


@pytest.fixture(scope="module")
def full_server(run_server: RunServer) -> Iterator[Server]:
    """Return a server with memory for one body, which is larger than what the system buffers."""
    configuration = Configuration(max_body_bytes=LARGE, limits=Limits(buffered_bodies=1))
    with run_server(configuration) as server:
        yield server


@pytest.fixture
def full(full_server: Server) -> Iterator[Server]:
    yield from left_idle(full_server)


@pytest.fixture(scope="module")
def crowded_server(run_server: RunServer) -> Iterator[Server]:
    """Return a server that takes few connections."""
    configuration = Configuration(threads=CONNECTIONS, limits=Limits(max_connections=CONNECTIONS))
    with run_server(configuration) as server:
        yield server


@pytest.fixture
def crowded(crowded_server: Server) -> Iterator[Server]:
    yield crowded_server
    crowded_server.close_clients()
    until(lambda: crowded_server.open_connections() == 0)


def fill(server: Server, gate: str) -> list[Client]:
    """Occupy all threads and the whole queue with requests that wait at a gate."""
    count = THREADS + QUEUE
    clients = [server.connect(request(f"/wait?gate={gate}", body=b"waited")) for _ in range(count)]
    server.wait_until_waiting(gate, THREADS)
    until(lambda: server.counters()["in_flight"] == count)
    return clients


def assert_overloaded(response: Response) -> None:
    assert_problem(response.status, response.body, response.headers, expected=503)
    assert int(response.headers["Retry-After"]) > 0


def test_a_long_body_waits_for_a_thread_that_still_works_on_another_one(
    run_server: RunServer,
) -> None:
    long = b"a" * 200_000
    configuration = Configuration(threads=2, deadline_seconds=seconds(0.5))
    with run_server(configuration) as server:
        assert_overloaded(server.ask("/wait?gate=turn", body=long))  # at its deadline
        assert server.ask("/echo", body=b"short").body == b"short"
        assert_overloaded(server.ask("/echo", body=long))
        server.open_gate("turn")
        server.wait_until_idle()
        assert server.ask("/echo", body=long).body == long


def test_few_responses_to_long_bodies_are_sent_at_a_time(run_server: RunServer) -> None:
    """What a slow client has not taken stays in memory."""
    long = b"a" * 200_000
    limits = Limits(long_response_seconds=0.01, long_responses=2)
    configuration = Configuration(threads=2, deadline_seconds=seconds(0.5), limits=limits)
    with run_server(configuration) as server:
        slow = [server.connect(request("/long", body=long)) for _ in range(2)]
        for client in slow:
            assert client.head()[1] == 200
        assert_overloaded(server.ask("/echo", body=long))
        assert server.ask("/echo", body=b"short").body == b"short"
        slow[0].close()
        until(lambda: server.ask("/echo", body=long).body == long)


def test_streams_and_whole_responses_keep_no_long_body_waiting(run_server: RunServer) -> None:
    long = b"a" * 200_000
    limits = Limits(long_responses=1)
    with run_server(Configuration(threads=2, limits=limits)) as server:
        for path in ("/stream", "/large?bytes=1000", "/fail?when=before"):
            client = server.connect(request(path, body=long))
            assert client.head()[1] in (200, 500)
            assert server.ask("/echo", body=long).body == long


def test_requests_get_a_503_when_the_queue_is_full(small: Server) -> None:
    waiting = fill(small, "full")
    assert_overloaded(small.ask("/echo"))
    assert_overloaded(small.ask("/wait?gate=full", body=b"abc"))
    small.open_gate("full")
    assert [client.response().body for client in waiting] == [b"waited"] * len(waiting)
    assert small.ask("/echo", body=b"abc").body == b"abc"


def test_a_connection_is_kept_alive_after_a_503(small: Server) -> None:
    fill(small, "again")
    client = small.connect()
    for _ in range(3):
        response = client.send(request("/echo", body=b"abc")).response()
        assert_overloaded(response)
        assert response.headers.get("Connection", "keep-alive") == "keep-alive"
    small.open_gate("again")
    small.wait_until_idle()
    assert client.send(request("/echo", body=b"abc")).response().body == b"abc"


def test_single_rows_and_health_are_answered_while_the_queue_is_full(small: Server) -> None:
    fill(small, "fast")
    client = small.connect()
    for path in ("/at-once", "/quick") * 20:
        assert client.send(request(path, body=b"abc")).response().body == b"abc"
    small.open_gate("fast")


def test_a_few_spared_requests_are_accepted_when_the_queue_is_full(small: Server) -> None:
    fill(small, "spared")
    before = small.counters()
    clients = [small.connect(request("/spared", body=b"abc")) for _ in range(50)]

    def decided() -> float:
        gained = {name: number - before[name] for name, number in small.counters().items()}
        return gained["in_flight"] + gained["overloaded"]

    until(lambda: decided() == len(clients))
    small.open_gate("spared")
    responses = [client.response() for client in clients]
    assert {response.body for response in responses if response.status == 200} == {b"abc"}
    refused = [response for response in responses if response.status != 200]
    assert refused
    for response in refused:
        assert_overloaded(response)


def test_a_refusal_has_the_format_of_its_paths_protocol(small: Server) -> None:
    fill(small, "format")
    native, v2, v1, mlflow = (
        json.loads(small.ask(path).body)
        for path in ("/predict", "/v2/models", "/v1/models", "/invocations")
    )
    assert v2 == v1 == {"error": native["detail"]}
    assert mlflow == {"error_code": "TEMPORARILY_UNAVAILABLE", "message": native["detail"]}
    small.open_gate("format")


def test_a_refusal_has_the_common_headers_and_the_callers_request_id(small: Server) -> None:
    fill(small, "headers")
    response = small.ask("/echo", "X-Request-ID: the-callers")
    assert response.status == 503
    assert_common_headers(response)
    assert response.headers["X-Request-ID"] == "the-callers"
    made = [small.ask("/echo", "X-Request-ID: a b").headers["X-Request-ID"] for _ in range(3)]
    assert len({*made, "a b"}) == 4
    small.open_gate("headers")


def test_a_refusal_of_head_has_no_body(small: Server) -> None:
    fill(small, "head")
    client = small.connect(request("/echo", method="HEAD") + request("/quick", body=b"next"))
    assert client.response("HEAD").status == 503
    assert client.response().body == b"next"
    small.open_gate("head")


def test_a_queued_request_is_logged_when_it_is_answered_and_a_refused_one_immediately(
    small: Server,
) -> None:
    waiting = fill(small, "log")[0]
    small.ask("/echo", "X-Request-ID: refused")
    (line,) = until(lambda: small.access_lines("refused"))
    assert (line["path"], line["status"]) == ("/echo", 503)
    before = len(small.access_log())
    small.open_gate("log")
    assert waiting.response().status == 200
    until(lambda: len(small.access_log()) >= before + THREADS + QUEUE)


def test_requests_that_are_refused_are_counted_by_reason(small: Server) -> None:
    before = small.counters()
    fill(small, "count")
    assert small.ask("/echo").status == 503
    assert small.connect(b"no HTTP\r\n\r\n").response().status == 400
    small.open_gate("count")
    small.wait_until_idle()
    after = small.counters()
    gained = {reason: number - before[reason] for reason, number in after.items()}
    assert gained == {"overloaded": 1, "malformed": 1, "deadline": 0, "slow": 0, "in_flight": 0}


# The deadline


def test_requests_beyond_the_deadline_get_a_503_and_the_connection_ends(hasty: Server) -> None:
    counted = hasty.counters()["deadline"]
    running, queued = (
        hasty.connect(request("/wait?gate=late", f"X-Request-ID: {name}")).send(request("/behind"))
        for name in ("running", "queued")
    )
    for client in (running, queued):
        response = client.response()
        assert_overloaded(response)
        assert response.headers["Connection"] == "close"
        assert client.ended()
    hasty.open_gate("late")
    hasty.wait_until_idle()
    assert hasty.ask("/echo", body=b"abc").body == b"abc"
    assert hasty.counters()["deadline"] == counted + 2
    # the one is not heard when it is done, the other was never begun
    assert hasty.requests().count("/wait?gate=late") == 1
    assert "/behind?" not in hasty.requests()
    for name in ("running", "queued"):
        (line,) = until(lambda name=name: hasty.access_lines(name))  # type: ignore[misc]
        assert line["status"] == 503


def test_single_rows_are_answered_while_a_request_beyond_the_deadline_runs_on(
    hasty: Server,
) -> None:
    assert hasty.connect(request("/wait?gate=runs-on")).response().status == 503
    assert hasty.ask("/at-once", body=b"abc").status == 200
    hasty.open_gate("runs-on")


def test_an_application_error_after_the_deadline_costs_no_thread(hasty: Server) -> None:
    client = hasty.connect(request("/wait?gate=fails&fail=1", "X-Request-ID: fails"))
    assert client.response().status == 503
    hasty.open_gate("fails")
    hasty.wait_until_idle()
    assert hasty.ask("/echo", body=b"abc").body == b"abc"
    assert [line["status"] for line in hasty.access_lines("fails")] == [503]


def test_a_deadline_applies_to_each_request_of_a_connection(hasty: Server) -> None:
    client = hasty.connect()
    for _ in range(7):
        assert client.send(request("/echo")).response().status == 200
        assert client.is_silent(seconds(0.1))


def test_a_response_that_stalls_ends_the_connection_at_the_deadline(hasty: Server) -> None:
    client = hasty.connect(request("/stall?gate=stall", "X-Request-ID: stall"))
    assert client.head()[1] == 200
    received = client.read_all()
    assert received
    assert not received.endswith(b"0\r\n\r\n")
    hasty.open_gate("stall")
    hasty.wait_until_idle()
    assert hasty.ask("/echo", body=b"abc").body == b"abc"


# Memory for bodies and responses


def announce(length: int) -> bytes:
    """Return the head of a request whose body is still to be sent."""
    return request("/echo", f"Content-Length: {length}", method="POST")


def test_arriving_bodies_stay_within_the_memory_budget(start_server: StartServer) -> None:
    size, rest = 100_000, 1_000
    server = start_server(max_body_bytes=size, buffered_bodies=3)
    largest = server.connect(announce(size), b"a" * (size - 1)).wait_until_delivered()
    server.turn()
    others = [server.connect(announce(size), b"a" * (size - rest)) for _ in range(3)]
    assert_overloaded(largest.response())
    assert largest.ended()
    for client in others:
        client.send(b"a" * rest)
    assert [len(client.response().body) for client in others] == [size] * 3
    assert server.ask("/echo", body=b"b" * size).body == b"b" * size


def test_an_arriving_body_is_refused_in_favor_of_a_complete_one(full: Server) -> None:
    arriving = full.connect(announce(LARGE), b"a" * (LARGE - 2_000)).wait_until_delivered()
    full.turn(100)
    assert full.ask("/echo", body=b"b" * 3_000).body == b"b" * 3_000
    assert_overloaded(arriving.response())
    assert arriving.ended()
    assert len(full.ask("/echo", body=b"b" * LARGE).body) == LARGE


def test_a_request_refused_for_memory_is_refused_after_the_response_before_it(
    start_server: StartServer,
) -> None:
    server = start_server(threads=2, max_body_bytes=100_000, buffered_bodies=1)
    first = request("/wait?gate=in-order", body=b"first")
    client = server.connect(first, announce(100_000), b"a" * 98_000)
    client.wait_until_delivered()
    server.wait_until_waiting("in-order")
    server.turn()
    assert server.ask("/echo", body=b"b" * 3_000).body == b"b" * 3_000
    assert client.is_silent(0)
    server.open_gate("in-order")
    assert client.response().body == b"first"
    assert_overloaded(client.response())
    assert client.ended()


def test_queued_bodies_and_unread_responses_count_toward_the_memory_budget(full: Server) -> None:
    large = request("/echo", body=b"b" * LARGE)
    waiting = full.connect(request("/wait?gate=memory", body=b"a" * LARGE), receive_buffer=8_192)
    full.wait_until_waiting("memory")
    assert_overloaded(full.connect(request("/echo", body=b"b" * 100_000)).response())
    full.open_gate("memory")
    full.wait_until_idle()
    assert_overloaded(full.connect(large).response())
    assert waiting.response().body == b"a" * LARGE
    until(lambda: full.connect(large).response().status == 200)


def test_failed_requests_release_their_memory(full: Server) -> None:
    part = b"%x\r\n%b\r\n" % (LARGE // 2, b"a" * (LARGE // 2))
    chunked = request("/echo", "Transfer-Encoding: chunked", method="POST")
    full.open_gate("reset")
    for _ in range(3):
        full.connect(request("http://here:99999/", body=b"a" * LARGE)).reset()
        assert full.connect(chunked, part, b"zz\r\n").response().status == 400
        assert full.connect(chunked, part).half_close().response().status == 400
        full.connect(chunked, part).reset()
        full.connect(request(f"/large?bytes={LARGE}")).reset()
        full.connect(request("/wait?gate=reset", body=b"a" * LARGE)).reset()
        full.close_clients()
        until(lambda: full.open_connections() == 0)
        full.wait_until_idle()
    assert full.ask("/echo", body=b"b" * LARGE).status == 200


# Connections


def test_a_connection_beyond_the_limit_closes_the_longest_idle_one(
    crowded: Server,
) -> None:
    oldest = crowded.connect(request("/quick"))
    assert oldest.response().status == 200
    assert oldest.is_silent(seconds(0.05))  # so that it is idle for longer than the others
    others = [crowded.connect(request("/quick")) for _ in range(CONNECTIONS - 1)]
    assert {client.response().status for client in others} == {200}
    # there is no room until one of them has been idle for a second
    until(lambda: crowded.connect(request("/quick")).response().status == 200)
    assert oldest.ended()
    for other in others:
        assert other.send(request("/quick")).response().status == 200


def test_a_connection_beyond_the_limit_gets_a_503_when_none_is_idle(crowded: Server) -> None:
    busy = [crowded.connect(request("/wait?gate=busy")) for _ in range(CONNECTIONS)]
    crowded.wait_until_waiting("busy", CONNECTIONS)
    for _ in range(20):
        client = crowded.connect()
        assert_overloaded(client.response())
        assert client.ended()
    crowded.open_gate("busy")
    assert {client.response().status for client in busy} == {200}
    until(lambda: crowded.ask("/echo").status == 200)


@pytest.mark.usefixtures("many_files")
def test_the_server_recovers_from_many_connections_beyond_the_limit(crowded: Server) -> None:
    for _ in range(500):
        crowded.connect(b"GET /echo HTTP/1.1\r\n")
    crowded.close_clients()
    until(lambda: crowded.ask("/echo").status == 200)


def test_process_whose_threads_are_all_blocked_is_not_ready_and_is_replaced(
    start_server: StartServer,
) -> None:
    server = start_server(threads=2, deadline_seconds=seconds(0.5))
    [blocked] = server.workers()
    for _ in range(2):
        server.connect(request("/wait?gate=never"))
    server.wait_until_waiting("never", 2)
    assert server.ask("/ready").status == 200  # they may still end in time
    until(lambda: server.ask("/ready").status == 503)
    assert server.ask("/quick").status == 200
    until(lambda: len(server.workers()) == 1 and server.workers() != [blocked])
    assert server.ask("/ready").status == server.ask("/").status == 200


def test_process_with_a_free_thread_is_ready(start_server: StartServer) -> None:
    server = start_server(threads=2, deadline_seconds=seconds(0.5))
    workers = server.workers()
    assert server.connect(request("/wait?gate=never")).response().status == 503
    assert server.ask("/ready").status == 200
    assert server.workers() == workers


LONG = b"a" * 200_000


def test_long_bodies_are_worked_on_one_at_a_time_and_short_ones_beside_them(
    start_server: StartServer,
) -> None:
    server = start_server(threads=4)
    first = server.connect(request("/wait?gate=long", body=LONG))
    server.wait_until_waiting("long")
    second = server.connect(request("/echo", body=LONG)).wait_until_delivered()
    compressed = server.connect(request("/echo", "Content-Encoding: gzip", body=LONG[:200]))
    server.turn()
    assert server.ask("/echo", body=b"short").body == b"short"
    assert second.is_silent(0)
    assert compressed.is_silent(0)
    server.open_gate("long")
    assert first.response().body == second.response().body == LONG
    assert compressed.response().body == LONG[:200]
