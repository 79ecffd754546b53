"""Request bodies: Expect: 100-continue, the largest size, and how bodies arrive."""

import threading
import time

import pytest

from tests.patience import seconds
from tests.service.problem_shape import assert_problem
from tests.service.server.harness.client import request
from tests.service.server.harness.server import Server

MAX_BODY_BYTES = 1_000_000  # of the shared server
CHUNKED = "Transfer-Encoding: chunked"
PART = b"a" * 50_000


def announce(length: int, *lines: str, path: str = "/echo") -> bytes:
    """Return the head of a request whose body is still to be sent."""
    return request(path, f"Content-Length: {length}", *lines, method="POST")


@pytest.mark.parametrize("path", ["/echo", "/at-once", "/quick"])
@pytest.mark.parametrize("expectation", ["100-continue", "100-Continue"])
def test_expect_100_continue_gets_a_100_before_the_body(
    server: Server, path: str, expectation: str
) -> None:
    client = server.connect()
    for _ in range(2):
        client.send(announce(3, f"Expect: {expectation}", path=path))
        assert client.head() == ("HTTP/1.1", 100, [])
        client.send(b"ab")
        client.send(b"c")
        assert client.response().body == b"abc"


def test_expect_100_continue_gets_a_100_before_a_chunked_body(server: Server) -> None:
    client = server.connect(request("/echo", CHUNKED, "Expect: 100-continue", method="POST"))
    assert client.head() == ("HTTP/1.1", 100, [])
    client.send(b"3\r\nabc\r\n0\r\n\r\n")
    assert client.response().body == b"abc"


@pytest.mark.parametrize("path", ["/echo", "/at-once", "/quick"])
def test_a_100_continue_is_sent_at_most_once(server: Server, path: str) -> None:
    """A server may leave it out when a part of the body is there already."""
    expecting = announce(3, "Expect: 100-continue", path=path)
    client = server.connect(expecting + b"abc", request("/quick"))
    version, status, _ = client.head()
    if status == 100:
        version, status, _ = client.head()
    assert (version, status) == ("HTTP/1.1", 200)
    assert client.read(3) == b"abc"
    assert client.response().status == 200
    assert client.is_silent(0.05)


def test_a_pipelined_expect_waits_for_the_response_before_it(server: Server) -> None:
    client = server.connect(
        request("/wait?gate=expect", body=b"first"), announce(6, "Expect: 100-continue")
    )
    server.wait_until_waiting("expect")
    server.turn()
    assert client.is_silent(0)
    server.open_gate("expect")
    assert client.response().body == b"first"
    assert client.head() == ("HTTP/1.1", 100, [])
    assert client.send(b"second").response().body == b"second"


def test_expect_in_http_1_0_is_ignored(server: Server) -> None:
    client = server.connect(
        request("/echo", "Expect: 100-continue", body=b"abc", version="HTTP/1.0")
    )
    assert client.response().body == b"abc"


@pytest.mark.parametrize("expectation", ["a miracle", "100-continues", "200-ok"])
def test_another_expectation_gets_a_417(server: Server, expectation: str) -> None:
    client = server.connect(announce(3, f"Expect: {expectation}"))
    response = client.response()
    assert_problem(response.status, response.body, response.headers, expected=417)
    assert response.headers["Connection"] == "close"
    assert client.ended()


TOO_LARGE = {
    "Content-Length": announce(MAX_BODY_BYTES + 1),
    "Expect": announce(MAX_BODY_BYTES + 1, "Expect: 100-continue"),
    "far beyond": announce(10**18),
    "chunk": request("/echo", CHUNKED, method="POST") + b"F4241\r\n" + PART * 21,
    "chunks": request("/echo", CHUNKED, method="POST") + b"%x\r\n%b\r\n" % (50_000, PART) * 21,
}


@pytest.mark.parametrize("sent", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_body_beyond_the_limit_gets_a_413_before_it_is_sent(server: Server, sent: bytes) -> None:
    client = server.connect(sent)
    response = client.response()
    assert response.status == 413
    assert response.headers["Connection"] == "close"
    assert client.ended()


@pytest.mark.parametrize("framing", ["Content-Length: 5000000", CHUNKED])
def test_a_client_that_keeps_sending_can_still_read_its_413(server: Server, framing: str) -> None:
    """A reset while it sends would throw the response away."""
    client = server.connect(request("/echo", framing, method="POST"))
    if framing == CHUNKED:
        client.send(b"4C4B40\r\n")
    for _ in range(50):
        client.send(b"a" * 100_000)
    assert client.response().status == 413
    assert client.ended()


def test_a_body_of_the_largest_size_is_taken(server: Server) -> None:
    body = bytes(range(250)) * (MAX_BODY_BYTES // 250)
    assert server.ask("/echo", body=body).body == body
    client = server.connect(request("/echo", CHUNKED, method="POST"))
    client.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    assert client.response().body == body


def test_a_body_beyond_the_limit_does_not_reach_the_application(server: Server) -> None:
    """It may be asked with the length alone, and refuse that."""
    client = server.connect(announce(MAX_BODY_BYTES + 1, path="/environ"))
    assert client.response().status == 413


def test_a_body_of_a_million_chunks_delays_no_other_client(server: Server) -> None:
    memory = server.memory_bytes()
    client = server.connect(request("/echo", CHUNKED, method="POST"))
    sending = threading.Thread(
        target=client.send, args=(*[b"1\r\na\r\n" * 10_000] * 100, b"0\r\n\r\n"), daemon=True
    )
    sending.start()
    while sending.is_alive():
        begun = time.monotonic()
        assert server.ask("/at-once", body=b"a").status == 200
        assert time.monotonic() - begun < seconds(2)
    assert client.response().body == b"a" * 1_000_000
    assert server.memory_bytes() - memory < 30_000_000


def test_the_framing_of_chunks_is_not_kept_in_memory(server: Server) -> None:
    """Each byte of the body comes with 5,000 bytes of a chunk's extension."""
    memory = server.memory_bytes()
    client = server.connect(request("/echo", CHUNKED, method="POST"))
    for _ in range(100):
        client.send((b"1;" + b"a" * 5_000 + b"\r\nb\r\n") * 100)
    server.turn()
    assert server.memory_bytes() - memory < 20_000_000
    client.send(b"0\r\n\r\n")
    response = client.response()
    assert response.body == b"b" * 10_000 if response.status == 200 else response.status == 400


def test_a_body_that_arrives_one_byte_at_a_time_is_taken(server: Server) -> None:
    client = server.connect(announce(1_000))
    for _ in range(1_000):
        client.send(b"a")
    assert client.response().body == b"a" * 1_000


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_the_body_of_any_method_is_consumed(server: Server, method: str) -> None:
    """Otherwise it would be taken for the next request."""
    client = server.connect(request("/echo", method=method, body=request("/smuggled")))
    assert client.response(method).status == 200
    assert client.send(request("/echo", body=b"next")).response().body == b"next"
    assert "/smuggled?" not in server.requests()


def test_a_body_that_the_application_ignores_is_consumed(
    server: Server,
) -> None:
    client = server.connect(request("/large?bytes=3", body=request("/smuggled")))
    assert client.response().body == b"aaa"
    assert client.send(request("/echo", body=b"next")).response().body == b"next"
    assert "/smuggled?" not in server.requests()
