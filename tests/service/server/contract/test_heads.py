"""Request lines and headers: limits, exactly one valid Host, and bytes that are no HTTP.

Sources: RFC 9112, sections 2.2, 3 and 5; RFC 9110, sections 5.5, 7.2 and 9.1.
"""

import json
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.patience import until
from tests.service.problem_shape import assert_problem
from tests.service.server.harness.client import Client, request
from tests.service.server.harness.server import Server


def assert_refused(server: Server, sent: bytes, *statuses: int) -> None:
    """Check that bytes get one error, and end the connection."""
    client = server.connect(sent)
    response = client.response()
    assert response.status in statuses
    assert_problem(response.status, response.body, response.headers, expected=response.status)
    assert response.headers["Connection"] == "close"
    assert client.ended()


def line_of(length: int) -> bytes:
    """Return a request whose request line has so many bytes."""
    return request("/" + "a" * (length - len("GET / HTTP/1.1")))


def test_a_request_line_may_have_4094_bytes_and_a_longer_one_gets_a_414(
    server: Server,
) -> None:
    assert server.connect(line_of(4_094)).response().status == 200
    assert_refused(server, line_of(4_095), 414)
    assert_refused(server, line_of(60_000), 414)


def test_a_request_may_have_100_headers_and_more_get_a_431(server: Server) -> None:
    assert server.connect(request("/echo", *["A: b"] * 99)).response().status == 200
    assert_refused(server, request("/echo", *["A: b"] * 100), 431)
    assert_refused(server, request("/echo", *["A: b"] * 3_000), 431)


def test_a_header_may_have_8188_bytes_and_10000_get_a_431(server: Server) -> None:
    for line in ("A:" + "a" * 8_186, "A" * 8_186 + ":a"):
        assert server.connect(request("/echo", line)).response().status == 200
    assert_refused(server, request("/echo", "A: " + "a" * 10_000), 431)
    assert_refused(server, request("/echo", "A" * 10_000 + ": a"), 431)


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"GET /", b"a" * 1_000),
        (b"GET / HTTP/1.1\r\nHost: here\r\nA: ", b"a" * 1_000),
        (b"GET / HTTP/1.1\r\nHost: here\r\n", b"A: b\r\n" * 200),
    ],
)
def test_an_endless_head_is_refused_while_it_arrives(
    server: Server, begin: bytes, more: bytes
) -> None:
    client = server.connect(begin, *[more] * 150)
    assert client.response().status in {414, 431}
    assert client.ended()


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["Host: here", "Host: here"],
        ["Host: here", "Host: there"],
        ["Host: here", "host:"],
        ["Host: he re"],
        ["Host: here/path"],
        ["Host: user@here"],
        ["Host: here?a"],
        ["Host: here#a"],
        ['Host: "here"'],
        ["Host: <here>"],
        ["Host: here\\a"],
        ["Host: h\xe9re"],
        ["Host: here\x00"],
        ["Host: here\tthere"],
        ["Host : here"],
    ],
)
def test_anything_but_one_valid_host_gets_a_400(server: Server, lines: list[str]) -> None:
    head = "\r\n".join(["GET /echo HTTP/1.1", *lines, "", ""])
    assert_refused(server, head.encode("latin-1"), 400)


