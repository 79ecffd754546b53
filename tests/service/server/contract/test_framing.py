"""Framing that two servers in a row may read differently: request smuggling.

Sources: RFC 9112, sections 2.2, 5, 6 and 7.1; RFC 9110, sections 5.5 and 8.6.
"""

import pytest

from tests.service.problem_shape import assert_problem
from tests.service.server.harness.client import chunked, request
from tests.service.server.harness.server import Server

SMUGGLED = request("/smuggled")
HEAD = b"POST /victim HTTP/1.1\r\nHost: here\r\n"
CHUNKS = chunked(b"hello")


def assert_refused(server: Server, sent: bytes, *statuses: int) -> None:
    """Check that bytes get one error, end the connection, and never reach the application."""
    before = len(server.requests())
    client = server.connect(sent + SMUGGLED)
    response = client.response()
    assert response.status in statuses
    assert_problem(response.status, response.body, response.headers, expected=response.status)
    assert response.headers["Connection"] == "close"
    assert client.ended()
    assert server.requests()[before:] == []


@pytest.mark.parametrize(
    "lines",
    [
        [b"Content-Length: 5", b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: chunked", b"Content-Length: 5"],
        [b"Content-Length: 0", b"Transfer-Encoding: chunked"],
        [b"Content-Length: 5", b"transfer-encoding: Chunked"],
        [b"Content-Length: 5", b"Transfer-Encoding:\tchunked\t"],
        [b"Content-Length: 5", b"Transfer-Encoding:\r\n chunked"],
        [b"Content-Length: 5", b"X: y", b" Transfer-Encoding: chunked", b"Transfer-Encoding : x"],
    ],
)
def test_content_length_with_transfer_encoding_gets_a_400(
    server: Server, lines: list[bytes]
) -> None:
    assert_refused(server, HEAD + b"\r\n".join(lines) + b"\r\n\r\n" + CHUNKS, 400)


@pytest.mark.parametrize(
    "values",
    [
        [b"5", b"6"],
        [b"6", b"5"],
        [b"5", b"5"],
        [b"5, 5"],
        [b"5,6"],
        [b"+5"],
        [b"-5"],
        [b"-0"],
        [b"5 5"],
        [b"5_0"],
        [b"0x5"],
        [b"5.0"],
        [b"5e0"],
        [b"five"],
        [b"5;"],
        [b'"5"'],
        [b"\xb2"],
        [b"5\xa0"],
        [b"\xd9\xa5"],
        [b"5\x00"],
        [b"5\x0b"],
        [b"5\r"],
        [b""],
    ],
)
def test_an_invalid_content_length_gets_a_400(server: Server, values: list[bytes]) -> None:
    lines = b"".join(b"Content-Length: %b\r\n" % value for value in values)
    assert_refused(server, HEAD + lines + b"\r\nhello", 400)


def test_a_content_length_beyond_64_bits_does_not_wrap_around(server: Server) -> None:
    """The application may be asked, which then refuses the length itself."""
    client = server.connect(HEAD + b"Content-Length: %d\r\n\r\nhello" % (2**64 + 5) + SMUGGLED)
    response = client.response()
    assert response.status in {400, 413}
    assert response.headers["Connection"] == "close"
    assert client.ended()
    assert "/smuggled?" not in server.requests()


@pytest.mark.parametrize("value", [b"5 ", b"\t5", b"005"])
def test_a_valid_content_length_is_accepted(server: Server, value: bytes) -> None:
    client = server.connect(HEAD + b"Content-Length:" + value + b"\r\n\r\nhello")
    assert client.response().body == b"hello"


@pytest.mark.parametrize(
    ("lines", "statuses"),
    [
        ([b"Transfer-Encoding: gzip, chunked"], [501]),
        ([b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked"], [501]),
        ([b"Transfer-Encoding: brotli"], [400, 501]),
        ([b"Transfer-Encoding: chunked, gzip"], [400, 501]),
        ([b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip"], [400, 501]),
        ([b"Transfer-Encoding: chunked, chunked"], [400, 501]),
        ([b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"], [400, 501]),
        ([b"Transfer-Encoding: xchunked"], [400, 501]),
        ([b"Transfer-Encoding: chunkedx"], [400, 501]),
        ([b"Transfer-Encoding: chunked;q=1"], [400, 501]),
        ([b"Transfer-Encoding: 'chunked'"], [400, 501]),
        ([b'Transfer-Encoding: "chunked"'], [400, 501]),
        ([b"Transfer-Encoding: identity"], [400, 501]),
        ([b"Transfer-Encoding: identity", b"Content-Length: 5"], [400, 501]),
        ([b"Transfer-Encoding: chunked, identity"], [400, 501]),
        ([b"Transfer-Encoding: \x0bchunked"], [400, 501]),
        ([b"Transfer-Encoding: \x00chunked"], [400, 501]),
        ([b"Transfer-Encoding: chunked\xa0"], [400, 501]),
        ([b"Transfer-Encoding: "], [400, 501]),
        ([b"Transfer-Encoding : chunked"], [400]),
        ([b"Transfer-Encoding\t: chunked"], [400]),
        ([b"Transfer-Encoding\x00: chunked"], [400]),
        ([b"Transfer-Encoding\r: chunked"], [400]),
    ],
)
def test_another_transfer_coding_than_chunked_is_refused(
    server: Server, lines: list[bytes], statuses: list[int]
) -> None:
    assert_refused(server, HEAD + b"\r\n".join(lines) + b"\r\n\r\n" + CHUNKS, *statuses)


def test_chunked_in_http_1_0_ends_the_connection(server: Server) -> None:
    head = HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Connection: keep-alive\r\n"
    client = server.connect(head + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS + SMUGGLED)
    assert client.response().status in {200, 400, 501}
    assert client.ended()
    assert "/smuggled?" not in server.requests()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /victim HTTP/1.1\nHost: here\n\n",
        b"GET /victim HTTP/1.1\r\nHost: here\n\r\n",
        b"GET /victim HTTP/1.1\nHost: here\r\n\r\n",
        b"GET /victim HTTP/1.1\r\nHost: here\r\n\n",
        b"GET /victim HTTP/1.1\r\nHost: here\n\n",
        b"GET /victim HTTP/1.1\r\nHost: here\r\nX: y\nContent-Length: 5\r\n\r\nhello",
        b"\x16\x03\x01\x02\x00\x01\n",
    ],
)
def test_a_bare_line_feed_gets_a_400(server: Server, sent: bytes) -> None:
    assert_refused(server, sent, 400)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /victim HTTP/1.1\rHost: here\r\r",
        b"GET /victim HTTP/1.1\r\nHost: here\r\nX: a\rb\r\n\r\n",
        b"GET /victim HTTP/1.1\r\nHost: here\r\nX: a\rContent-Length: 5\r\n\r\nhello",
        b"GET /victim HTTP/1.1\r\nHost: here\r\r\n\r\n",
        b"GET /vic\rtim HTTP/1.1\r\nHost: here\r\n\r\n",
    ],
)
def test_a_bare_carriage_return_gets_a_400(server: Server, sent: bytes) -> None:
    assert_refused(server, sent + b"\r\n\r\n", 400)


def chunked_request(framing: bytes) -> bytes:
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + framing


@pytest.mark.parametrize(
    "size",
    [
        b"0x5",
        b"0X5",
        b"+5",
        b"-5",
        b" 5",
        b"\t5",
        b"5 ",
        b"5\t",
        b"5_0",
        b"5,",
        b"5h",
        b"zz",
        b"",
        b";a=b",
        b"5\x00",
        b"5\x0b",
        b"5\xa0",
        b"\xb2",
        b"5\r",
        b"-1",
    ],
)
def test_an_invalid_chunk_size_gets_a_400(server: Server, size: bytes) -> None:
    assert_refused(server, chunked_request(size + b"\r\nhello\r\n0\r\n\r\n"), 400)


@pytest.mark.parametrize("size", [b"10000000000000005", b"100000005", b"f" * 16, b"f" * 17])
def test_a_huge_chunk_size_does_not_wrap_around(server: Server, size: bytes) -> None:
    client = server.connect(chunked_request(size + b"\r\nhello\r\n0\r\n\r\n") + SMUGGLED)
    client.half_close()
    response = client.response()
    assert response.status in {400, 413}
    assert response.headers["Connection"] == "close"
    assert client.ended()
    assert "/smuggled?" not in server.requests()


@pytest.mark.parametrize(
    "framing",
    [
        b"5\r\nhelloXX0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello\r0\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"4\r\nhello\r\n0\r\n\r\n",
        b"6\r\nhello\r\n0\r\n\r\n",
        b"5;\nhello\r\n0\r\n\r\n",
        b"5;a\nhello\r\n0\r\n\r\n",
        b"5;a\rb\r\nhello\r\n0\r\n\r\n",
        b'5;a="\r\nhello\r\n0\r\n\r\n',
        b"5\r\nhello\r\n0\n\r\n",
        b"5\r\nhello\r\n0\r\n\n",
        b"5\r\nhello\r\n0\r\nX\r\n\r\n",
        b"5\r\nhello\r\n0\r\n X: y\r\n\r\n",
        b"5\r\nhello\r\n0\r\nX : y\r\n\r\n",
        b"5\r\nhello\r\n0\r\nX: y\nY: z\r\n\r\n",
        b"5\r\nhello\r\n0\r\nX: \x00\r\n\r\n",
    ],
)
def test_malformed_chunks_and_trailers_get_a_400(server: Server, framing: bytes) -> None:
    assert_refused(server, chunked_request(framing), 400)


@pytest.mark.parametrize("line", [b"5" + b" " * 100_000, b"5;" + b"a" * 100_000, b"0" * 100_000])
def test_an_overlong_chunk_size_line_is_refused(server: Server, line: bytes) -> None:
    assert_refused(server, chunked_request(line + b"\r\nhello\r\n0\r\n\r\n"), 400, 413, 431)


def test_overlong_trailers_are_refused(server: Server) -> None:
    trailers = b"X: " + b"a" * 7_000 + b"\r\n"
    assert_refused(server, chunked_request(b"0\r\n" + trailers * 200 + b"\r\n"), 400, 413, 431)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\n",
        b"GET /victim HTTP/1.1\nHost: here\n\n",
        b"GET /victim\r\n\r\n",
        chunked_request(b"zz\r\n"),
        chunked_request(b"-1\r\n"),
        chunked_request(b"2\r\nabcd\r\n"),
        chunked_request(b"a" * 10_000),
        chunked_request(b"0\r\n" + b"a" * 100_000),
    ],
)
def test_malformed_bytes_are_refused_before_the_request_is_complete(
    server: Server, sent: bytes
) -> None:
    client = server.connect(sent)
    assert client.response().status in {400, 413, 431}
    assert client.ended()


@pytest.mark.parametrize(
    "framing",
    [
        b"5\r\nhello\r\n0\r\n\r\n",
        b"05\r\nhello\r\n000\r\n\r\n",
        b"1\r\nh\r\n4\r\nello\r\n0\r\n\r\n",
        b"5;a=b\r\nhello\r\n0\r\n\r\n",
        b'5;a="b c";d\r\nhello\r\n0;e=f\r\n\r\n',
        b"5\r\nhello\r\n0\r\nX-Trailer: a\r\nY-Trailer: b\r\n\r\n",
    ],
)
def test_valid_chunks_are_accepted(server: Server, framing: bytes) -> None:
    client = server.connect(chunked_request(framing) + request("/echo", body=b"next"))
    assert client.response().body == b"hello"
    assert client.response().body == b"next"


@pytest.mark.parametrize("trailer", [b"Content-Length: 5", b"Host: there", b"X-Request-ID: b"])
def test_a_trailer_does_not_replace_a_header(server: Server, trailer: bytes) -> None:
    client = server.connect(
        b"POST /environ HTTP/1.1\r\nHost: here\r\nX-Request-ID: a\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n" + trailer + b"\r\n\r\n"
    )
    response = client.response()
    if response.status == 200:
        environ = response.body.decode()
        assert '"HTTP_HOST": "here"' in environ
        assert '"HTTP_X_REQUEST_ID": "a"' in environ
    else:
        assert response.status == 400
        assert client.ended()


def test_a_header_name_with_an_underscore_is_not_mistaken_for_a_hyphen(server: Server) -> None:
    """WSGI would give `Content_Length` the same name as `Content-Length`."""
    lines = ["Content_Length: 3", "Transfer_Encoding: chunked", "X_Request_ID: a"]
    client = server.connect(request("/environ", *lines, body=b"hello") + request("/echo"))
    response = client.response()
    if response.status == 200:
        assert '"CONTENT_LENGTH": "5"' in response.body.decode()
        assert "X_REQUEST_ID" not in response.body.decode()
        assert client.response().status == 200
    else:
        assert response.status == 400
        assert client.ended()


def test_a_body_that_equals_an_earlier_request_is_a_body(server: Server) -> None:
    """Even if it arrives as a segment of its own."""
    repeated = request("/at-once", body=b"hello")
    client = server.connect()
    for _ in range(3):
        assert client.send(repeated).response().body == b"hello"
    for _ in range(3):
        client.send(request("/echo", f"Content-Length: {len(repeated)}", method="POST"))
        server.turn(2)
        assert client.send(repeated).response().body == repeated
        client.send(chunked_request(b"%x\r\n" % len(repeated)))
        server.turn(2)
        client.send(repeated)
        server.turn(2)
        assert client.send(b"\r\n0\r\n\r\n").response().body == repeated


@pytest.mark.parametrize(
    "begin", [b"G", b"POST /victim HTTP/1.1\r\n", HEAD, HEAD + b"X: ", chunked_request(b"5\r\n")]
)
def test_an_earlier_request_within_a_malformed_one_gets_no_response(
    server: Server, begin: bytes
) -> None:
    repeated = request("/at-once", body=b"hello")
    client = server.connect()
    for _ in range(3):
        assert client.send(repeated).response().body == b"hello"
    before = len(server.requests())
    client.send(begin)
    server.turn(2)
    client.send(repeated)
    assert client.response().status in {400, 501}
    client.send(repeated)
    assert client.ended()
    assert {*server.requests()[before:]} == {"/quick?"}  # those by which the test waits


def test_line_ends_before_a_request_are_not_a_head(server: Server) -> None:
    """Even if they are as many as the bytes of the body before them."""
    client = server.connect(request("/at-once", body=b"a" * 20))
    assert client.response().status == 200
    assert client.send(b"\r\n" * 12, request("/echo")).response().status == 200
    assert server.connect(b"\r\n\r\n" + b"a" * 20).half_close().response().status == 400
