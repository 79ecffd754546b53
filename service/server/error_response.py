"""Responses that the server makes itself, and the lines that every response begins with."""

from functools import lru_cache
from http import HTTPStatus

from service.server.application import ServedApplication
from service.server.wsgi_bridge import Headers, Response
from service.telemetry.request_context import RequestContext

RETRY_AFTER_SECONDS = b"1"


def error_response(
    application: ServedApplication, context: RequestContext, status: int, detail: str
) -> Response:
    """Return an error in the format of the path's protocol."""
    status, media_type, body = application.error_document(context.path, status, detail)
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", context.request_id.encode()),
        *application.error_headers,
    ]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", RETRY_AFTER_SECONDS))
    return Response(status, headers, body)


def on_the_wire(response: Response, date: Headers, is_head: bool) -> bytes:
    """Return the bytes of a response that closes its connection."""
    lines = b"".join(b"%b: %b\r\n" % field for field in response.headers)
    start = status_line(response.status, tuple(date), keep_alive=False)
    return start + lines + b"\r\n" + (b"" if is_head else response.body)


@lru_cache(64)
def status_line(status: int, date: tuple[tuple[bytes, bytes], ...], keep_alive: bool) -> bytes:
    """Return the status line and the header fields that every response has."""
    phrase = HTTPStatus(status).phrase
    lines = b"".join(b"%b: %b\r\n" % field for field in date)
    close = b"" if keep_alive else b"connection: close\r\n"
    return f"HTTP/1.1 {status} {phrase}\r\n".encode() + lines + close
