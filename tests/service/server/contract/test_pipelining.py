"""Pipelined requests: order, fairness between clients, and any split into segments."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.service.server.harness.client import Client, chunked, request
from tests.service.server.harness.server import Server

PATHS = ["/echo", "/at-once", "/large?bytes=10", "/quick", "/at-once", "/pause"]


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    paths = PATHS * 10
    bodies = [f"{number} {path}".encode() for number, path in enumerate(paths)]
    client = server.connect(
        b"".join(request(path, body=body) for path, body in zip(paths, bodies, strict=True))
    )
    for path, body in zip(paths, bodies, strict=True):
        response = client.response()
        assert response.status == 200
        assert response.body == (b"a" * 10 if path.startswith("/large") else body)


def test_pipelined_responses_wait_for_a_slow_first_one(
    server: Server,
) -> None:
    client = server.connect(
        request("/wait?gate=order", body=b"first"),
        request("/quick", body=b"second"),
        request("/at-once", body=b"third"),
    )
    server.wait_until_waiting("order")
    server.turn()
    assert client.is_silent(0)
    server.open_gate("order")
    assert [client.response().body for _ in range(3)] == [b"first", b"second", b"third"]


@pytest.mark.parametrize("path", ["/quick", "/at-once", "/echo"])
def test_two_thousand_pipelined_requests_are_answered(server: Server, path: str) -> None:
    client = server.connect()
    count = 2_000
    client.send(request(path, body=b"abc") * count)
    assert {client.response().body for _ in range(count)} == {b"abc"}


@pytest.mark.parametrize("path", ["/quick-pause", "/pause"])
def test_pipelined_requests_do_not_starve_another_client(server: Server, path: str) -> None:
    """Each of them takes a millisecond, so that the other client comes while they are served."""
    count, name = 1_000, f"{path}?by=greedy"
    before = len(server.requests())
    greedy = server.connect(request(name) * count)
    for _ in range(5):
        assert server.ask("/echo?by=modest", body=b"a").body == b"a"
    assert {greedy.response().status for _ in range(count)} == {200}
    served = server.requests()[before:]
    assert served.count(name) == count
    last_modest = max(place for place, each in enumerate(served) if each.endswith("by=modest"))
    assert served[:last_modest].count(name) < count


BODIES = st.binary(max_size=60)
REQUESTS = st.tuples(
    st.sampled_from(["/echo", "/at-once", "/quick"]),
    BODIES,
    st.none() | st.lists(st.integers(1, 20), max_size=4),
)


def framed(path: str, body: bytes, sizes: list[int] | None) -> bytes:
    """Return a request whose body has a length, or comes in chunks of those sizes."""
    if sizes is None:
        return request(path, body=body)
    contents, rest = [], body
    for size in sizes:
        contents.append(rest[:size])
        rest = rest[size:]
    chunks = chunked(*filter(None, [*contents, rest]))
    return request(path, "Transfer-Encoding: chunked", method="POST") + chunks


@given(st.lists(REQUESTS, min_size=1, max_size=4), st.lists(st.integers(1, 800), max_size=12))
@settings(max_examples=60)
def test_any_split_of_requests_into_segments_gives_the_same_responses(
    server: Server, sent: list[tuple[str, bytes, list[int] | None]], cuts: list[int]
) -> None:
    stream = b"".join(framed(*each) for each in sent)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    with Client(server.address) as client:
        for start, end in pairwise(places):
            client.send(stream[start:end])
        assert [client.response().body for _ in sent] == [body for _, body, _ in sent]


def test_requests_that_arrive_one_byte_at_a_time_are_answered(server: Server) -> None:
    stream = framed("/echo", b"by length", None) + framed("/echo", b"in chunks", [2, 5])
    client = server.connect()
    for byte in stream:
        client.send(bytes([byte]))
    assert [client.response().body for _ in range(2)] == [b"by length", b"in chunks"]


@pytest.mark.parametrize("lines", [["Host: a"], ["Host: a", "Connection: upgrade", "Upgrade: h2c"]])
def test_a_refused_request_behind_another_is_not_answered_twice(
    server: Server, lines: list[str]
) -> None:
    client = server.connect(request("/wait?gate=refused") + request("/refused", *lines))
    server.open_gate("refused")
    assert [client.response().status for _ in range(2)] == [200, 400]
    assert client.ended()
    assert "/refused?" not in server.requests()


def test_clients_that_reset_the_connection_leave_no_error_in_the_log(server: Server) -> None:
    for behind in (b"", request("/echo", body=b"abc") * 10):
        for _ in range(10):
            client = server.connect(request("/long") + behind)
            assert client.head()[1] == 200
            client.reset()
        client = server.connect(request(f"/wait?gate=log-{len(behind)}") + behind)
        server.wait_until_waiting(f"log-{len(behind)}")
        client.reset()
        server.turn()
        server.open_gate(f"log-{len(behind)}")
    server.wait_until_idle()
    for error in ("ASGI callable", "Fatal error on transport", "the handler is closed"):
        assert error not in server.log()
