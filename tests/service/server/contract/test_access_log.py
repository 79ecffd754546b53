"""The access log and request ids: one line of JSON per request, whatever became of it."""

import json
import re
from functools import partial
from typing import Any

import pytest

from tests.patience import until
from tests.service.server.contract.conftest import StartServer
from tests.service.server.harness.client import request
from tests.service.server.harness.server import Server

OWN_PATHS = ("/quick", "/counters")  # of the requests by which the tests wait
MADE_ID = re.compile(r"[0-9a-f]{16}-[0-9a-f]+")


def line_of(server: Server, request_id: str) -> dict[str, Any]:
    """Return the one line of a request."""
    (line,) = until(partial(server.access_lines, request_id))
    return line


def new_lines(server: Server, sent: bytes, count: int = 1) -> list[dict[str, Any]]:
    """Send bytes, read until the connection ends, and return the lines that this adds.

    Parameters
    ----------
    count : of lines to wait for
    """

    def lines() -> list[dict[str, Any]]:
        return [line for line in server.access_log() if line["path"] not in OWN_PATHS]

    server.wait_until_idle()
    before = len(lines())
    server.connect(sent).half_close().read_all()
    until(lambda: len(lines()) >= before + count)
    server.turn()
    return lines()[before:]


@pytest.mark.parametrize("path", ["/echo", "/quick", "/at-once"])
def test_a_request_has_one_line(server: Server, path: str) -> None:
    name = f"line-{path[1:]}"
    server.ask(f"{path}?secret=1", f"X-Request-ID: {name}", body=b"secret body")
    line = line_of(server, name)
    assert (line["method"], line["path"], line["status"]) == ("POST", path, 200)
    assert (line["bytes"], line["client"]) == (11, "127.0.0.1")
    assert 0 <= line["duration_ms"] < 60_000
    assert (line["level"], line["logger"]) == ("INFO", "access")
    assert "secret" not in json.dumps(line)


def test_pipelined_requests_have_a_line_each_in_order(server: Server) -> None:
    paths = ["/echo", "/at-once", "/quick"] * 5
    client = server.connect()
    for number, path in enumerate(paths):
        client.send(request(path, f"X-Request-ID: piped-{number}", body=b"a" * number))
    for number, path in enumerate(paths):
        assert client.response().status == 200
        line = line_of(server, f"piped-{number}")
        assert (line["path"], line["bytes"]) == (path, number)


def test_a_response_in_chunks_counts_the_bytes_of_its_body(server: Server) -> None:
    server.ask("/long", "X-Request-ID: long")
    assert line_of(server, "long")["bytes"] == 100_000_000


def test_a_response_to_head_counts_no_bytes(server: Server) -> None:
    client = server.connect(request("/large?bytes=10", "X-Request-ID: head", method="HEAD"))
    client.response("HEAD")
    line = line_of(server, "head")
    assert (line["method"], line["status"], line["bytes"]) == ("HEAD", 200, 0)


def test_a_non_ascii_path_is_logged_as_unicode(server: Server) -> None:
    server.ask("/s%C3%A9?a=b", "X-Request-ID: accent")
    assert line_of(server, "accent")["path"] == "/s\xe9"


def test_an_application_that_fails_is_logged_with_a_500(server: Server) -> None:
    server.ask("/fail?when=before", "X-Request-ID: failed")
    assert line_of(server, "failed")["status"] == 500