@pytest.mark.parametrize(
    "host", ["here", "here:80", "127.0.0.1:8000", "[::1]", "[::1]:80", "xn--hre-bma.example", ""]
)
def test_one_valid_host_is_accepted(server: Server, host: str) -> None:
    client = server.connect(f"GET /environ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert json.loads(client.response().body)["HTTP_HOST"] == host


def test_http_1_0_needs_no_host(server: Server) -> None:
    client = server.connect(b"GET /echo HTTP/1.0\r\n\r\n")
    assert client.response().status == 200
    assert_refused(server, b"GET /echo HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400)


HEAD = b"GET /echo HTTP/1.1\r\nHost: here\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET  HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET / /b HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET /\x7f HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET echo HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET ?a HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET here:80 HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET http://here:99999/ HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET http://here HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET http://here?a=b HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET http:///echo HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET http://user@here/echo HTTP/1.1\r\nHost: here\r\n\r\n",
        b" GET / HTTP/1.1\r\nHost: here\r\n\r\n",
        b"G(T / HTTP/1.1\r\nHost: here\r\n\r\n",
        b"G\x00T / HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET / HTTP/1.1 \r\nHost: here\r\n\r\n",
        b"GET / HTTP/1.1\x00\r\nHost: here\r\n\r\n",
        b"GET / HTTP/11\r\nHost: here\r\n\r\n",
        b"GET / HTTP/1.10\r\nHost: here\r\n\r\n",
        b"GET / HTTP/1,1\r\nHost: here\r\n\r\n",
        b"GET / XTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET / \r\nHost: here\r\n\r\n",
        HEAD + b"no colon\r\n\r\n",
        HEAD + b": no name\r\n\r\n",
        HEAD + b"two words: a\r\n\r\n",
        HEAD + b"A : b\r\n\r\n",
        HEAD + b"A\t: b\r\n\r\n",
        HEAD + b"A(B): c\r\n\r\n",
        HEAD + b"A\x00: b\r\n\r\n",
        HEAD + b"A\xe9: b\r\n\r\n",
        HEAD + b"A: b\x00c\r\n\r\n",
        HEAD + b"A: b\x01c\r\n\r\n",
        HEAD + b"A: b\x0bc\r\n\r\n",
        HEAD + b"A: b\x7fc\r\n\r\n",
        b"GET /echo HTTP/1.1\r\n Host: here\r\n\r\n",
    ],
)
def test_a_malformed_head_gets_a_400(server: Server, sent: bytes) -> None:
    assert_refused(server, sent, 400)


@pytest.mark.parametrize(
    "line", ["GET / HTTP/2.0", "GET / HTTP/0.9", "GET / HTTP/9.1", "PRI * HTTP/2.0"]
)
def test_another_major_version_is_refused(server: Server, line: str) -> None:
    assert_refused(server, f"{line}\r\nHost: here\r\n\r\n".encode(), 400, 501, 505)


def test_a_folded_header_is_refused_or_unfolded(server: Server) -> None:
    """RFC 9112, 5.2: a server has to do either."""
    client = server.connect(request("/environ", "X-Folded: a", "  b"))
    response = client.response()
    if response.status == 200:
        assert json.loads(response.body)["HTTP_X_FOLDED"].split() == ["a", "b"]
    else:
        assert response.status == 400
        assert client.ended()


def test_whitespace_around_header_values_is_removed(server: Server) -> None:
    lines = ["X-A:a", "X-B: \t b c \t", "X-C:", "X-Latin: caf\xe9", "x-lower: d"]
    found = json.loads(server.connect(request("/environ", *lines)).response().body)
    assert found["HTTP_X_A"] == "a"
    assert found["HTTP_X_B"] == "b c"
    assert found["HTTP_X_C"] == ""
    assert found["HTTP_X_LATIN"] == "caf\xe9"
    assert found["HTTP_X_LOWER"] == "d"


def test_the_wsgi_environ_describes_the_request(server: Server) -> None:
    client = server.connect(
        request("/environ?a=%20b", "Content-Type: text/x", method="POST", body=b"hello")
    )
    found = json.loads(client.response().body)
    assert (found["REQUEST_METHOD"], found["PATH_INFO"]) == ("POST", "/environ")
    assert (found["QUERY_STRING"], found["SCRIPT_NAME"]) == ("a=%20b", "")
    assert (found["CONTENT_LENGTH"], found["CONTENT_TYPE"]) == ("5", "text/x")
    assert (found["SERVER_PROTOCOL"], found["wsgi.url_scheme"]) == ("HTTP/1.1", "http")
    assert found["SERVER_PORT"] == str(server.address[1])
    assert found["REMOTE_ADDR"] == "127.0.0.1"
    assert found["REMOTE_PORT"] == str(client.socket.getsockname()[1])


def test_clients_with_identical_heads_keep_their_own_addresses(server: Server) -> None:
    for _ in range(3):
        client = server.connect(request("/environ"))
        port = str(client.socket.getsockname()[1])
        assert json.loads(client.response().body)["REMOTE_PORT"] == port


