"""Keep-alive, versions of HTTP, half-closed clients and requests that are cut short."""

import pytest

from tests.patience import until
from tests.service.problem_shape import assert_problem
from tests.service.server.harness.client import request
from tests.service.server.harness.server import Server

PATHS = ["/echo", "/at-once", "/quick", "/large?bytes=10"]


@pytest.mark.parametrize("path", PATHS)
def test_a_connection_is_kept_alive(server: Server, path: str) -> None:
    client = server.connect()
    for _ in range(3):
        response = client.send(request(path, body=b"abc")).response()
        assert (response.version, response.status) == ("HTTP/1.1", 200)
        assert response.headers.get("Connection", "keep-alive") == "keep-alive"


def test_repeated_heads_get_the_responses_to_their_own_bodies(server: Server) -> None:
    """A server may remember heads; connections and bodies are still told apart."""
    clients = [server.connect() for _ in range(4)]
    for number in range(50):
        for place, client in enumerate(clients):
            path = PATHS[(number + place) % 3]
            body = b"%04d %04d" % (number, place)
            assert client.send(request(path, body=body)).response().body == body


@pytest.mark.parametrize("path", PATHS[:3])
def test_a_repeated_request_may_be_split_or_joined(server: Server, path: str) -> None:
    client = server.connect()
    sent = request(path, body=b"0123456789")
    for _ in range(3):
        assert client.send(sent).response().body == b"0123456789"
    for cut in range(1, len(sent), 7):
        client.send(sent[:cut])
        server.turn(2)
        assert client.send(sent[cut:]).response().body == b"0123456789"
    client.send(sent * 3)
    assert {client.response().body for _ in range(3)} == {b"0123456789"}
    assert client.send(sent).half_close().response().body == b"0123456789"
    assert client.ended()


def test_a_repeated_request_waits_for_the_response_before_it(server: Server) -> None:
    client = server.connect()
    sent = request("/at-once", body=b"repeated")
    for _ in range(3):
        assert client.send(sent).response().body == b"repeated"
    client.send(request("/wait?gate=repeated", body=b"first"))
    server.wait_until_waiting("repeated")
    client.send(sent)
    server.turn()
    assert client.is_silent(0)
    server.open_gate("repeated")
    assert [client.response().body for _ in range(2)] == [b"first", b"repeated"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "lines",
    [
        ["Connection: close"],
        ["Connection: Close"],
        ["Connection: TE, close"],
        ["Connection: keep-alive", "Connection: close"],
    ],
)
def test_a_connection_is_closed_when_the_client_asks_for_it(
    server: Server, path: str, lines: list[str]
) -> None:
    for behind in (b"", request("/late"), request(path, body=b"abc")):
        client = server.connect(request(path, *lines, body=b"abc"), behind)
        response = client.response()
        assert response.status == 200
        assert response.headers["Connection"] == "close"
        assert client.ended()
    assert "/late?" not in server.requests()


@pytest.mark.parametrize("line", ["Connection: keep-alive", "Connection: TE, closet", "X: close"])
def test_other_connection_options_keep_the_connection_alive(server: Server, line: str) -> None:
    client = server.connect()
    for _ in range(2):
        response = client.send(request("/echo", line)).response()
        assert response.headers.get("Connection", "keep-alive") == "keep-alive"


@pytest.mark.parametrize("path", PATHS)
def test_http_1_0_closes_the_connection_after_the_response(server: Server, path: str) -> None:
    client = server.connect(request(path, body=b"abc", version="HTTP/1.0"))
    response = client.response()
    assert response.status == 200
    assert response.headers.get("Connection", "close") == "close"
    assert "Transfer-Encoding" not in response.headers
    assert client.ended()


@pytest.mark.parametrize("path", PATHS)
def test_http_1_0_may_ask_for_keep_alive(server: Server, path: str) -> None:
    sent = request(path, "Connection: keep-alive", body=b"0123456789", version="HTTP/1.0")
    client = server.connect()
    response = client.send(sent).response()
    assert len(response.body) == 10
    if response.headers.get("Connection") == "keep-alive":
        assert len(client.send(sent).response().body) == 10
    else:
        assert client.ended()