MALFORMED = {
    "head": (b"GET /\r\n\r\n", 400),
    "host": (b"GET /echo HTTP/1.1\r\n\r\n", 400),
    "request line": (b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n", 414),
    "headers": (request("/echo", *["A: b"] * 200), 431),
    "expectation": (request("/echo", "Expect: a miracle"), 417),
    "chunk": (
        request("/echo", "Transfer-Encoding: chunked", method="POST") + b"zz\r\n",
        400,
    ),
    "cut short": (b"GET / HT", 400),
    "too large": (request("/echo", "Content-Length: 9000000", method="POST"), 413),
}


@pytest.mark.parametrize(("sent", "status"), MALFORMED.values(), ids=MALFORMED)
def test_a_request_that_is_refused_has_one_line(server: Server, sent: bytes, status: int) -> None:
    (line,) = new_lines(server, sent)
    assert (line["status"], line["client"]) == (status, "127.0.0.1")
    assert line["request_id"]


def test_a_connection_without_a_request_has_no_line(server: Server) -> None:
    assert new_lines(server, b"", count=0) == []


@pytest.mark.parametrize("request_id", ["trace-7/a", "A.b:c=d@e+f_g", "x" * 128])
def test_the_callers_request_id_is_kept(server: Server, request_id: str) -> None:
    server.ask("/echo", f"X-Request-ID: {request_id}")
    assert line_of(server, request_id)["path"] == "/echo"


@pytest.mark.parametrize("request_id", ["", "a b", "\xe9", "x" * 129, 'a"b', "a\tb"])
def test_an_unusable_request_id_is_replaced(server: Server, request_id: str) -> None:
    (line,) = new_lines(server, request("/echo", f"X-Request-ID: {request_id}"))
    assert MADE_ID.fullmatch(line["request_id"])


def test_two_request_ids_are_replaced(server: Server) -> None:
    (line,) = new_lines(server, request("/echo", "X-Request-ID: a", "X-Request-ID: b"))
    assert MADE_ID.fullmatch(line["request_id"])


def test_generated_request_ids_are_unique(server: Server) -> None:
    """Also for requests that are the same in every byte."""
    sent = request("/echo") * 10 + request("/at-once", body=b"") * 10
    lines = new_lines(server, sent, 20) + new_lines(server, sent, 20)
    for _ in range(10):
        lines += new_lines(server, request("/at-once", body=b""))
    assert len({line["request_id"] for line in lines}) == 50


def test_a_traceparent_is_logged(server: Server) -> None:
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    lines = (f"traceparent: 00-{trace}-{parent}-01", "X-Request-ID: traced")
    server.ask("/echo", *lines)
    line = line_of(server, "traced")
    assert (line["trace_id"], line["parent_id"]) == (trace, parent)


FORWARDED = ["X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "Forwarded: for=192.0.2.1"]
FORWARDED += ["X-Forwarded-Prefix: /plant"]


@pytest.mark.parametrize("path", ["/environ", "/at-once"])
def test_forwarding_headers_of_untrusted_clients_are_ignored(server: Server, path: str) -> None:
    name = f"untrusted-{path[1:]}"
    response = server.ask(path, *FORWARDED, f"X-Request-ID: {name}", body=b"abc")
    assert line_of(server, name)["client"] == "127.0.0.1"
    if path == "/environ":
        environ = json.loads(response.body)
        assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == ("127.0.0.1", "http")
        assert environ["SCRIPT_NAME"] == ""


def test_a_trusted_proxy_forwards_the_address_of_its_client(start_server: StartServer) -> None:
    server = start_server(forwarded_allow_ips=["127.0.0.0/8"], linger_seconds=0.1)
    for forwarded, client in (
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("198.51.100.9, 192.0.2.1", "192.0.2.1"),  # the first may be made up by the client
        ("198.51.100.9, 192.0.2.1, 127.0.0.5", "192.0.2.1"),
        ("127.0.0.5", "127.0.0.5"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("no address", "127.0.0.1"),
        ("", "127.0.0.1"),
    ):
        for path in ("/environ", "/at-once"):
            (line,) = new_lines(server, request(path, f"X-Forwarded-For: {forwarded}", body=b"a"))
            assert line["client"] == client


def test_a_trusted_proxy_forwards_the_prefix_of_the_path(start_server: StartServer) -> None:
    server = start_server(forwarded_allow_ips=["127.0.0.0/8"], linger_seconds=0.1)
    for forwarded, prefix in (
        ("/plant", "/plant"),
        ("/a/b-c_d~1.2/", "/a/b-c_d~1.2"),
        ("/", ""),
        ("plant", ""),
        ("//a.example", ""),
        ("/a, /b", ""),
        ("/a b", ""),
        ("/<script>", ""),
        ("", ""),
    ):
        response = server.ask("/environ", f"X-Forwarded-Prefix: {forwarded}")
        assert json.loads(response.body)["SCRIPT_NAME"] == prefix
