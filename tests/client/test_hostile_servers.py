"""Servers that answer with garbage, slowly, with redirects, or not at all."""

import json
import time
from pathlib import Path

import pytest

from benchmarks.ports import free_port
from numnet import (
    BadResponse,
    Client,
    NotConnected,
    NotFound,
    NumnetError,
    Problem,
    Redirected,
    ServiceUnavailable,
    TimedOut,
    Timeout,
    Unavailable,
)
from tests.client.hostile_server import JSON_HEAD, hostile_server, response

TOKEN = "a-token-that-nobody-may-see"
ROW = {"x1": 0.1}
GOOD = response(
    "200 OK",
    json.dumps({"prediction": 1.5, "version": "1", "extrapolating": []}).encode(),
    "Content-Type: application/json",
)
BUSY = response(
    "503 Service Unavailable",
    json.dumps(
        {
            "type": "/problems/service-unavailable",
            "title": "Service Unavailable",
            "status": 503,
            "detail": "the queue is full",
        }
    ).encode(),
    "Content-Type: application/problem+json",
    "Retry-After: 1",
    "X-Request-ID: request-17",
)
PROMOTION = response(
    "200 OK",
    json.dumps(
        {
            "number": 1,
            "version": "1",
            "previous": None,
            "at": "2026-01-01T00:00:00+00:00",
            "by": "a test",
            "reason": "",
            "sha256": "",
        }
    ).encode(),
)

GARBAGE: dict[str, bytes] = {
    "HTML": response("200 OK", b"<html>Welcome</html>", "Content-Type: text/html"),
    "no JSON": response("200 OK", b'{"prediction": '),
    "deep JSON": response("200 OK", b"[" * 100_000),
    "no UTF-8": response("200 OK", b"\xff\xfe\xfd"),
    "empty": response("200 OK"),
    "null": response("200 OK", b"null"),
    "number": response("200 OK", b"17"),
    "list": response("200 OK", b"[]"),
    "without version": response("200 OK", b'{"prediction": 1.5}'),
    "text as prediction": response("200 OK", b'{"prediction": "abc", "version": "1"}'),
    "list as prediction": response("200 OK", b'{"prediction": [1.5], "version": "1"}'),
    "null as extrapolating": response(
        "200 OK", b'{"prediction": 1.5, "version": "1", "extrapolating": null}'
    ),
    "malformed gzip": response("200 OK", b"not gzip", "Content-Encoding: gzip"),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_a_bad_response(kind: str) -> None:
    with hostile_server([GARBAGE[kind]]) as server, Client(server.url) as client:
        with pytest.raises(BadResponse):
            client.predict(ROW)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "script",
    [
        [b""],
        [b"SSH-2.0-OpenSSH_9.6\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"],
    ],
    ids=["nothing", "another protocol", "cut short", "no chunk", "cut chunk"],
)
def test_a_response_that_breaks_off_is_asked_for_again(script: list[bytes]) -> None:
    with hostile_server(script, [GOOD]) as server, Client(server.url) as client:
        assert float(client.predict(ROW)) == 1.5
        assert len(server.requests) == 2
        assert server.requests[0] == server.requests[1]
    with hostile_server(script) as server, Client(server.url, retries=2) as client:
        with pytest.raises(NotConnected) as caught:
            client.predict(ROW)
        assert not caught.value.not_sent
        assert len(server.requests) == 3


def test_retry_after_is_honoured() -> None:
    with hostile_server([BUSY], [GOOD]) as server, Client(server.url) as client:
        begun = time.monotonic()
        assert float(client.predict(ROW)) == 1.5
        assert time.monotonic() - begun >= 1.0


@pytest.mark.parametrize(
    "value",
    ["0", "soon", "-1", "Wed, 21 Oct 2015 07:28:00 GMT", "1e3", "9" * 5_000],
    ids=lambda value: value[:20],
)
def test_any_retry_after_leads_to_a_repetition(value: str) -> None:
    busy = BUSY.replace(b"Retry-After: 1\r\n", f"Retry-After: {value}\r\n".encode())
    with hostile_server([busy], [GOOD]) as server, Client(server.url) as client:
        assert float(client.predict(ROW)) == 1.5


def test_a_retry_after_beyond_the_deadline_is_not_waited_for() -> None:
    busy = BUSY.replace(b"Retry-After: 1\r\n", b"Retry-After: 9999\r\n")
    with hostile_server([busy]) as server, Client(server.url) as client:
        with pytest.raises(ServiceUnavailable) as caught:
            client.predict(ROW)
        assert len(server.requests) == 1
    assert caught.value.retry_after_seconds == 9999
    assert caught.value.request_id == "request-17"
    assert str(caught.value) == "503 Service Unavailable: the queue is full"


@pytest.mark.parametrize("script", [[BUSY], [b""]], ids=["overloaded", "closed"])
def test_what_is_not_safe_to_repeat_is_not_repeated(script: list[bytes]) -> None:
    for method in ("promote", "rollback"):
        with hostile_server(script) as server, Client(server.url) as client:
            with pytest.raises(NumnetError):
                client.promote(1) if method == "promote" else client.rollback()
            assert len(server.requests) == 1, method


def test_a_promotion_is_repeated_if_it_was_not_sent() -> None:
    with Client(f"http://127.0.0.1:{free_port()}", retries=1) as client:
        with pytest.raises(NotConnected) as caught:
            client.promote(1)
        assert caught.value.not_sent
    assert "Connection refused" in str(caught.value)
    with hostile_server([PROMOTION]) as server, Client(server.url) as client:
        assert client.promote(1).version == "1"


