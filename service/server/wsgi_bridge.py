"""From ASGI to a WSGI application: one call in a thread, one message back for each response."""

import io
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIApplication, WSGIEnvironment

from service.telemetry.request_context import RequestContext

SEND_STREAM = "numnet.send_stream"  # in environ: takes an async iterator as the body
PART_BYTES = 128 * 1024
WITHOUT_BODY = {204, 304}
# The server knows the length, and upgrades no connection, so it ignores the field (RFC 9110, 7.8).
NOT_PASSED_ON = {b"content-length", b"transfer-encoding", b"upgrade"}

Headers = list[tuple[bytes, bytes]]


@dataclass
class Response:
    """A response, or the beginning of a long one.

    Attributes
    ----------
    body : all of it, unless `rest` or `stream` follows
    rest : more of the body; each part takes time to make, in a thread
    stream : the body, made on the event loop
    """

    status: int
    headers: Headers
    body: bytes = b""
    rest: Iterator[bytes] | None = None
    stream: AsyncGenerator[bytes, None] | None = None


def environ_of(scope: Any, body: bytes, context: RequestContext) -> WSGIEnvironment:
    """Return WSGI's environ of an ASGI request.

    Source: PEP 3333; header names with an underscore are dropped, as they would be confused with
    those that have a hyphen.
    """
    server, client = scope["server"] or ("", None), scope["client"] or ("", None)
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": context.prefix,
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": context.client,
        "REMOTE_PORT": str(client[1]),
        "CONTENT_LENGTH": str(scope["state"].get("content_length", len(body))),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": scope["state"].pop("upload", None) or io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    context.store(environ)
    for name, value in scope["headers"]:
        if b"_" in name or name in NOT_PASSED_ON:
            continue
        text = value.decode("latin-1")
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


def respond(application: WSGIApplication, environ: WSGIEnvironment) -> Response:
    """Call the application and return its response, or the beginning of a long one."""
    response = Response(500, [])

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        response.status = int(status.split(" ", 1)[0])
        response.headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in headers
            if name != "Date"  # which the server sends
        ]
        return lambda data: None

    def send_stream(stream: AsyncGenerator[bytes, None]) -> None:
        response.stream = stream

    environ[SEND_STREAM] = send_stream
    parts = application(environ, start_response)
    del environ[SEND_STREAM]  # a reference cycle
    if not isinstance(environ["wsgi.input"], io.BytesIO):
        environ["wsgi.input"].close()  # a file
    environ["wsgi.input"] = io.BytesIO()  # the body is read, and may be long
    if response.stream is not None:
        _close(parts)
        response.headers = [*_without_length(response.headers), (b"connection", b"close")]
        return response
    rest = _closing(parts)
    response.body, is_last = next_part(rest)
    if environ["SERVER_PROTOCOL"] == "HTTP/1.0":  # which has no chunks
        response.body, is_last = response.body + b"".join(rest), True
    if response.status in WITHOUT_BODY:
        rest.close()
        response.body, is_last = b"", True
        response.headers = _without_length(response.headers)
    elif is_last and environ["REQUEST_METHOD"] != "HEAD":
        length = (b"content-length", b"%d" % len(response.body))
        response.headers = [*_without_length(response.headers), length]
    response.rest = None if is_last else rest
    return response


def next_part(parts: Iterator[bytes]) -> tuple[bytes, bool]:
    """Return about `PART_BYTES` more of a body, and whether that was the last of it."""
    taken: list[bytes] = []
    size = 0
    for part in parts:
        taken.append(part)
        size += len(part)
        if size >= PART_BYTES:
            return b"".join(taken), False
    return taken[0] if len(taken) == 1 else b"".join(taken), True


def _without_length(headers: Headers) -> Headers:
    return [field for field in headers if field[0] != b"content-length"]


def _closing(parts: Iterable[bytes]) -> Generator[bytes, None, None]:
    """Iterate over a body, and close it as PEP 3333 asks."""
    try:
        yield from parts
    finally:
        _close(parts)


def _close(parts: Iterable[bytes]) -> None:
    if hasattr(parts, "close"):
        parts.close()
