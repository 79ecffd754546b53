"""A WSGI application whose responses tests can hold back, break and make long."""

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

PART = b"a" * 100_000
PARTS_OF_LONG = 1_000
SEND_STREAM = "numnet.send_stream"
WAIT_SECONDS = 120.0

Query = dict[str, str]


class Application:
    """Records that a server process has loaded it and every request, which it answers by its path.

    Any path without a view returns the request's body. A body beyond the limit gets a 413, as from
    Flask, if the server leaves that to the application.

    Parameters
    ----------
    folder : where requests are recorded and where the gates of `/wait` are
    counters : returns the service's counters
    """

    quick_paths = frozenset({"/quick", "/quick-pause", "/counters", "/ready"})
    spared_paths = frozenset({"/spared"})
    readiness_paths = frozenset({"/ready"})

    def __init__(
        self, folder: Path, max_body_bytes: int, counters: Callable[[], dict[str, float]]
    ) -> None:
        self._folder = folder
        self._max_body_bytes = max_body_bytes
        self._counters = counters
        self._requests = os.open(folder / "requests", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
        (folder / f"loaded-{os.getpid()}").touch()

    def at_once(self, environ: WSGIEnvironment, body: bytes) -> tuple[bytes, bytes] | None:
        """Return the header lines and the body of a 200 for `POST /at-once`."""
        if environ["PATH_INFO"] != "/at-once" or environ["REQUEST_METHOD"] != "POST":
            return None
        self._record(environ)
        return b"Content-Type: text/plain\r\nContent-Length: %d\r\n" % len(body), body

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self._record(environ)
        query = {name: values[-1] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        if int(environ.get("CONTENT_LENGTH") or 0) > self._max_body_bytes:
            return _respond(start_response, b"", "413 Content Too Large")
        view = getattr(self, "view_" + environ["PATH_INFO"].strip("/").replace("-", "_"), None)
        if view:
            response: Iterable[bytes] = view(environ, start_response, query)
            return response
        return _respond(start_response, environ["wsgi.input"].read())

    def view_wait(
        self, environ: WSGIEnvironment, start_response: StartResponse, query: Query
    ) -> Iterable[bytes]:
        """Return the body once the gate is open; fail then if the query says so."""
        self._wait_for_gate(query["gate"])
        if "fail" in query:
            raise RuntimeError("the application fails after waiting")
        return _respond(start_response, environ["wsgi.input"].read())

    def view_stall(
        self, environ: WSGIEnvironment, start_response: StartResponse, query: Query
    ) -> Iterable[bytes]:
        """Return ten parts, and another one once the gate is open."""
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield from [PART] * 10
        self._wait_for_gate(query["gate"])
        yield PART

    def view_pause(
        self, environ: WSGIEnvironment, start_response: StartResponse, query: Query
    ) -> Iterable[bytes]:
        """Return the body after a millisecond."""
        time.sleep(0.001)
        return _respond(start_response, environ["wsgi.input"].read())

    view_quick_pause = view_pause

    def view_fail(
        self, environ: WSGIEnvironment, start_response: StartResponse, query: Query
    ) -> Iterable[bytes]:
        """Fail before the response, after its head, or after its first parts."""
        if query["when"] == "before":
            raise RuntimeError("the application fails before its response")
        start_response("200 OK", [("Content-Type", "text/plain")])
        if query["when"] == "after-head":
            raise RuntimeError("the application fails after its response's head")
        return _broken_parts()

    def view_long(
        self, environ: WSGIEnvironment, start_response: StartResponse, query: Query
    ) -> Iterable[bytes]:
        """Return 100 MB in 1,000 parts, of a length that is not known before."""
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (PART for _ in range(PARTS_OF_LONG))

    def view_stream(
        self, environ: WSGIEnvironment, start_response: StartResponse, query: Query
    ) -> Iterable[bytes]:
        """Return a part, and then nothing, on the event loop."""

        async def parts() -> AsyncGenerator[bytes]:
            yield PART
            await asyncio.sleep(WAIT_SECONDS)

        start_response("200 OK", [("Content-Type", "text/plain")])
        environ[SEND_STREAM](parts())
        return []

    def view_large(
        self, environ: WSGIEnvironment, start_response: StartResponse, query: Query
    ) -> Iterable[bytes]:
        """Return so many bytes at once."""
        return _respond(start_response, b"a" * int(query["bytes"]))

    def view_status(
        self, environ: WSGIEnvironment, start_response: StartResponse, query: Query
    ) -> Iterable[bytes]:
        """Return a status, with a body even if that status allows none."""
        return _respond(start_response, b"body", f"{query['code']} Status")

    def view_headers(
        self, environ: WSGIEnvironment, start_response: StartResponse, query: Query
    ) -> Iterable[bytes]:
        """Return headers that are repeated, empty, long, and beyond ASCII."""
        headers = [
            ("Content-Type", "text/x-test; charset=latin-1"),
            ("Date", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("X-Empty", ""),
            ("X-Latin", "caf\xe9"),
            ("X-Long", "x" * 10_000),
            ("Content-Length", "0"),
        ]
        start_response("299 An Own Phrase", headers)
        return []

    def view_environ(
        self, environ: WSGIEnvironment, start_response: StartResponse, query: Query
    ) -> Iterable[bytes]:
        """Return the request as WSGI describes it."""
        strings = {name: value for name, value in environ.items() if isinstance(value, str)}
        return _respond(start_response, json.dumps(strings).encode())

    def view_counters(
        self, environ: WSGIEnvironment, start_response: StartResponse, query: Query
    ) -> Iterable[bytes]:
        """Return the service's counters."""
        return _respond(start_response, json.dumps(self._counters()).encode())

    def _wait_for_gate(self, name: str) -> None:
        gate = self._folder / f"gate-{name}"
        deadline = time.monotonic() + WAIT_SECONDS
        while not gate.exists() and time.monotonic() < deadline:
            time.sleep(0.005)

    def _record(self, environ: WSGIEnvironment) -> None:
        line = f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}\n"
        os.write(self._requests, line.encode())


def _respond(start_response: StartResponse, body: bytes, status: str = "200 OK") -> Iterable[bytes]:
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]


def _broken_parts() -> Iterator[bytes]:
    for _ in range(10):
        yield PART
    raise RuntimeError("the application fails within its response's body")