def test_a_retraining_is_repeated_with_its_key() -> None:
    with hostile_server([b""]) as server, Client(server.url, retries=1) as client:
        with pytest.raises(NotConnected):
            client.retrain()
        first, second = server.requests
        assert first == second
        assert b"\r\nIdempotency-Key: " in first


def test_a_server_that_never_answers_is_left_in_time() -> None:
    timeout = Timeout(read_seconds=0.2, total_seconds=0.5)
    with hostile_server(["hang"]) as server, Client(server.url, timeout=timeout) as client:
        begun = time.monotonic()
        with pytest.raises(TimedOut) as caught:
            client.predict(ROW)
        assert time.monotonic() - begun < 10.0
    assert not caught.value.not_sent


def test_a_body_that_dribbles_is_left_at_the_deadline() -> None:
    dribble: list[bytes | float] = [JSON_HEAD + b"Content-Length: 1000\r\n\r\n"]
    dribble += [b" ", 0.05] * 1000
    with hostile_server(dribble) as server, Client(server.url, timeout=0.5) as client:
        begun = time.monotonic()
        with pytest.raises(TimedOut):
            client.predict(ROW)
        assert time.monotonic() - begun < 10.0


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_redirects_are_not_followed(status: str) -> None:
    with hostile_server([GOOD]) as other:
        redirect = response(status, b"", f"Location: {other.url}/predict")
        with hostile_server([redirect]) as server:
            with Client(server.url, token=TOKEN) as client, pytest.raises(Redirected) as caught:
                client.predict(ROW)
            assert TOKEN.encode() in server.requests[0]
        assert other.requests == []
        assert caught.value.location == f"{other.url}/predict"
        assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [("404 Not Found", NotFound), ("502 Bad Gateway", Problem), ("503 Busy", Unavailable)],
)
def test_errors_without_a_problem_document_have_the_class_of_their_status(
    status: str, kind: type[Problem]
) -> None:
    answer = response(status, b"<html>nginx</html>", "Content-Type: text/html")
    with (
        hostile_server([answer]) as server,
        Client(server.url, retries=1) as client,
        pytest.raises(kind) as caught,
    ):
        client.predict(ROW)
    assert caught.value.status == int(status[:3])
    assert "is this the address of a numnet service?" in str(caught.value)


def test_messages_have_one_line() -> None:
    document = {"title": "A\nB", "detail": "x\r\n\x1b[31m" + "y" * 100_000, "errors": "none"}
    answer = response(
        "422 Wrong", json.dumps(document).encode(), "Content-Type: application/problem+json"
    )
    with (
        hostile_server([answer]) as server,
        Client(server.url) as client,
        pytest.raises(Problem) as caught,
    ):
        client.predict(ROW)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) <= 1000
    assert caught.value.errors == ()


def test_cookies_and_passwords_of_files_are_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    good = GOOD.replace(b"\r\n\r\n", b"\r\nSet-Cookie: tracked=yes\r\n\r\n", 1)
    with hostile_server([good]) as server, Client(server.url) as client:
        client.predict(ROW)
        client.predict(ROW)
        assert b"Authorization" not in server.requests[0]
        assert b"Cookie" not in server.requests[1]


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with hostile_server([GOOD]) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "other.example")
        with Client("http://numnet.example:8000", token=TOKEN) as client:
            assert float(client.predict(ROW)) == 1.5
        assert proxy.requests[0].startswith(b"POST http://numnet.example:8000/predict HTTP/1.1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with hostile_server([GOOD]) as server, Client(server.url) as client:
            client.predict(ROW)
        assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"url": "127.0.0.1:8000"}, "http://host:8000"),
        ({"url": "ftp://here"}, "http://host:8000"),
        ({"url": "http://"}, "http://host:8000"),
        ({"url": "http://user:secret@here"}, "no user and no password"),
        ({"url": "http://here/?a=1"}, "no query"),
        ({"token": ""}, "printable"),
        ({"token": "two\nlines"}, "printable"),
        ({"model": ".."}, "not a name"),
        ({"model": ""}, "not a name"),
        ({"retries": -1}, "0 or more"),
        ({"block_bytes": 0}, "1 or more"),
        ({"timeout": 0}, "greater than 0"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, dict) else "",
)
def test_arguments_that_cannot_be_used_are_refused(
    arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        Client(**arguments)  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


def test_the_environment_is_read_on_request_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with hostile_server([GOOD]) as server:
        monkeypatch.setenv("NUMNET_URL", server.url + "/")
        monkeypatch.setenv("NUMNET_TOKEN", TOKEN)
        assert Client().url == "http://127.0.0.1:8000"
        with Client.from_environment(retries=0) as client:
            assert client.url == server.url
            client.predict(ROW)
        with Client.from_environment(url=server.url, token=None) as client:
            client.predict(ROW)
        assert TOKEN.encode() in server.requests[0]
        assert b"Authorization" not in server.requests[1]


def test_a_client_can_be_used_again_after_it_was_closed() -> None:
    with hostile_server([GOOD]) as server:
        client = Client(server.url)
        client.predict(ROW)
        client.close()
        assert float(client.predict(ROW)) == 1.5
        client.close()
