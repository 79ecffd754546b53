"""What responses consist of: bodies that a method or status forbids, headers, and errors."""

from email.utils import parsedate_to_datetime

import pytest

from tests.service.problem_shape import assert_problem
from tests.service.server.harness.client import request
from tests.service.server.harness.errors import assert_common_headers
from tests.service.server.harness.server import Server


@pytest.mark.parametrize("path", ["/large?bytes=10", "/quick", "/long", "/at-once"])
def test_a_response_to_head_has_no_body(server: Server, path: str) -> None:
    client = server.connect(request(path, method="HEAD") + request("/echo", body=b"next"))
    response = client.response("HEAD")
    assert response.status == 200
    if path.startswith("/large"):
        assert response.headers["Content-Length"] == "10"
    assert client.response().body == b"next"


@pytest.mark.parametrize("code", [204, 304])
def test_a_status_that_allows_no_body_has_none(server: Server, code: int) -> None:
    """Even if the application gives one."""
    client = server.connect(request(f"/status?code={code}") + request("/echo", body=b"next"))
    response = client.response()
    assert response.status == code
    assert "Transfer-Encoding" not in response.headers
    assert code == 304 or "Content-Length" not in response.headers
    assert client.response().body == b"next"


@pytest.mark.parametrize("code", [200, 201, 202, 299, 400, 404, 422, 500, 503, 599])
def test_a_status_reaches_the_client_as_the_application_gave_it(server: Server, code: int) -> None:
    response = server.ask(f"/status?code={code}")
    assert (response.status, response.body) == (code, b"body")


def test_headers_reach_the_client_as_the_application_gave_them(server: Server) -> None:
    response = server.ask("/headers")
    lines = [(name.lower(), value) for name, value in response.lines]
    assert [value for name, value in lines if name == "set-cookie"] == ["a=1", "b=2"]
    assert response.headers["Content-Type"] == "text/x-test; charset=latin-1"
    assert response.headers["X-Empty"] == ""
    assert response.headers["X-Latin"] == "caf\xe9"
    assert response.headers["X-Long"] == "x" * 10_000


@pytest.mark.parametrize("path", ["/echo", "/quick", "/at-once", "/long", "/headers"])
def test_a_response_has_one_date_and_one_server_that_names_no_version(
    server: Server, path: str
) -> None:
    response = server.ask(path, body=b"abc")
    names = [name.lower() for name, _ in response.lines]
    assert names.count("date") == names.count("server") == 1
    assert parsedate_to_datetime(response.headers["Date"]).tzinfo is not None
    assert response.headers["Server"] == "numnet"


def test_an_application_error_before_the_body_gets_a_500(server: Server) -> None:
    for when in ("before", "after-head"):
        response = server.ask(f"/fail?when={when}")
        assert_problem(response.status, response.body, response.headers, expected=500)
    assert "the application fails before its response" in server.log()
    assert server.ask("/echo", body=b"abc").body == b"abc"


def test_an_application_error_within_the_body_ends_the_connection(server: Server) -> None:
    client = server.connect(request("/fail?when=within-body") + request("/echo"))
    with pytest.raises(EOFError):
        client.response()
    assert client.ended()
    assert "the application fails within its response's body" in server.log()
    assert server.ask("/echo", body=b"abc").body == b"abc"


MALFORMED = {
    "head": b"GET /\r\n\r\n",
    "host": b"GET / HTTP/1.1\r\n\r\n",
    "request line": b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n",
    "headers": request("/echo", *["A: b"] * 200),
    "expectation": request("/echo", "Expect: a miracle"),
    "transfer coding": request("/echo", "Transfer-Encoding: gzip, chunked", method="POST"),
    "chunk": request("/echo", "Transfer-Encoding: chunked", method="POST") + b"zz\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_request_gets_a_problem_with_the_common_headers(
    server: Server, sent: bytes
) -> None:
    client = server.connect(sent)
    response = client.response()
    assert_problem(response.status, response.body, response.headers, expected=response.status)
    assert_common_headers(response)
    assert response.headers["Connection"] == "close"
    assert client.ended()