@pytest.mark.parametrize(
    "target", ["http://here/environ?a", "http://there:80/environ?a", "HTTP://here/environ?a"]
)
def test_an_absolute_target_is_accepted(server: Server, target: str) -> None:
    """RFC 9112, 3.2.2: a server has to, although only proxies are sent one."""
    found = json.loads(server.connect(request(target)).response().body)
    assert (found["PATH_INFO"], found["QUERY_STRING"]) == ("/environ", "a")
    assert found["HTTP_HOST"] == target.split("/")[2]


def test_host_of_an_absolute_target_replaces_the_host_field(server: Server) -> None:
    """RFC 9112, 3.2.2; otherwise the target would pass a check of the Host field."""
    sent = b"GET http://[::1]:80/environ HTTP/1.1\r\nHost: other\r\nA: b\r\n\r\n"
    for version in (b"1.1", b"1.0"):
        client = server.connect(sent.replace(b"HTTP/1.1", b"HTTP/" + version))
        found = json.loads(client.response().body)
        assert (found["HTTP_HOST"], found["HTTP_A"]) == ("[::1]:80", "b")


def test_absolute_target_of_a_quick_path_is_logged_by_its_path(server: Server) -> None:
    client = server.connect(request("http://here/quick?a", "X-Request-ID: absolute-target"))
    assert client.response().status == 200
    [entry] = until(lambda: server.access_lines("absolute-target"))
    assert entry["path"] == "/quick"


def test_upgrade_field_does_not_reach_the_application(server: Server) -> None:
    """Werkzeug answers a request for a WebSocket with a 400."""
    lines = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    for version in ("HTTP/1.0", "HTTP/1.1"):
        client = server.connect(request("/environ", *lines, version=version))
        assert "HTTP_UPGRADE" not in json.loads(client.response().body)


@pytest.mark.parametrize(
    ("line", "statuses"),
    [
        ("OPTIONS * HTTP/1.1", range(200, 500)),
        ("BREW /echo HTTP/1.1", [200, 405, 501]),
        ("get /echo HTTP/1.1", [200, 400, 405, 501]),
        ("M-SEARCH /echo HTTP/1.1", [200, 405, 501]),
    ],
)
def test_unusual_methods_and_targets_get_no_500(
    server: Server, line: str, statuses: list[int]
) -> None:
    client = server.connect(f"{line}\r\nHost: here\r\n\r\n".encode())
    assert client.response().status in statuses


def test_connect_opens_no_tunnel(server: Server) -> None:
    """What a client sends behind it is for another host, and no request to this one."""
    client = server.connect(b"CONNECT here:80 HTTP/1.1\r\nHost: here\r\n\r\n" + request("/inner"))
    assert client.response().status < 600
    assert client.ended()
    assert "/inner?" not in server.requests()


def test_an_empty_line_before_a_request_is_ignored(server: Server) -> None:
    """RFC 9112, 2.2: some clients send one after a body."""
    client = server.connect(request("/echo", body=b"a") + b"\r\n" + request("/echo", body=b"b"))
    assert [client.response().body for _ in range(2)] == [b"a", b"b"]


STARTS = [
    b"",
    b"GET / HTTP/",
    HEAD,
    HEAD + b"A: ",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
    HEAD + b"Content-Length: 3\r\n\r\nabc",
]
PIECES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"\r\n", b"\r\n\r\n", b"\n", b": ", b"Host: a", b"5\r\n", HEAD, b"\x00"]),
)


@given(st.sampled_from(STARTS), st.lists(PIECES, max_size=8).map(b"".join))
@example(b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
@example(b"", b"\r\n" * 40)
@example(b"", b"SSH-2.0-OpenSSH_9.6\r\n")
@settings(max_examples=150)
def test_random_bytes_never_get_a_500_or_hang(server: Server, start: bytes, noise: bytes) -> None:
    with Client(server.address) as client:
        client.send(start + noise).half_close()
        statuses = re.findall(rb"HTTP/1\.1 (\d+) ", client.read_all())
    assert {*map(int, statuses)} <= {100, 200, 400, 405, 413, 414, 417, 431, 501, 505}