def test_http_1_0_gets_a_response_of_unknown_length_until_the_connection_closes(
    server: Server,
) -> None:
    client = server.connect(request("/long", version="HTTP/1.0"))
    response = client.response()
    assert "Transfer-Encoding" not in response.headers
    assert len(response.body) == 100_000_000


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
@pytest.mark.parametrize("protocol", ["h2c", "websocket", "h2c, websocket"])
def test_an_upgrade_is_ignored(server: Server, path: str, version: str, protocol: str) -> None:
    """Java's client asks for one with every first request."""
    lines = ["Connection: keep-alive, Upgrade, HTTP2-Settings", f"Upgrade: {protocol}"]
    lines += ["HTTP2-Settings: A"]
    client = server.connect(request(path, *lines, body=b"0123456789", version=version))
    assert len(client.response().body) == 10
    if version == "HTTP/1.1":
        chunks = request("/echo", "Transfer-Encoding: chunked", *lines, method="POST")
        client.send(chunks, b"3\r\nabc\r\n0\r\n\r\n", request("/echo", body=b"next"))
        assert [client.response().body for _ in range(2)] == [b"abc", b"next"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("connection", ["Upgrade, close", "close, Upgrade"])
@pytest.mark.parametrize("body", [b"", b"0123456789"])
def test_an_upgrade_is_ignored_on_the_last_request_of_a_connection(
    server: Server, path: str, connection: str, body: bytes
) -> None:
    lines = [f"Connection: {connection}", "Upgrade: websocket"]
    client = server.connect(request(path, *lines, body=body), request("/echo", body=b"next"))
    assert client.response().headers["Connection"] == "close"
    assert client.ended()


def test_http_1_2_is_answered_as_http_1_1(server: Server) -> None:
    """RFC 9110, 2.5: the response names a version that the server speaks; it may also refuse."""
    response = server.connect(request("/echo", version="HTTP/1.2")).response()
    assert response.version == "HTTP/1.1"
    assert response.status in {200, 505}


@pytest.mark.parametrize("path", PATHS)
def test_a_half_closed_client_gets_its_response(server: Server, path: str) -> None:
    client = server.connect(request(path, body=b"0123456789")).half_close()
    assert len(client.response().body) == 10
    assert client.ended()


def test_a_half_closed_client_gets_the_responses_to_all_its_requests(server: Server) -> None:
    client = server.connect(
        request("/wait?gate=half-closed", body=b"1"),
        request("/at-once", body=b"2"),
        request("/echo", body=b"3"),
    ).half_close()
    server.wait_until_waiting("half-closed")
    server.turn()
    server.open_gate("half-closed")
    assert [client.response().body for _ in range(3)] == [b"1", b"2", b"3"]
    assert client.ended()


def test_a_half_closed_client_gets_a_long_response(server: Server) -> None:
    client = server.connect(request("/long")).half_close()
    assert len(client.response().body) == 100_000_000
    assert client.ended()


@pytest.mark.parametrize(
    "sent",
    [
        b"G",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: here\r\n",
        request("/echo", body=b"abc")[:-2],
        request("/echo", "Transfer-Encoding: chunked", method="POST"),
        request("/echo", "Transfer-Encoding: chunked", method="POST") + b"3\r\nab",
        request("/echo", "Transfer-Encoding: chunked", method="POST") + b"3\r\nabc\r\n0\r\n",
    ],
)
def test_an_incomplete_request_of_a_half_closed_client_gets_a_400(
    server: Server, sent: bytes
) -> None:
    client = server.connect(sent).half_close()
    response = client.response()
    assert_problem(response.status, response.body, response.headers, expected=400)
    assert response.headers["Connection"] == "close"
    assert client.ended()


def test_requests_before_an_incomplete_one_are_answered(server: Server) -> None:
    client = server.connect(request("/echo", body=b"abc") + b"GET / HT").half_close()
    assert client.response().body == b"abc"
    assert client.response().status == 400
    assert client.ended()


def test_a_connection_without_a_request_is_closed_without_a_response(server: Server) -> None:
    assert server.connect().half_close().ended()
    client = server.connect(request("/echo"))
    assert client.response().status == 200
    assert client.half_close().ended()


@pytest.mark.parametrize("path", ["/echo", "/wait?gate=reset", "/long", "/at-once", "/quick"])
def test_a_reset_connection_releases_its_resources(server: Server, path: str) -> None:
    for _ in range(20):
        server.connect(request(path, body=b"abc")).reset()
    server.open_gate("reset")
    server.wait_until_idle()
    assert server.ask("/echo", body=b"abc").body == b"abc"
    until(lambda: server.open_connections() <= 1)
